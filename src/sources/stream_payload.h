#pragma once
/*
 * The payload of an entry of a Redis Stream: the value of one field, or all fields as a JSON object
 * of strings, in the entry's order (a name that comes twice stands there twice). Bytes that are not
 * UTF-8 go into the object as they are: then the payload as a whole is not UTF-8, and the route's
 * not_utf8 decides. Pure.
 */

#include "base/err.h"
#include "base/str.h"

struct redis_reply;

enum { STREAM_PAYLOAD_E_NO_FIELD = 1 };

/*
 * `fields` is what Redis sends: names and values in turn. `name` "": all of them, made in `scratch`.
 * The payload lives as long as both. ERR_PROTOCOL, ERR_LIMIT, ERR_MEMORY.
 */
MUST_CHECK int stream_payload(const struct redis_reply *fields,
                              struct str name,
                              struct buf *scratch,
                              struct str *ret_payload);
