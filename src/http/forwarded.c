#include "http/forwarded.h"

#include "http/syntax.h"

struct forwarded
forwarded_begin(const struct config_http *config, const struct address *peer)
{
    return (struct forwarded){
        .trusted = &config->trusted_proxies,
        .field = config->forwarded,
        .peer = *peer,
        .client = *peer,
    };
}

/* The next part up to a separator, without the blanks around; false at the end. `rest` moves on. */
static bool
forwarded_next(struct str *rest, char separator, struct str *ret_part)
{
    if (rest->size == 0) {
        return false;
    }
    const char *end = memchr(rest->data, separator, rest->size);
    size_t size = end == NULL ? rest->size : (size_t)(end - rest->data);
    *ret_part = syntax_trim((struct str){rest->data, size});
    *rest = str_after(*rest, size + 1);
    return true;
}

/* "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:80". */
static int
forwarded_parse_node(struct str node, struct address *ret_address)
{
    bool is_bracketed = node.size > 0 && node.data[0] == '[';
    struct str host = str_after(node, is_bracketed ? 1 : 0);
    const char *end =
        host.size == 0 ? NULL : memchr(host.data, is_bracketed ? ']' : ':', host.size);
    bool has_port = end != NULL && !is_bracketed && memrchr(host.data, ':', host.size) == end;
    if (is_bracketed && end == NULL) {
        return ERR_SYNTAX;
    }
    if (is_bracketed || has_port) {
        host.size = (size_t)(end - host.data);
    }
    return address_parse(host, ret_address);
}

/*
 * The node of a forwarded-element's `for`. It is never looked for commas and semicolons within quotes:
 * no address has one, and a quote that a client leaves open must not swallow what the proxy adds.
 */
static struct str
forwarded_find_for(struct str element)
{
    struct str pair;
    while (forwarded_next(&element, ';', &pair)) {
        struct str value = str_after(pair, 4);
        if (pair.size < 4 || !str_equal_nocase((struct str){pair.data, 4}, STR("for="))) {
            continue;
        }
        bool is_quoted =
            value.size >= 2 && value.data[0] == '"' && value.data[value.size - 1] == '"';
        return is_quoted ? (struct str){value.data + 1, value.size - 2} : value;
    }
    return STR_NULL;
}

static void
forwarded_add_element(struct forwarded *f, struct str element)
{
    struct address a;
    bool is_standard = f->field == FORWARDED_STANDARD;
    if (forwarded_parse_node(is_standard ? forwarded_find_for(element) : element, &a) != 0) {
        f->client = f->peer;
        f->is_named = false;
    } else if (!f->is_named || !networks_have(f->trusted, &a)) {
        f->client = a;
        f->is_named = true;
    }
}

void
forwarded_add(struct forwarded *f, struct str name, struct str value)
{
    static const struct str names[] = {
        [FORWARDED_X_FORWARDED_FOR] = {"X-Forwarded-For", 15},
        [FORWARDED_STANDARD] = {"Forwarded", 9},
    };
    struct str element;
    if (!str_equal_nocase(name, names[f->field])) {
        return;
    }
    while (forwarded_next(&value, ',', &element)) {
        if (element.size > 0) { /* RFC 9110 5.6.1: empty ones are ignored */
            forwarded_add_element(f, element);
        }
    }
}
