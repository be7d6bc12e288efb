/*
 * Redis's glob (stringmatchlen) and the http source's smaller one, read into a pattern. The filter
 * is the text itself with `*` for each capture; a pattern without wildcards is the name that it
 * matches.
 */

#include "routing/pattern_builder.h"

static const struct byteset any_byte = {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};

static char
glob_peek(const struct pattern_builder *b, size_t ahead)
{
    return b->at + ahead < b->text.size ? b->text.data[b->at + ahead] : '\0';
}

/* `count` bytes of the text are a literal or a wildcard of the filter too. */
static void
glob_take(struct pattern_builder *b, size_t count)
{
    builder_filter(b, (struct str){b->text.data + b->at, count});
    b->at += count;
}

static void
class_add_range(struct byteset *set, unsigned char a, unsigned char b)
{
    unsigned char low = a < b ? a : b;
    unsigned char high = a < b ? b : a;
    for (unsigned c = low; c <= high; c++) {
        byteset_add(set, (unsigned char)c);
    }
}

/* One member, as Redis looks: escape, range (whose end may be any byte, also ']'), byte. */
static size_t
class_read_member(struct str text, struct byteset *set)
{
    const unsigned char *at = (const unsigned char *)text.data;
    if (text.size >= 2 && at[0] == '\\') {
        byteset_add(set, at[1]);
        return 2;
    }
    if (text.size >= 3 && at[1] == '-') {
        class_add_range(set, at[0], at[2]);
        return 3;
    }
    byteset_add(set, at[0]);
    return 1;
}

/* The size of the class at the begin of `text`, 0 where it is never closed. */
static size_t
class_read(struct str text, struct byteset *ret_set)
{
    size_t at = 1;
    bool is_inverted = text.size > 1 && text.data[1] == '^';
    at += is_inverted;
    while (at < text.size && text.data[at] != ']') {
        at += class_read_member(str_after(text, at), ret_set);
    }
    if (at >= text.size) {
        return 0;
    }
    if (is_inverted) {
        byteset_invert(ret_set);
    }
    return at + 1;
}

static bool
has_high_byte(struct str s)
{
    for (size_t i = 0; i < s.size; i++) {
        if ((unsigned char)s.data[i] >= 0x80) {
            return true;
        }
    }
    return false;
}

static void
glob_class(struct pattern_builder *b)
{
    struct byteset set = {{0}};
    struct str text = str_after(b->text, b->at);
    size_t size = class_read(text, &set);
    if (size == 0) {
        builder_problem(b, "a [ is never closed: write \\[ for the bracket itself");
        b->at = b->text.size;
        return;
    }
    if (size == 2) {
        builder_problem(
            b, "[] matches nothing: name the bytes, or write \\[\\] for the brackets themselves");
    }
    if (has_high_byte((struct str){text.data, size})) {
        builder_problem(b, "[…] matches one byte, so only ASCII characters can stand in it: use *");
    }
    builder_set(b, &set);
    glob_take(b, size);
}

static void
glob_star(struct pattern_builder *b)
{
    size_t runs = b->pattern.run_count;
    builder_wildcard(b, true);
    if (b->pattern.run_count > runs) {
        builder_filter(b, STR("*"));
    }
    b->at++;
}

static void
glob_brace(struct pattern_builder *b, char c)
{
    if (glob_peek(b, 1) == c) {
        b->at++;
        builder_literal(b, c);
        glob_take(b, 1);
    } else if (c == '{') {
        builder_capture(b);
        builder_filter(b, STR("*"));
    } else {
        builder_problem(b, "a } closes nothing: write }} for the brace itself");
        b->at++;
    }
}

/* What only Redis has. False where it is none of that. */
static bool
glob_redis(struct pattern_builder *b, char c)
{
    if (c == '?') {
        builder_set(b, &any_byte);
        glob_take(b, 1);
    } else if (c == '[') {
        glob_class(b);
    } else if (c == '\\' && b->at + 1 < b->text.size) {
        builder_literal(b, glob_peek(b, 1));
        glob_take(b, 2);
    } else {
        return false;
    }
    return true;
}

void
pattern_parse_glob(struct pattern_builder *b)
{
    bool is_redis = b->pattern.syntax == PATTERN_REDIS;
    while (b->at < b->text.size) {
        char c = b->text.data[b->at];
        if (c == '*') {
            glob_star(b);
        } else if (b->has_captures && (c == '{' || c == '}')) {
            glob_brace(b, c);
        } else if (!is_redis || !glob_redis(b, c)) {
            builder_literal(b, c);
            glob_take(b, 1);
        }
    }
    b->pattern.is_glob = is_redis && (b->pattern.run_count > 0 || b->byteset.size > 0);
    if (!b->pattern.is_glob) {
        buf_clear(&b->filter);
    }
    if (is_redis && !b->pattern.is_glob) {
        builder_filter(b, (struct str){(const char *)b->bytes, b->bytes_size});
    }
}
