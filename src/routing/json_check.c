/* Recursive descent, bounded by JSON_DEPTH_MAX. */

#include "routing/json_check.h"

#include <stdbool.h>

struct check {
    const char *at;
    const char *end;
    size_t tokens, max;
    unsigned depth;
};

static int check_value(struct check *c);

/* The next byte, NUL at the end: which no rule takes, so that one test does for both. */
static char
peek(const struct check *c)
{
    return c->at < c->end ? *c->at : '\0';
}

static void
skip_space(struct check *c)
{
    while (peek(c) == ' ' || peek(c) == '\t' || peek(c) == '\n' || peek(c) == '\r') {
        c->at++;
    }
}

static bool
take(struct check *c, char wanted)
{
    if (c->at == c->end || *c->at != wanted) {
        return false;
    }
    c->at++;
    return true;
}

static bool
take_digits(struct check *c)
{
    const char *begin = c->at;
    while (peek(c) >= '0' && peek(c) <= '9') {
        c->at++;
    }
    return c->at > begin;
}

static int
check_number(struct check *c)
{
    take(c, '-');
    if (!take(c, '0') && !take_digits(c)) {
        return ERR_SYNTAX;
    }
    if (take(c, '.') && !take_digits(c)) {
        return ERR_SYNTAX;
    }
    if (take(c, 'e') || take(c, 'E')) {
        if (!take(c, '+')) {
            take(c, '-');
        }
        return take_digits(c) ? 0 : ERR_SYNTAX;
    }
    return 0;
}

static bool
take_hex(struct check *c)
{
    for (int i = 0; i < 4; i++, c->at++) {
        char digit = peek(c);
        if (!(digit >= '0' && digit <= '9') && !(digit >= 'a' && digit <= 'f') &&
            !(digit >= 'A' && digit <= 'F')) {
            return false;
        }
    }
    return true;
}

static bool
take_escape(struct check *c)
{
    char kind = peek(c);
    if (kind == '\0' || memchr("\"\\/bfnrtu", kind, 9) == NULL) {
        return false;
    }
    c->at++;
    return kind != 'u' || take_hex(c);
}

static int
check_string(struct check *c)
{
    for (c->at++; c->at < c->end && (unsigned char)*c->at >= 0x20;) {
        char byte = *c->at++;
        if (byte == '"') {
            return 0;
        }
        if (byte == '\\' && !take_escape(c)) {
            return ERR_SYNTAX;
        }
    }
    return ERR_SYNTAX;
}

static int
check_word(struct check *c, struct str word)
{
    if (!str_starts_with((struct str){c->at, (size_t)(c->end - c->at)}, word)) {
        return ERR_SYNTAX;
    }
    c->at += word.size;
    return 0;
}

static int
check_member(struct check *c)
{
    skip_space(c);
    if (peek(c) != '"') {
        return ERR_SYNTAX;
    }
    int err = check_value(c);
    if (err != 0) {
        return err;
    }
    return take(c, ':') ? check_value(c) : ERR_SYNTAX;
}

/* An object or an array from its opening bracket on. */
static int
check_list(struct check *c, char close, int (*check_entry)(struct check *c))
{
    if (++c->depth > JSON_DEPTH_MAX) {
        return ERR_LIMIT;
    }
    c->at++;
    skip_space(c);
    bool is_closed = take(c, close);
    while (!is_closed) {
        int err = check_entry(c);
        if (err != 0) {
            return err;
        }
        is_closed = take(c, close);
        if (!is_closed && !take(c, ',')) {
            return ERR_SYNTAX;
        }
    }
    c->depth--;
    return 0;
}

static int
check_kind(struct check *c)
{
    switch (peek(c)) {
    case '{':
        return check_list(c, '}', check_member);
    case '[':
        return check_list(c, ']', check_value);
    case '"':
        return check_string(c);
    case 't':
        return check_word(c, STR("true"));
    case 'f':
        return check_word(c, STR("false"));
    case 'n':
        return check_word(c, STR("null"));
    default:
        return check_number(c);
    }
}

/* A value and the space around it. */
static int
check_value(struct check *c)
{
    if (++c->tokens > c->max) {
        return ERR_LIMIT;
    }
    skip_space(c);
    int err = check_kind(c);
    skip_space(c);
    return err;
}

int
json_check(struct str text, size_t max, size_t *ret_tokens)
{
    if (text.size == 0) {
        return ERR_SYNTAX;
    }
    struct check c = {.at = text.data, .end = text.data + text.size, .max = max};
    int err = check_value(&c);
    if (err != 0) {
        return err;
    }
    *ret_tokens = c.tokens;
    return c.at == c.end ? 0 : ERR_SYNTAX;
}
