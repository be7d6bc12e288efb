#pragma once
/*
 * A JSON document, strict, and what a pointer finds in it. Memory is kept from document to
 * document, and bounded by JSON_TOKENS_MAX. One thread.
 */

#include "base/err.h"
#include "base/str.h"
#include "routing/json_pointer.h"

#include <stddef.h>

enum { JSON_TOKENS_MAX = 65536 }; /* values and keys; 1.3 MiB of memory */

enum { JSON_E_NONE = 1 };

enum json_kind {
    JSON_OBJECT,
    JSON_ARRAY,
    JSON_STRING,
    JSON_NUMBER,
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL
};

struct json_value {
    enum json_kind kind;
    struct str text; /* as in the document; a string without its quotes, see json_string */
};

struct json;

struct json *json_new(void); /* NULL on OOM */
void json_free(struct json *j);

/*
 * Takes the document for what json_find() reads; borrows `text`, which is UTF-8, until the next
 * one. ERR_SYNTAX, ERR_LIMIT (JSON_DEPTH_MAX, JSON_TOKENS_MAX), ERR_MEMORY: there is no document
 * then.
 */
MUST_CHECK int json_parse(struct json *j, struct str text);

/* 0, or JSON_E_NONE. Of members with one name the last counts, as in browsers. */
MUST_CHECK int
json_find(const struct json *j, const struct json_pointer *pointer, struct json_value *ret_value);
