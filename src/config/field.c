#include "config/field.h"

#include "config/assignment.h"
#include "config/channels.h"
#include "config/list.h"
#include "config/when.h"

static void
read_group(struct reader *r, struct section *s, const struct key *k, const yaml_node_t *node)
{
    size_t before = reader_enter(r, key_name(k));
    section_read(s, r, node, k->path);
    reader_leave(r, before);
}

/* Sources come first and routes last, whatever the order of the file: they refer to each other. */
static void
read_later(struct reader *r, struct section *s, const struct key *k, const yaml_node_t *node)
{
    (void)s;
    *(k->type == KEY_SOURCES ? &r->sources : &r->routes) = node;
}

typedef void (*read_fn)(struct reader *r,
                        struct section *s,
                        const struct key *k,
                        const yaml_node_t *node);

/* NULL for the scalars. */
static read_fn
field_reader(enum key_type type)
{
    static const read_fn readers[] = {
        [KEY_GROUP] = read_group,         [KEY_SOURCES] = read_later,
        [KEY_ROUTES] = read_later,        [KEY_ORIGINS] = list_read,
        [KEY_NETWORKS] = list_read,       [KEY_CHANNELS] = channels_read,
        [KEY_WHENS] = when_read_list,     [KEY_OPERAND] = when_read_operand,
        [KEY_EXISTS] = when_read_operand, [KEY_OPERANDS] = when_read_operands,
    };
    return type < sizeof(readers) / sizeof(readers[0]) ? readers[type] : NULL;
}

/* YAML's null, in any of the forms that somebody may have meant to be a text. */
static bool
is_null(const yaml_node_t *node)
{
    return reader_is_nothing(node) ||
           (node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
            (str_equal(reader_raw(node), STR("null")) || str_equal(reader_raw(node), STR("~"))));
}

/* The scalar's text, where the node is one and has one that the key can have. */
static bool
field_get_text(const struct assignment *a, const yaml_node_t *node, struct str *ret_text)
{
    char text[KEY_EXPECTED_SIZE];
    const char *name = key_name(a->k);
    const char *expected = key_expected(a->k, a->s->only, text);
    bool is_any_text = a->k->min == NULL && a->k->words == NULL;
    const char *problem = "is empty";
    if (node->type != YAML_SCALAR_NODE) {
        (is_any_text ? reader_wrong_kind_of_text : reader_wrong_kind)(a->r, node, name, expected);
        return false;
    }
    if (is_null(node)) {
        problem = "has no value";
    } else if (!reader_scalar(a->r, node, name, ret_text)) {
        return false;
    } else if (ret_text->size > 0 || (a->k->flags & KEY_NOT_EMPTY) == 0) {
        return true;
    }
    problems_add(a->r->problems, a->mark, reader_path(a->r, name), "%s (expected %s)", problem,
                 expected);
    return false;
}

static void
field_read_scalar(struct reader *r, struct section *s, const struct key *k, const yaml_node_t *node)
{
    struct assignment a = {.r = r, .s = s, .k = k, .mark = reader_mark(node)};
    if (field_get_text(&a, node, &a.text)) {
        assignment_setter(k->type)(&a);
    }
}

void
field_read(struct reader *r, struct section *s, const struct key *k, const yaml_node_t *node)
{
    read_fn read = field_reader(k->type);
    if (read != NULL) {
        read(r, s, k, node);
    } else {
        field_read_scalar(r, s, k, node);
    }
}

void
field_set_default(struct reader *r, struct section *s, const struct key *k)
{
    struct assignment a = {.r = r, .s = s, .k = k, .text = str_from(k->default_text)};
    bool is_text = k->type == KEY_TEXT || k->type == KEY_MARKED || k->type == KEY_FILE;
    if (k->default_text != NULL) {
        assignment_setter(k->type)(&a);
    } else if (is_text && k->type == KEY_MARKED) {
        assignment_set_marked(&a);
    } else if (is_text) {
        assignment_set_text(&a);
    }
}
