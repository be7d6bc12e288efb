#include "config/channels.h"

#include "base/channel_name.h"
#include "config/list.h"

#include <stdlib.h>

/*
 * A text with {placeholders}, as a pattern with `*` in their place; {{ and }} become the braces
 * themselves. A `*` of a template takes more than it says, never less. False where a brace has no
 * partner. `to` has room for text.size + 1.
 */
static bool
channels_make_pattern(struct str text, char *to)
{
    size_t size = 0;
    while (text.size > 0) {
        bool is_double = text.size > 1 && text.data[0] == text.data[1];
        const char *end = memchr(text.data, '}', text.size);
        size_t used = 1;
        to[size] = text.data[0];
        if (text.data[0] == '{' && !is_double) {
            to[size] = '*';
            used = end == NULL ? 0 : (size_t)(end - text.data) + 1;
        } else if (text.data[0] == '{' || text.data[0] == '}') {
            used = is_double ? 2 : 0;
        }
        if (used == 0) {
            return false;
        }
        text = str_after(text, used);
        size++;
    }
    to[size] = '\0';
    return true;
}

void
channel_pattern_read(struct reader *r, const yaml_node_t *node, struct str text, void *to)
{
    char shown[PROBLEMS_EXCERPT_SIZE];
    char *pattern = reader_alloc(r, text.size + 1, 1);
    if (pattern == NULL) {
        return;
    }
    if (!channel_name_is_valid(text) || !channels_make_pattern(text, pattern)) {
        problems_add(
            r->problems, reader_mark(node), reader_path(r, ""),
            "%s is no pattern of channel names (expected 1 to 255 bytes of UTF-8 without "
            "control characters; `*` and {name} stand for any bytes, {{ and }} for braces)",
            problems_excerpt(text, shown));
    }
    memcpy(to, &pattern, sizeof(pattern));
}

void
channels_read(struct reader *r, struct section *s, const struct key *k, const yaml_node_t *node)
{
    char expected[KEY_EXPECTED_SIZE];
    struct str text;
    if (node->type == YAML_SCALAR_NODE && !reader_scalar(r, node, key_name(k), &text)) {
        return;
    }
    if (node->type == YAML_SCALAR_NODE && str_equal(text, STR("routes"))) {
        r->channels_of_routes = reader_mark(node);
        return;
    }
    if (node->type == YAML_SEQUENCE_NODE && reader_length(node) == 0) {
        problems_add(r->problems, reader_mark(node), reader_path(r, key_name(k)),
                     "is empty (expected %s)", key_expected(k, 0, expected));
        return;
    }
    list_read(r, s, k, node);
}

static int
channels_compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static size_t
channels_remove_doubles(char **patterns, size_t length)
{
    size_t kept = 0;
    qsort(patterns, length, sizeof(*patterns), channels_compare);
    for (size_t i = 0; i < length; i++) {
        if (kept == 0 || strcmp(patterns[i], patterns[kept - 1]) != 0) {
            patterns[kept++] = patterns[i];
        }
    }
    return kept;
}

void
channels_add_routes(struct reader *r)
{
    struct config *c = r->config;
    if (r->channels_of_routes.line == 0) {
        return;
    }
    if (c->routes_length == 0) {
        problems_add(r->problems, r->channels_of_routes, "http.allow_channels",
                     "there are no routes (expected a list of patterns where other processes have "
                     "them)");
        return;
    }
    size_t length = 0;
    char **patterns = reader_alloc(r, c->routes_length, sizeof(*patterns));
    for (size_t i = 0; i < c->routes_length && patterns != NULL; i++) {
        struct str text = str_from(c->routes[i].channel.value);
        char *pattern = reader_alloc(r, text.size + 1, 1);
        if (pattern != NULL && channels_make_pattern(text, pattern)) {
            patterns[length++] = pattern;
        }
    }
    c->http.allow_channels = patterns;
    c->http.allow_channels_length =
        patterns == NULL ? 0 : channels_remove_doubles(patterns, length);
}
