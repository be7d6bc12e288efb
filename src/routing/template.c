#include "routing/template.h"

#include "routing/capture.h"
#include "routing/json_string.h"
#include "routing/placeholder.h"
#include "routing/report.h"

#include <stdlib.h>

struct template_part {
    enum { PART_TEXT, PART_CAPTURE, PART_TOPIC, PART_SOURCE, PART_JSON } kind;
    struct str text;             /* PART_TEXT */
    int capture;                 /* PART_CAPTURE */
    struct json_pointer pointer; /* PART_JSON */
};

/* While a template is compiled. */
struct compiler {
    struct template *t;
    size_t capacity;
    const struct pattern *pattern;
    const struct report *report;
    bool has_problem;
};

/* Takes over part.pointer also where it fails. */
static int
add_part(struct compiler *c, struct template_part part)
{
    if (c->t->length == c->capacity) {
        size_t capacity = c->capacity == 0 ? 4 : c->capacity * 2;
        struct template_part *parts = reallocarray(c->t->parts, capacity, sizeof(*parts));
        if (parts == NULL) {
            json_pointer_fini(&part.pointer);
            return ERR_MEMORY;
        }
        c->t->parts = parts;
        c->capacity = capacity;
    }
    c->t->parts[c->t->length++] = part;
    return 0;
}

static int
add_text(struct compiler *c, struct str text)
{
    return add_part(c, (struct template_part){.kind = PART_TEXT, .text = text});
}

static int
add_json(struct compiler *c, struct str pointer)
{
    struct template_part part = {.kind = PART_JSON};
    int err = json_pointer_init(&part.pointer, pointer, c->report);
    if (err == ERR_CONFIG) {
        c->has_problem = true;
        return 0;
    }
    return err != 0 ? err : add_part(c, part);
}

static int
add_capture(struct compiler *c, struct str name)
{
    struct template_part part = {.kind = PART_CAPTURE};
    part.capture = capture_find(c->pattern, name, true, c->report);
    if (part.capture < 0) {
        c->has_problem = true;
        return 0;
    }
    return add_part(c, part);
}

static int
add_placeholder(struct compiler *c, struct str inside)
{
    static const struct str json = {"json:", 5};
    if (str_starts_with(inside, json)) {
        return add_json(c, str_after(inside, json.size));
    }
    if (str_equal(inside, STR("topic"))) {
        return add_part(c, (struct template_part){.kind = PART_TOPIC});
    }
    if (str_equal(inside, STR("source"))) {
        return add_part(c, (struct template_part){.kind = PART_SOURCE});
    }
    return add_capture(c, inside);
}

/* What begins with a brace; the size that it takes in the text. */
static int
add_brace(struct compiler *c, struct str text, size_t *ret_size)
{
    char brace = text.data[0];
    struct str inside;
    if (text.size > 1 && text.data[1] == brace) {
        *ret_size = 2;
        return add_text(c, (struct str){text.data, 1});
    }
    if (brace == '{' && placeholder_read(text, &inside)) {
        *ret_size = inside.size + 2;
        return add_placeholder(c, inside);
    }
    c->has_problem = true;
    *ret_size = 1;
    report_add(c->report, brace == '{' ? "a { is never closed: write {{ for the brace itself"
                                       : "a } closes nothing: write }} for the brace itself");
    return 0;
}

static size_t
plain_size(struct str text)
{
    size_t size = 0;
    while (size < text.size && text.data[size] != '{' && text.data[size] != '}') {
        size++;
    }
    return size;
}

int
template_init(struct template *t,
              struct str text,
              const struct pattern *pattern,
              const struct report *report)
{
    *t = (struct template){0};
    struct compiler c = {.t = t, .pattern = pattern, .report = report};
    int err = 0;
    while (text.size > 0 && err == 0) {
        size_t size = plain_size(text);
        if (size > 0) {
            err = add_text(&c, (struct str){text.data, size});
        } else {
            err = add_brace(&c, text, &size);
        }
        text = str_after(text, size);
    }
    err = err == 0 && c.has_problem ? ERR_CONFIG : err;
    if (err != 0) {
        template_fini(t);
    }
    return err;
}

void
template_fini(struct template *t)
{
    for (size_t i = 0; i < t->length; i++) {
        json_pointer_fini(&t->parts[i].pointer);
    }
    free(t->parts);
    *t = (struct template){0};
}

bool
template_is_constant(const struct template *t, struct str *ret_text)
{
    *ret_text = t->length == 1 ? t->parts[0].text : STR_NULL;
    return t->length == 0 || (t->length == 1 && t->parts[0].kind == PART_TEXT);
}

static int
render_json(const struct template_part *part, const struct scope *scope, struct buf *out)
{
    struct json_value value;
    size_t size = out->size;
    int err = payload_find(scope->payload, &part->pointer, &value);
    if (err == 0) {
        err = value.kind == JSON_STRING ? json_string_append(value.text, out)
                                        : buf_append_str(out, value.text);
    }
    if (err != PAYLOAD_E_NONE && err != ERR_SYNTAX) {
        return err;
    }
    out->size = size; /* half a string is no string */
    return scope->is_lenient ? 0 : TEMPLATE_E_EXTRACT;
}

static int
render_part(const struct template_part *part, const struct scope *scope, struct buf *out)
{
    switch (part->kind) {
    case PART_TEXT:
        return buf_append_str(out, part->text);
    case PART_CAPTURE:
        return buf_append_str(out, scope->captures->value[part->capture]);
    case PART_TOPIC:
        return buf_append_str(out, scope->topic);
    case PART_SOURCE:
        return buf_append_str(out, scope->source);
    case PART_JSON:
        return render_json(part, scope, out);
    }
    return 0;
}

int
template_render(const struct template *t, const struct scope *scope, struct buf *out)
{
    int err = 0;
    for (size_t i = 0; i < t->length && err == 0; i++) {
        err = render_part(&t->parts[i], scope, out);
    }
    return err;
}
