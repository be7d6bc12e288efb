#pragma once
/*
 * The JSON Schema (draft-07) of one key's value, as runnel reads it: it takes the text of a scalar,
 * so `5` and `"5"` are the same to it, and a variable may stand for anything.
 */

#include "config/keys.h"

struct json_writer;

/* Anything with a well-formed variable in it, to stand beside other alternatives of a pattern. */
#define VARIABLE_PATTERN "[^$]*(?:\\$\\{[A-Za-z_][A-Za-z0-9_]*(?::-[^{}]*)?\\}[^$]*)+"

/*
 * The members of the schema object, which the caller has begun. `only` are the KEY_ONLY flags that
 * hold, 0: any may. Not for groups and for what has keys of its own. ERR_LIMIT, ERR_MEMORY.
 */
MUST_CHECK int value_schema_write(struct json_writer *w, const struct key *k, unsigned only);

/* Names the value types: "string", or "string" and "null". */
void value_schema_write_types(struct json_writer *w, const char *const *types, size_t length);
