#pragma once
/*
 * A message's payload and what was found out about it: each at most once, and only when a route
 * asks. One per table, used for one message after the other.
 */

#include "routing/json.h"

#include <stdbool.h>

enum { PAYLOAD_E_NONE = 1 };

struct payload {
    struct str bytes;
    struct json *json; /* owned */
    enum { PAYLOAD_UNKNOWN, PAYLOAD_YES, PAYLOAD_NO } utf8_state, json_state;
};

MUST_CHECK int payload_init(struct payload *p); /* ERR_MEMORY */
void payload_fini(struct payload *p);

/* The next message's; borrowed until the next call. */
void payload_set(struct payload *p, struct str bytes);

bool payload_is_utf8(struct payload *p);

/* 0; PAYLOAD_E_NONE where there is no such value, or no JSON; ERR_MEMORY. */
MUST_CHECK int
payload_find(struct payload *p, const struct json_pointer *pointer, struct json_value *ret_value);
