#include "http/target.h"

#include "http/syntax.h"

/* The size of "http://" or "https://" at the beginning, 0 where there is none. */
static size_t
target_scheme_size(struct str target)
{
    static const struct str schemes[] = {{"http://", 7}, {"https://", 8}};
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        struct str begin = target;
        if (begin.size >= schemes[i].size) {
            begin.size = schemes[i].size;
        }
        if (str_equal_nocase(begin, schemes[i])) {
            return schemes[i].size;
        }
    }
    return 0;
}

/* How many bytes stand before the first of the characters in `ends`. */
static size_t
target_span(struct str s, const char *ends)
{
    size_t size = 0;
    while (size < s.size && (s.data[size] == '\0' || strchr(ends, s.data[size]) == NULL)) {
        size++;
    }
    return size;
}

/* The size of scheme and authority; 0 where the target has none that is valid. */
static size_t
target_origin_size(struct str target)
{
    size_t scheme = target_scheme_size(target);
    struct str authority = str_after(target, scheme);
    authority.size = target_span(authority, "/?");
    bool is_valid = scheme > 0 && authority.size > 0 && syntax_is_authority(authority);
    return is_valid ? scheme + authority.size : 0;
}

int
target_split(struct str target, struct str *ret_path, struct str *ret_query)
{
    bool is_path = target.size > 0 && target.data[0] == '/';
    if (!is_path && !str_equal(target, STR("*"))) {
        size_t origin = target_origin_size(target);
        if (origin == 0) {
            return ERR_SYNTAX;
        }
        target = str_after(target, origin);
    }
    size_t path_size = target_span(target, "?");
    *ret_path = path_size > 0 ? (struct str){target.data, path_size} : STR("/");
    *ret_query = str_after(target, path_size + 1);
    return 0;
}

bool
target_next_pair(struct str *rest, struct str *ret_name, struct str *ret_value)
{
    struct str pair = STR_NULL;
    while (rest->size > 0 && pair.size == 0) {
        pair = (struct str){rest->data, target_span(*rest, "&")};
        *rest = str_after(*rest, pair.size + 1);
    }
    size_t name_size = target_span(pair, "=");
    *ret_name = (struct str){pair.data, name_size};
    *ret_value = str_after(pair, name_size + 1);
    return pair.size > 0;
}

static int
target_decode_escape(struct str raw, size_t at, char *ret_byte)
{
    int high = at + 1 < raw.size ? syntax_hex(raw.data[at + 1]) : -1;
    int low = at + 2 < raw.size ? syntax_hex(raw.data[at + 2]) : -1;
    if (high < 0 || low < 0) {
        return ERR_SYNTAX;
    }
    *ret_byte = (char)(high * 16 + low);
    return 0;
}

int
target_decode(struct str raw, enum target_plus plus, struct buf *out)
{
    size_t begin = out->size;
    int rc = buf_reserve(out, raw.size);
    for (size_t i = 0; i < raw.size && rc == 0; i++) {
        char byte = raw.data[i];
        if (byte == '%') {
            rc = target_decode_escape(raw, i, &byte);
            i += 2;
        } else if (byte == '+' && plus == TARGET_PLUS_IS_BLANK) {
            byte = ' ';
        }
        rc = rc == 0 ? buf_append_char(out, byte) : rc;
    }
    if (rc != 0) {
        out->size = begin;
    }
    return rc;
}
