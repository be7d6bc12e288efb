#pragma once
/*
 * JSON to a FILE, in the order of the calls, two blanks a level. Within an object every value has a
 * name, within an array none (NULL).
 */

#include "base/str.h"

#include <stdio.h>

enum json_kind {
    JSON_OBJECT,
    JSON_ARRAY,
    JSON_LINE /* an array on one line, of what is neither array nor object */
};

enum { JSON_DEPTH_MAX = 32 };

struct json_writer { /* fields private to json_writer.c */
    FILE *to;
    unsigned depth;
    enum json_kind open[JSON_DEPTH_MAX];
    bool has_items; /* at the present depth */
    struct {
        bool is_there;
        const char *name;
        enum json_kind kind;
    } pending; /* begun, and so far empty */
};

void json_writer_init(struct json_writer *w, FILE *to);

void json_begin(struct json_writer *w, const char *name, enum json_kind kind);
/* Is written only if something comes before its end. `name` lives until then. */
void json_begin_unless_empty(struct json_writer *w, const char *name, enum json_kind kind);
void json_end(struct json_writer *w);

void json_write_text(struct json_writer *w, const char *name, struct str text);
void json_write_number(struct json_writer *w, const char *name, uint64_t value);
void json_write_bool(struct json_writer *w, const char *name, bool value);
