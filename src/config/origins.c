#include "config/origins.h"

/*
 * scheme://host[:port] and nothing behind it: browsers send an origin without a slash, so one that
 * is written with it would never match.
 */
static bool
origin_is_valid(struct str text)
{
    if (str_equal(text, STR("*"))) {
        return true;
    }
    bool is_http = str_starts_with(text, STR("http://"));
    if (!is_http && !str_starts_with(text, STR("https://"))) {
        return false;
    }
    struct str host = str_after(text, is_http ? 7 : 8);
    for (size_t i = 0; i < host.size; i++) {
        unsigned char c = (unsigned char)host.data[i];
        if (c <= ' ' || c >= 0x7f || memchr("/?#@\\\"*", c, 7) != NULL || (c >= 'A' && c <= 'Z')) {
            return false;
        }
    }
    return host.size > 0;
}

static char *
origin_read(struct reader *r, const yaml_node_t *node)
{
    char shown[PROBLEMS_EXCERPT_SIZE];
    struct str text;
    if (node->type != YAML_SCALAR_NODE) {
        reader_wrong_kind_of_text(r, node, "", "an origin");
        return NULL;
    }
    if (!reader_scalar(r, node, "", &text)) {
        return NULL;
    }
    if (!origin_is_valid(text)) {
        problems_add(r->problems, reader_mark(node), reader_path(r, ""),
                     "%s is no origin (expected \"*\", or scheme://host[:port] in lower case with "
                     "nothing behind it)",
                     problems_excerpt(text, shown));
        return NULL;
    }
    return reader_text(r, text);
}

void
origins_read(struct reader *r, struct section *s, const struct key *k, const yaml_node_t *node)
{
    char expected[KEY_EXPECTED_SIZE];
    struct config *config = s->base;
    if (node->type != YAML_SEQUENCE_NODE) {
        reader_wrong_kind(r, node, key_name(k), key_expected(k, 0, expected));
        return;
    }
    size_t length = reader_length(node);
    char **origins = reader_alloc(r, length, sizeof(*origins));
    for (size_t i = 0; i < length && origins != NULL; i++) {
        size_t before = reader_enter_item(r, key_name(k), i);
        const yaml_node_t *item = reader_item(r, node, i);
        origins[i] = item == NULL ? NULL : origin_read(r, item);
        reader_leave(r, before);
    }
    config->http.cors_origins = origins;
    config->http.cors_origins_length = origins == NULL ? 0 : length;
}
