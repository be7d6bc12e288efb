#pragma once
/* JSON pointers (RFC 6901), compiled. Immutable. */

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct report;

struct json_pointer_token {
    struct str key; /* "~1" and "~0" undone */
    size_t index;   /* into an array */
    bool is_index;  /* digits without a leading zero; "-", behind the last, never has a value */
};

struct json_pointer {
    struct json_pointer_token *tokens;
    size_t length; /* 0: the whole document */
    char *bytes;   /* of the keys */
};

/* Problems are reported: ERR_CONFIG. ERR_MEMORY. On failure nothing is to be freed. */
MUST_CHECK int
json_pointer_init(struct json_pointer *p, struct str text, const struct report *report);
void json_pointer_fini(struct json_pointer *p);
