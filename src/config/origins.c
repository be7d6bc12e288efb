/* Origins in lists (WHATWG Fetch: serialized origins, or "*"). */

#include "config/list.h"

/* Nothing, or ":port"; a browser leaves out the scheme's own, and writes no leading zero. */
static bool
origin_port_is_valid(struct str text, uint64_t own)
{
    uint64_t port;
    if (text.size == 0) {
        return true;
    }
    return text.data[0] == ':' && text.size > 1 && text.data[1] != '0' &&
           str_to_u64(str_after(text, 1), UINT16_MAX, &port) == 0 && port != own;
}

static bool
origin_host_may_hold(unsigned char c)
{
    return c > ' ' && c < 0x7f && memchr("/?#@\\\"*", c, 7) == NULL && (c < 'A' || c > 'Z');
}

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
    bool is_literal = host.size > 0 && host.data[0] == '[';
    size_t size = 0;
    while (size < host.size && host.data[size] != (is_literal ? ']' : ':')) {
        if (!origin_host_may_hold((unsigned char)host.data[size++])) {
            return false;
        }
    }
    size += is_literal ? 1 : 0;
    return size > 0 && size <= host.size &&
           origin_port_is_valid(str_after(host, size), is_http ? 80 : 443);
}

void
origin_read(struct reader *r, const yaml_node_t *node, struct str text, void *to)
{
    char shown[PROBLEMS_EXCERPT_SIZE];
    if (!origin_is_valid(text)) {
        problems_add(r->problems, reader_mark(node), reader_path(r, ""),
                     "%s is no origin (expected \"*\", or scheme://host[:port] in lower case with "
                     "nothing behind it)",
                     problems_excerpt(text, shown));
        return;
    }
    char *copy = reader_text(r, text);
    memcpy(to, &copy, sizeof(copy));
}
