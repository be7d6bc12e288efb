#include "routing/pattern_builder.h"

#include "routing/placeholder.h"

#include <stdarg.h>
#include <stdlib.h>

void
builder_init(struct pattern_builder *b,
             struct str text,
             enum pattern_syntax syntax,
             const struct report *report)
{
    *b = (struct pattern_builder){.text = text, .report = report, .pattern.syntax = syntax};
    buf_init(&b->byteset, PATTERN_SETS_MAX * sizeof(struct byteset));
    buf_init(&b->filter, (size_t)2 * PATTERN_SIZE_MAX);
}

void
builder_fini(struct pattern_builder *b)
{
    buf_fini(&b->byteset);
    buf_fini(&b->filter);
}

void
builder_problem(struct pattern_builder *b, const char *format, ...)
{
    char text[384];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    b->problems++;
    if (b->report != NULL) {
        report_add(b->report, "%s", text);
    }
}

static struct pattern_fixed *
builder_fixed(struct pattern_builder *b)
{
    return &b->fixed[b->pattern.run_count];
}

static void
builder_byte(struct pattern_builder *b, unsigned char byte, uint16_t set)
{
    struct pattern_fixed *f = builder_fixed(b);
    b->bytes[b->bytes_size] = byte;
    b->sets[b->bytes_size] = set;
    b->bytes_size++;
    b->pattern.min_size++;
    f->size++;
    f->has_sets |= set != 0;
}

void
builder_literal(struct pattern_builder *b, char byte)
{
    builder_byte(b, (unsigned char)byte, 0);
}

void
builder_set(struct pattern_builder *b, const struct byteset *set)
{
    if (buf_append(&b->byteset, set, sizeof(*set)) != 0) {
        b->err = ERR_MEMORY;
        return;
    }
    builder_byte(b, 0, (uint16_t)(b->byteset.size / sizeof(*set)));
}

/* True where the last thing in the pattern so far is a run. */
static bool
is_behind_run(struct pattern_builder *b)
{
    return b->pattern.run_count > 0 && builder_fixed(b)->size == 0;
}

static void
builder_run(struct pattern_builder *b, struct pattern_run run)
{
    if (is_behind_run(b)) {
        builder_problem(
            b, "a capture stands directly beside another one or a wildcard, so nothing says "
               "where it ends: put text between them, or leave one of them out");
        return;
    }
    if (b->pattern.run_count == PATTERN_RUNS_MAX) {
        builder_problem(b, "more than %d captures and wildcards", PATTERN_RUNS_MAX);
        return;
    }
    b->runs[b->pattern.run_count++] = run;
    b->pattern.min_size += run.min;
    builder_fixed(b)->begin = (uint16_t)b->bytes_size;
}

void
builder_wildcard(struct pattern_builder *b, bool is_crossing)
{
    struct pattern_run run = {.is_crossing = is_crossing, .capture = -1};
    if (is_behind_run(b) && b->runs[b->pattern.run_count - 1].capture < 0) {
        return;
    }
    builder_run(b, run);
}

static bool
is_name_good(struct pattern_builder *b, struct str name)
{
    char shown[PROBLEMS_EXCERPT_SIZE];
    if (str_starts_with(name, STR("json:"))) {
        builder_problem(b, "{json:…} looks into the payload, and a topic has none: it belongs into "
                           "channel, event or data");
        return false;
    }
    if (!placeholder_name_is_valid(name)) {
        builder_problem(
            b,
            "%s is no name for a capture: use letters, digits, _ and -, and write {{ and }} "
            "for the braces themselves",
            problems_excerpt(name, shown));
        return false;
    }
    if (placeholder_name_is_reserved(name)) {
        builder_problem(
            b, "{" STR_FMT "} is no name for a capture: templates use it for something else",
            STR_ARG(name));
        return false;
    }
    for (size_t i = 0; i < b->pattern.capture_count; i++) {
        if (str_equal(b->names[i], name)) {
            builder_problem(b, "{" STR_FMT "} is captured twice: give one of them another name",
                            STR_ARG(name));
            return false;
        }
    }
    return true;
}

bool
builder_capture(struct pattern_builder *b)
{
    static const struct str rest = {"...", 3};
    struct str name;
    if (!placeholder_read(str_after(b->text, b->at), &name)) {
        builder_problem(b, "a { is never closed: write {{ for the brace itself");
        b->at++;
        return false;
    }
    b->at += name.size + 2;
    bool is_rest = name.size > rest.size && str_equal(str_after(name, name.size - rest.size), rest);
    name.size -= is_rest ? rest.size : 0;
    struct pattern_run run = {.is_crossing = is_rest, .min = 1, .capture = -1};
    if (is_name_good(b, name) && b->pattern.capture_count < PATTERN_RUNS_MAX) {
        run.capture = (int8_t)b->pattern.capture_count;
        b->names[b->pattern.capture_count++] = name;
    }
    builder_run(b, run);
    return is_rest;
}

void
builder_filter(struct pattern_builder *b, struct str text)
{
    if (buf_append_str(&b->filter, text) != 0) {
        b->err = ERR_MEMORY;
    }
}

/* A copy of `size` bytes; sets err where there is no memory. NULL for nothing. */
static void *
builder_copy(struct pattern_builder *b, const void *data, size_t size)
{
    void *copy = size == 0 ? NULL : malloc(size);
    if (copy != NULL) {
        memcpy(copy, data, size);
    } else if (size > 0) {
        b->err = ERR_MEMORY;
    }
    return copy;
}

int
builder_finish(struct pattern_builder *b, struct pattern **ret_pattern)
{
    if (b->problems > 0) {
        return ERR_CONFIG;
    }
    struct pattern *p = builder_copy(b, &b->pattern, sizeof(b->pattern));
    if (p == NULL) {
        return ERR_MEMORY;
    }
    p->fixed = builder_copy(b, b->fixed, (p->run_count + 1u) * sizeof(b->fixed[0]));
    p->runs = builder_copy(b, b->runs, p->run_count * sizeof(b->runs[0]));
    p->names = builder_copy(b, b->names, p->capture_count * sizeof(b->names[0]));
    p->bytes = builder_copy(b, b->bytes, b->bytes_size + 1);
    p->byteset = builder_copy(b, b->byteset.data, b->byteset.size);
    if (p->byteset != NULL) {
        p->sets = builder_copy(b, b->sets, b->bytes_size * sizeof(b->sets[0]));
    }
    builder_filter(b, (struct str){"", 1}); /* its terminator */
    p->filter = builder_copy(b, b->filter.data, b->filter.size);
    if (b->err != 0) {
        pattern_free(p);
        return ERR_MEMORY;
    }
    *ret_pattern = p;
    return 0;
}
