#pragma once
/*
 * The event stream format, read: an incremental parser as a browser has it (WHATWG HTML 9.2.6), for
 * `runnel tail`. Feeds on any split of the bytes. Bytes that are not UTF-8 come out as they came
 * in. One thread.
 */

#include "base/err.h"
#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

struct sse_event {
    struct str type;          /* "message" where the stream named none */
    struct str data;          /* lines joined by LF, no trailing LF */
    struct str last_event_id; /* the id in force after this event */
};

struct sse_parser;

/* The event is borrowed for the call, which must not feed, reset or free the parser. */
typedef void sse_event_fn(void *arg, const struct sse_event *event);

/*
 * `size_limit` bounds one event (name + data + id) and, but for a field's name, any line.
 * `last_event_id` is in force until the stream says another. NULL on OOM and where that id is
 * larger than the limit.
 */
struct sse_parser *
sse_parser_new(size_t size_limit, struct str last_event_id, sse_event_fn *on_event, void *arg);
void sse_parser_free(struct sse_parser *p);

/* ERR_LIMIT where an event is too large, ERR_MEMORY; the parser is of no more use then. */
MUST_CHECK int sse_parser_feed(struct sse_parser *p, const char *data, size_t size);

/* The end of a connection: an unfinished event is dropped; the last event id and retry stay. */
void sse_parser_reset(struct sse_parser *p);

/* The id that a reconnection must send; valid until the next call. Empty where there is none. */
struct str sse_parser_last_event_id(const struct sse_parser *p);

/* The newest `retry:` in ms; `otherwise` where there was none. */
uint64_t sse_parser_retry_ms(const struct sse_parser *p, uint64_t otherwise);
