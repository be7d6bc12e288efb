#include "config/document.h"

#include "base/map.h"
#include "base/utf8.h"
#include "config/problems.h"

/* What the first pass over the text has seen. */
struct guard {
    struct problems *problems;
    size_t documents, values, anchors, aliases;
    size_t depth;
    uint64_t open_anchors[DOCUMENT_DEPTH_MAX]; /* hash of each open collection's anchor, or 0 */
};

struct config_mark
document_mark(yaml_mark_t mark)
{
    return (struct config_mark){(uint32_t)mark.line + 1, (uint32_t)mark.column + 1};
}

static struct config_mark
mark_of_offset(struct str text, size_t offset)
{
    struct config_mark mark = {1, 1};
    for (size_t i = 0; i < offset && i < text.size; i++) {
        if (text.data[i] == '\n') {
            mark.line++;
            mark.column = 1;
        } else if (((unsigned char)text.data[i] & 0xc0) != 0x80) {
            mark.column++;
        }
    }
    return mark;
}

/* Bytes before the first that is not UTF-8; text.size where all is well. */
static size_t
valid_size(struct str text)
{
    size_t begin = 0;
    while (begin < text.size) {
        const char *end = memchr(text.data + begin, '\n', text.size - begin);
        size_t size = end == NULL ? text.size - begin : (size_t)(end - text.data) - begin + 1;
        if (!utf8_is_valid((struct str){text.data + begin, size})) {
            break;
        }
        begin += size;
    }
    for (size_t size = 1; begin < text.size && size <= 4 && begin + size <= text.size;) {
        bool is_valid = utf8_is_valid((struct str){text.data + begin, size});
        begin += is_valid ? size : 0;
        size = is_valid ? 1 : size + 1;
    }
    return begin;
}

/* Topics and templates are full of what is syntax to YAML. */
static const char quotes_help[] = "a text with signs such as { [ * : needs quotes";

static int
document_report(const yaml_parser_t *parser, struct str text, struct problems *problems)
{
    if (parser->error == YAML_MEMORY_ERROR) {
        return ERR_MEMORY;
    }
    const char *problem = parser->problem == NULL ? "unknown error" : parser->problem;
    if (parser->error == YAML_READER_ERROR) {
        struct config_mark mark = mark_of_offset(text, parser->problem_offset);
        problems_add(problems, mark, "", "YAML syntax: %s", problem);
        return ERR_CONFIG;
    }
    struct config_mark mark = document_mark(parser->problem_mark);
    if (parser->context == NULL) {
        problems_add(problems, mark, "", "YAML syntax: %s (%s)", problem, quotes_help);
    } else {
        problems_add(problems, mark, "", "YAML syntax: %s, %s in line %zu (%s)", problem,
                     parser->context, parser->context_mark.line + 1, quotes_help);
    }
    return ERR_CONFIG;
}

static int
guard_fail(struct guard *g, struct config_mark mark, const char *problem, int limit)
{
    problems_add(g->problems, mark, "", "%s (expected at most %d)", problem, limit);
    return ERR_CONFIG;
}

static int
guard_value(struct guard *g,
            struct config_mark mark,
            const yaml_char_t *anchor,
            const yaml_char_t *tag)
{
    if (++g->values > DOCUMENT_VALUES_MAX) {
        return guard_fail(g, mark, "too many values", DOCUMENT_VALUES_MAX);
    }
    if (anchor != NULL && ++g->anchors > DOCUMENT_ANCHORS_MAX) {
        return guard_fail(g, mark, "too many anchors", DOCUMENT_ANCHORS_MAX);
    }
    if (tag != NULL) {
        problems_add(g->problems, mark, "", "a YAML tag (expected none: quotes make a text)");
    }
    return 0;
}

static int
guard_open(struct guard *g, struct config_mark mark, const yaml_char_t *anchor)
{
    if (g->depth == DOCUMENT_DEPTH_MAX) {
        return guard_fail(g, mark, "too many values within values", DOCUMENT_DEPTH_MAX);
    }
    g->open_anchors[g->depth++] = anchor == NULL ? 0 : map_hash(str_from((const char *)anchor));
    return 0;
}

