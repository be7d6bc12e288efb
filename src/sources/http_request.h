#pragma once
/* What the http source reads out of a request: the topic, the token. Pure. */

#include "base/err.h"
#include "base/str.h"

/*
 * The topic: what follows `prefix` in the path, percent-decoded, any bytes. Appends to `topic`,
 * whose limit bounds it. ERR_SYNTAX: an escape is none. ERR_LIMIT, ERR_MEMORY.
 */
MUST_CHECK int http_request_topic(struct str path, struct str prefix, struct buf *topic);

/* The header's value is "Bearer <token>" (RFC 6750, 2.1). Constant time for tokens of a length. */
bool http_request_has_token(struct str authorization, struct str token);
