#include "config/list.h"

#include "base/address.h"

struct list_kind {
    const char *item; /* what one is, in messages */
    size_t item_size;
    void (*read)(struct reader *r, const yaml_node_t *node, struct str text, void *to);
};

static const struct list_kind *
list_kind(enum key_type type)
{
    static const struct list_kind origins = {"an origin", sizeof(char *), origin_read};
    static const struct list_kind networks = {"a network", sizeof(struct network), network_read};
    static const struct list_kind channels = {"a pattern", sizeof(char *), channel_pattern_read};
    if (type == KEY_ORIGINS) {
        return &origins;
    }
    return type == KEY_NETWORKS ? &networks : &channels;
}

static void
list_read_item(struct reader *r, const struct list_kind *kind, const yaml_node_t *node, void *to)
{
    struct str text;
    if (node->type != YAML_SCALAR_NODE) {
        reader_wrong_kind_of_text(r, node, "", kind->item);
    } else if (reader_scalar(r, node, "", &text)) {
        kind->read(r, node, text, to);
    }
}

void
list_read(struct reader *r, struct section *s, const struct key *k, const yaml_node_t *node)
{
    char expected[KEY_EXPECTED_SIZE];
    const struct list_kind *kind = list_kind(k->type);
    if (node->type != YAML_SEQUENCE_NODE) {
        reader_wrong_kind(r, node, key_name(k), key_expected(k, 0, expected));
        return;
    }
    size_t length = reader_length(node);
    char *items = reader_alloc(r, length, kind->item_size);
    for (size_t i = 0; i < length && items != NULL; i++) {
        size_t before = reader_enter_item(r, key_name(k), i);
        const yaml_node_t *item = reader_item(r, node, i);
        if (item != NULL) {
            list_read_item(r, kind, item, items + i * kind->item_size);
        }
        reader_leave(r, before);
    }
    length = items == NULL ? 0 : length;
    char *field = (char *)s->base + k->offset;
    memcpy(field, &items, sizeof(items));
    memcpy(field + sizeof(items), &length, sizeof(length));
}