static int
guard_alias(struct guard *g, struct config_mark mark, const yaml_char_t *anchor)
{
    uint64_t hash = map_hash(str_from((const char *)anchor));
    if (++g->aliases > DOCUMENT_ALIASES_MAX) {
        return guard_fail(g, mark, "too many aliases", DOCUMENT_ALIASES_MAX);
    }
    for (size_t i = 0; i < g->depth; i++) {
        if (g->open_anchors[i] == hash) {
            problems_add(g->problems, mark, "", "an alias within its own anchor");
            return ERR_CONFIG;
        }
    }
    return 0;
}

static int
guard_event(struct guard *g, const yaml_event_t *event)
{
    struct config_mark mark = document_mark(event->start_mark);
    int err = 0;
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (++g->documents > 1) {
            problems_add(g->problems, mark, "", "a second document (expected one)");
            return ERR_CONFIG;
        }
        return 0;
    case YAML_SCALAR_EVENT:
        return guard_value(g, mark, event->data.scalar.anchor, event->data.scalar.tag);
    case YAML_SEQUENCE_START_EVENT:
        err =
            guard_value(g, mark, event->data.sequence_start.anchor, event->data.sequence_start.tag);
        return err == 0 ? guard_open(g, mark, event->data.sequence_start.anchor) : err;
    case YAML_MAPPING_START_EVENT:
        err = guard_value(g, mark, event->data.mapping_start.anchor, event->data.mapping_start.tag);
        return err == 0 ? guard_open(g, mark, event->data.mapping_start.anchor) : err;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        g->depth--;
        return 0;
    case YAML_ALIAS_EVENT:
        return guard_alias(g, mark, event->data.alias.anchor);
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        return 0;
    }
    return 0;
}

/* ERR_MEMORY where libyaml cannot even begin. The caller deletes the parser. */
static int
document_open(yaml_parser_t *parser, struct str text)
{
    if (!yaml_parser_initialize(parser)) {
        return ERR_MEMORY;
    }
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(parser, (const unsigned char *)(text.size > 0 ? text.data : ""),
                                 text.size);
    return 0;
}

/* The first pass: events only, and an end at the first bound that is broken. */
static int
document_guard(struct str text, struct problems *problems)
{
    struct guard guard = {.problems = problems};
    yaml_parser_t parser;
    bool is_end = false;
    int err = document_open(&parser, text);
    if (err != 0) {
        return err;
    }
    while (err == 0 && !is_end) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            err = document_report(&parser, text, problems);
            break;
        }
        is_end = event.type == YAML_STREAM_END_EVENT;
        err = guard_event(&guard, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return err;
}

static int
document_compose(struct str text, struct problems *problems, yaml_document_t *ret_document)
{
    yaml_parser_t parser;
    int err = document_open(&parser, text);
    if (err != 0) {
        return err;
    }
    if (!yaml_parser_load(&parser, ret_document)) {
        err = document_report(&parser, text, problems);
    }
    yaml_parser_delete(&parser);
    return err;
}

int
document_load(struct str text, struct problems *problems, yaml_document_t *ret_document)
{
    if (text.size > DOCUMENT_SIZE_MAX) {
        problems_add(problems, (struct config_mark){0}, "", "larger than %d MiB",
                     DOCUMENT_SIZE_MAX >> 20);
        return ERR_CONFIG;
    }
    if (str_starts_with(text, STR("\xef\xbb\xbf"))) { /* a byte order mark is no column */
        text = str_after(text, 3);
    }
    size_t valid = valid_size(text);
    if (valid < text.size) {
        problems_add(problems, mark_of_offset(text, valid), "", "not UTF-8");
        return ERR_CONFIG;
    }
    int err = document_guard(text, problems);
    return err == 0 ? document_compose(text, problems, ret_document) : err;
}
