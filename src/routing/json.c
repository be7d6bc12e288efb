#include "routing/json.h"

#include "routing/json_check.h"
#include "routing/json_string.h"

#define JSMN_STATIC
#define JSMN_PARENT_LINKS /* without them closing a bracket walks over all tokens before it */
#include <jsmn.h>

#include <limits.h>
#include <stdlib.h>

struct json {
    struct str text;
    jsmntok_t *tokens; /* in the order of the text, a parent before its children */
    size_t length;
    size_t capacity;
};

struct json *
json_new(void)
{
    return calloc(1, sizeof(struct json));
}

void
json_free(struct json *j)
{
    if (j != NULL) {
        free(j->tokens);
        free(j);
    }
}

static int
json_make_room(struct json *j, size_t length)
{
    if (length <= j->capacity) {
        return 0;
    }
    size_t capacity = length < 64 ? 64 : length;
    jsmntok_t *tokens = calloc(capacity, sizeof(*tokens));
    if (tokens == NULL) {
        return ERR_MEMORY;
    }
    free(j->tokens);
    j->tokens = tokens;
    j->capacity = capacity;
    return 0;
}

int
json_parse(struct json *j, struct str text)
{
    size_t length;
    j->length = 0;
    if (text.size > INT_MAX) {
        return ERR_LIMIT; /* jsmn counts in int */
    }
    int err = json_check(text, JSON_TOKENS_MAX, &length);
    err = err != 0 ? err : json_make_room(j, length);
    if (err != 0) {
        return err;
    }
    jsmn_parser parser;
    jsmn_init(&parser);
    if (jsmn_parse(&parser, text.data, text.size, j->tokens, (unsigned)length) != (int)length) {
        return ERR_SYNTAX;
    }
    j->text = text;
    j->length = length;
    return 0;
}

static struct str
token_text(const struct json *j, size_t token)
{
    const jsmntok_t *t = &j->tokens[token];
    return (struct str){j->text.data + t->start, (size_t)(t->end - t->start)};
}

/* The token behind a value and all that it holds. */
static size_t
token_skip(const struct json *j, size_t token)
{
    int end = j->tokens[token].end;
    for (token++; token < j->length && j->tokens[token].start < end; token++) {
    }
    return token;
}

static int
find_member(const struct json *j, size_t object, struct str key, size_t *ret_token)
{
    size_t name = object + 1;
    int found = JSON_E_NONE;
    for (int left = j->tokens[object].size; left > 0; left--) {
        if (json_string_equals(token_text(j, name), key)) {
            *ret_token = name + 1;
            found = 0;
        }
        name = token_skip(j, name + 1);
    }
    return found;
}

static int
find_element(const struct json *j, size_t array, size_t index, size_t *ret_token)
{
    if (index >= (size_t)j->tokens[array].size) {
        return JSON_E_NONE;
    }
    size_t element = array + 1;
    for (; index > 0; index--) {
        element = token_skip(j, element);
    }
    *ret_token = element;
    return 0;
}

static int
find_child(const struct json *j,
           size_t parent,
           const struct json_pointer_token *name,
           size_t *ret_token)
{
    if (j->tokens[parent].type == JSMN_OBJECT) {
        return find_member(j, parent, name->key, ret_token);
    }
    if (j->tokens[parent].type == JSMN_ARRAY && name->is_index) {
        return find_element(j, parent, name->index, ret_token);
    }
    return JSON_E_NONE;
}

static enum json_kind
primitive_kind(char first)
{
    switch (first) {
    case 't':
        return JSON_TRUE;
    case 'f':
        return JSON_FALSE;
    case 'n':
        return JSON_NULL;
    default:
        return JSON_NUMBER;
    }
}

static enum json_kind
token_kind(const struct json *j, size_t token)
{
    const jsmntok_t *t = &j->tokens[token];
    if (t->type == JSMN_PRIMITIVE) {
        return primitive_kind(j->text.data[t->start]);
    }
    return t->type == JSMN_OBJECT ? JSON_OBJECT : t->type == JSMN_ARRAY ? JSON_ARRAY : JSON_STRING;
}

int
json_find(const struct json *j, const struct json_pointer *pointer, struct json_value *ret_value)
{
    size_t token = 0;
    if (j->length == 0) {
        return JSON_E_NONE;
    }
    for (size_t i = 0; i < pointer->length; i++) {
        if (find_child(j, token, &pointer->tokens[i], &token) != 0) {
            return JSON_E_NONE;
        }
    }
    *ret_value = (struct json_value){token_kind(j, token), token_text(j, token)};
    return 0;
}
