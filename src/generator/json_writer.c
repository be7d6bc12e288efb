#include "generator/json_writer.h"

#include <assert.h>
#include <inttypes.h>

void
json_writer_init(struct json_writer *w, FILE *to)
{
    *w = (struct json_writer){.to = to};
}

static void
newline(const struct json_writer *w)
{
    fprintf(w->to, "\n%*s", (int)(2 * w->depth), "");
}

/* RFC 8259, section 7: only these must be escaped. */
static void
put_string(FILE *to, struct str text)
{
    fputc('"', to);
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c < 0x20) {
            fprintf(to, "\\u%04x", c);
        } else if (c == '"' || c == '\\') {
            fprintf(to, "\\%c", c);
        } else {
            fputc(c, to);
        }
    }
    fputc('"', to);
}

static bool
is_on_a_line(const struct json_writer *w)
{
    return w->depth > 0 && w->open[w->depth - 1] == JSON_LINE;
}

/* What stands before every value: the comma, the place, the name. */
static void
put_value_start(struct json_writer *w, const char *name)
{
    if (w->has_items) {
        fputs(is_on_a_line(w) ? ", " : ",", w->to);
    }
    if (w->depth > 0 && !is_on_a_line(w)) {
        newline(w);
    }
    if (name != NULL) {
        put_string(w->to, str_from(name));
        fputs(": ", w->to);
    }
    w->has_items = true;
}

static void
put_bracket(struct json_writer *w, const char *name, enum json_kind kind)
{
    assert(w->depth < JSON_DEPTH_MAX);
    put_value_start(w, name);
    fputc(kind == JSON_OBJECT ? '{' : '[', w->to);
    w->open[w->depth++] = kind;
    w->has_items = false;
}

static void
put_pending(struct json_writer *w)
{
    if (w->pending.is_there) {
        w->pending.is_there = false;
        put_bracket(w, w->pending.name, w->pending.kind);
    }
}

static void
put_name(struct json_writer *w, const char *name)
{
    put_pending(w);
    put_value_start(w, name);
}

void
json_begin(struct json_writer *w, const char *name, enum json_kind kind)
{
    put_pending(w);
    put_bracket(w, name, kind);
}

void
json_begin_unless_empty(struct json_writer *w, const char *name, enum json_kind kind)
{
    assert(!w->pending.is_there);
    w->pending.is_there = true;
    w->pending.name = name;
    w->pending.kind = kind;
}

void
json_end(struct json_writer *w)
{
    if (w->pending.is_there) {
        w->pending.is_there = false;
        return;
    }
    enum json_kind kind = w->open[--w->depth];
    if (w->has_items && kind != JSON_LINE) {
        newline(w);
    }
    fputc(kind == JSON_OBJECT ? '}' : ']', w->to);
    if (w->depth == 0) {
        fputc('\n', w->to);
    }
    w->has_items = true;
}

void
json_write_text(struct json_writer *w, const char *name, struct str text)
{
    put_name(w, name);
    put_string(w->to, text);
}

void
json_write_number(struct json_writer *w, const char *name, uint64_t value)
{
    put_name(w, name);
    fprintf(w->to, "%" PRIu64, value);
}

void
json_write_bool(struct json_writer *w, const char *name, bool value)
{
    put_name(w, name);
    fputs(value ? "true" : "false", w->to);
}
