#include "config/env.h"

enum { NAME_SIZE_MAX = 128 };

static bool
name_is_valid(struct str name)
{
    if (name.size == 0 || name.size > NAME_SIZE_MAX) {
        return false;
    }
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!is_letter && (i == 0 || c < '0' || c > '9')) {
            return false;
        }
    }
    return true;
}

/* `inside` is what stands between the braces. */
static int
expand_one(struct str inside, env_lookup_fn lookup, struct buf *out, struct str *ret_name)
{
    const char *mark = memmem(inside.data, inside.size, ":-", 2);
    struct str name = {inside.data, mark == NULL ? inside.size : (size_t)(mark - inside.data)};
    if (!name_is_valid(name)) {
        return ENV_E_NAME;
    }
    struct str otherwise = str_after(inside, name.size + 2);
    if (otherwise.size > 0 && memchr(otherwise.data, '{', otherwise.size) != NULL) {
        return ENV_E_NESTED;
    }
    char terminated[NAME_SIZE_MAX + 1];
    memcpy(terminated, name.data, name.size);
    terminated[name.size] = '\0';
    const char *value = lookup(terminated);
    if (value != NULL && (mark == NULL || value[0] != '\0')) {
        return buf_append_str(out, str_from(value));
    }
    if (mark == NULL) {
        *ret_name = name;
        return ENV_E_UNSET;
    }
    return buf_append_str(out, otherwise);
}

/* Takes what `text` begins with: a variable, or literal bytes up to the next `$`. */
static int
expand_next(struct str *text, env_lookup_fn lookup, struct buf *out, struct str *ret_name)
{
    if (str_starts_with(*text, STR("$${"))) {
        *text = str_after(*text, 3);
        return buf_append_str(out, STR("${"));
    }
    if (str_starts_with(*text, STR("${"))) {
        struct str inside = str_after(*text, 2);
        const char *end = inside.size == 0 ? NULL : memchr(inside.data, '}', inside.size);
        if (end == NULL) {
            return ENV_E_UNCLOSED;
        }
        inside.size = (size_t)(end - inside.data);
        *text = str_after(*text, inside.size + 3);
        return expand_one(inside, lookup, out, ret_name);
    }
    const char *next = memchr(text->data + 1, '$', text->size - 1);
    struct str literal = {text->data, next == NULL ? text->size : (size_t)(next - text->data)};
    *text = str_after(*text, literal.size);
    return buf_append_str(out, literal);
}

int
env_expand(struct str text, env_lookup_fn lookup, struct buf *out, struct str *ret_name)
{
    int err = 0;
    while (text.size > 0 && err == 0) {
        err = expand_next(&text, lookup, out, ret_name);
    }
    return err;
}
