#pragma once
/*
 * Replies of Redis (RESP2), read: hiredis's reader with our own objects and limits behind it.
 *
 *     bytes -> redis_parser_feed() -> hiredis's reader -> redis_parser_next() -> reply, or none yet
 *
 * A reply lives in the parser's own memory, so an event costs no malloc. No socket, no loop, no
 * clock.
 */

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum redis_type {
    REDIS_TYPE_STRING,
    REDIS_TYPE_STATUS,
    REDIS_TYPE_ERROR, /* text: the line behind '-' */
    REDIS_TYPE_INTEGER,
    REDIS_TYPE_NIL,
    REDIS_TYPE_ARRAY,
};

struct redis_reply {
    enum redis_type type;
    size_t length; /* items of an array, 0 otherwise */
    union {
        struct str text;
        int64_t integer;
        struct redis_reply *items;
    };
};

struct redis_parser;

/* `limit_bytes` bounds one reply, as it is read and as it is kept. NULL on OOM. */
struct redis_parser *redis_parser_new(size_t limit_bytes);
void redis_parser_free(struct redis_parser *p); /* NULL is fine */

/* ERR_LIMIT: a reply is larger than the limit; ERR_MEMORY. The parser is of no more use then. */
MUST_CHECK int redis_parser_feed(struct redis_parser *p, struct str bytes);

/*
 * The next whole reply, NULL where there is none yet; it lives until the next call. ERR_PROTOCOL,
 * ERR_LIMIT, ERR_MEMORY: the parser is of no more use then.
 */
MUST_CHECK int redis_parser_next(struct redis_parser *p, const struct redis_reply **ret_reply);

/* What hiredis's reader said about a broken protocol; "" where it said nothing. */
const char *redis_parser_why(const struct redis_parser *p);

/* The text of a string or status, empty for everything else. */
static inline struct str
redis_reply_text(const struct redis_reply *reply)
{
    bool has_text = reply->type == REDIS_TYPE_STRING || reply->type == REDIS_TYPE_STATUS;
    return has_text ? reply->text : STR_NULL;
}

/* An error whose first word is `code` ("NOSCRIPT")? */
bool redis_reply_is_error(const struct redis_reply *reply, const char *code);
