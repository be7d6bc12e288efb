#include "config/reader.h"

#include "config/document.h"
#include "config/env.h"

#include <stdlib.h>

struct config_mark
reader_mark(const yaml_node_t *node)
{
    return document_mark(node->start_mark);
}

size_t
reader_enter(struct reader *r, const char *name)
{
    size_t before = r->path_size;
    int more =
        snprintf(r->path + before, sizeof(r->path) - before, "%s%s", before > 0 ? "." : "", name);
    size_t room = sizeof(r->path) - 1 - before;
    r->path_size += more < 0 ? 0 : (size_t)more < room ? (size_t)more : room;
    return before;
}

size_t
reader_enter_item(struct reader *r, const char *name, size_t index)
{
    char item[READER_PATH_SIZE];
    snprintf(item, sizeof(item), "%s[%zu]", name, index);
    return reader_enter(r, item);
}

void
reader_leave(struct reader *r, size_t path_size)
{
    r->path_size = path_size;
    r->path[path_size] = '\0';
}

const char *
reader_path(struct reader *r, const char *name)
{
    bool is_joined = r->path_size > 0 && name[0] != '\0';
    snprintf(r->full_path, sizeof(r->full_path), "%.*s%s%s", (int)r->path_size, r->path,
             is_joined ? "." : "", name);
    return r->full_path;
}

const yaml_node_t *
reader_node(struct reader *r, int index)
{
    if (r->failure != 0) {
        return NULL;
    }
    if (r->steps_left == 0) {
        r->failure = ERR_LIMIT;
        return NULL;
    }
    r->steps_left--;
    return yaml_document_get_node(r->document, index);
}

size_t
reader_length(const yaml_node_t *sequence)
{
    return (size_t)(sequence->data.sequence.items.top - sequence->data.sequence.items.start);
}

const yaml_node_t *
reader_item(struct reader *r, const yaml_node_t *sequence, size_t n)
{
    return reader_node(r, sequence->data.sequence.items.start[n]);
}

struct str
reader_raw(const yaml_node_t *scalar)
{
    return (struct str){(const char *)scalar->data.scalar.value, scalar->data.scalar.length};
}

bool
reader_is_nothing(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           node->data.scalar.length == 0;
}

static const char *
environment(const char *name)
{
    return getenv(name); /* NOLINT(concurrency-mt-unsafe) nothing in runnel sets a variable */
}

static void
reader_env_problem(
    struct reader *r, const yaml_node_t *scalar, const char *name, int outcome, struct str variable)
{
    struct config_mark mark = reader_mark(scalar);
    const char *path = reader_path(r, name);
    switch (outcome) {
    case ENV_E_UNSET:
        problems_add(r->problems, mark, path,
                     "the environment has no variable " STR_FMT
                     " (expected one, or a default: ${" STR_FMT ":-…})",
                     STR_ARG(variable), STR_ARG(variable));
        break;
    case ENV_E_NAME:
        problems_add(r->problems, mark, path,
                     "no name of a variable behind ${ (expected ${NAME}; a literal ${ is $${)");
        break;
    case ENV_E_UNCLOSED:
        problems_add(r->problems, mark, path,
                     "no } behind a ${ (expected ${NAME}; a literal ${ is $${)");
        break;
    case ENV_E_NESTED:
        problems_add(r->problems, mark, path, "a brace in the default of a ${} (expected none)");
        break;
    case ERR_LIMIT:
        problems_add(r->problems, mark, path, "too long (expected at most %d KiB)",
                     READER_VALUE_MAX >> 10);
        break;
    default:
        r->failure = ERR_MEMORY;
        break;
    }
}

bool
reader_scalar(struct reader *r, const yaml_node_t *scalar, const char *name, struct str *ret_text)
{
    struct str text = reader_raw(scalar);
    struct str variable = STR_NULL;
    int err = text.size > READER_VALUE_MAX ? ERR_LIMIT : 0;
    if (err == 0 && memmem(text.data, text.size, "${", 2) != NULL) {
        buf_clear(&r->expanded);
        err = env_expand(text, environment, &r->expanded, &variable);
        text = buf_str(&r->expanded);
    }
    if (err != 0) {
        reader_env_problem(r, scalar, name, err, variable);
        return false;
    }
    if (text.size > 0 && memchr(text.data, '\0', text.size) != NULL) {
        problems_add(r->problems, reader_mark(scalar), reader_path(r, name), "has a NUL character");
        return false;
    }
    *ret_text = text;
    return true;
}

void *
reader_alloc(struct reader *r, size_t length, size_t size)
{
    void *memory = r->failure == 0 ? arena_alloc(r->arena, length, size) : NULL;
    if (memory == NULL && r->failure == 0) {
        r->failure = r->arena->is_full ? ERR_LIMIT : ERR_MEMORY;
    }
    return memory;
}

char *
reader_text(struct reader *r, struct str text)
{
    char *copy = reader_alloc(r, text.size + 1, 1);
    if (copy != NULL) {
        memcpy(copy, text.size > 0 ? text.data : "", text.size);
    }
    return copy;
}

static void
wrong_kind(struct reader *r,
           const yaml_node_t *node,
           const char *name,
           const char *expected,
           const char *hint)
{
    const char *kind = node->type == YAML_SEQUENCE_NODE  ? "a list"
                       : node->type == YAML_MAPPING_NODE ? "a map"
                                                         : "a text";
    problems_add(r->problems, reader_mark(node), reader_path(r, name), "is %s (expected %s%s)",
                 kind, expected, hint);
}

void
reader_wrong_kind(struct reader *r, const yaml_node_t *node, const char *name, const char *expected)
{
    wrong_kind(r, node, name, expected, "");
}

void
reader_wrong_kind_of_text(struct reader *r,
                          const yaml_node_t *node,
                          const char *name,
                          const char *expected)
{
    const char *hint = "";
    if (node->type == YAML_SEQUENCE_NODE && node->data.sequence.style == YAML_FLOW_SEQUENCE_STYLE) {
        hint = "; brackets in a text need quotes";
    } else if (node->type == YAML_MAPPING_NODE &&
               node->data.mapping.style == YAML_FLOW_MAPPING_STYLE) {
        hint = "; braces in a text need quotes";
    }
    wrong_kind(r, node, name, expected, hint);
}
