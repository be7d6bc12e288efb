#pragma once
/*
 * HTTP/1.x request heads (RFC 9112), strict and incremental. Pure: no socket, no loop, no clock.
 *
 * Strict means: lines end in CRLF, one SP stands between the parts of the request line, no folded
 * lines, no blank before a colon, no control characters, exactly one Host in HTTP/1.1, and nothing
 * by which two parsers could disagree on where a body ends. Every byte is looked at once, whatever
 * the pieces in which the head arrives.
 */

#include "base/err.h"
#include "base/str.h"
#include "http/request.h"
#include "observability/metrics_names.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    REQUEST_PARSER_E_MORE = 1,    /* the head is not complete yet */
    REQUEST_PARSER_E_REFUSED = 2, /* `status` and `problem` say how to answer; feed no more */
};

enum { REQUEST_PARSER_FIELDS_MAX = 100 }; /* chosen: browsers send about 20 */

/* Where a slice stands in the head; the head may move while it grows. */
struct request_span {
    uint32_t begin;
    uint32_t end;
};

struct request_parser {
    enum metric_status status; /* after REFUSED: 400, 414, 431, 505 */
    const char *problem;       /* after REFUSED: one static sentence */
    uint32_t position;         /* bytes looked at; the head's size when it is complete */
    uint32_t limit;            /* private from here on */
    uint8_t state;
    uint8_t method;
    bool is_http_1_0;
    bool is_accept_repeated;
    uint16_t fields_length;
    uint32_t mark; /* where the current part began */
    struct request_span name, value, target, lines;
    struct request_span fields[REQUEST_FIELD_COUNT]; /* end 0: absent */
};

/* A head of more than `limit` bytes is refused. */
void request_parser_init(struct request_parser *p, uint32_t limit);

/*
 * `head` holds all bytes since the first, `size` of them; it may have moved since the last call and
 * may hold more than the head. 0: complete, request_parser_get() may be called.
 */
MUST_CHECK int request_parser_feed(struct request_parser *p, const char *head, size_t size);

/* After a complete head. The slices live as long as `head` stays where it is. */
void
request_parser_get(const struct request_parser *p, const char *head, struct request *ret_request);
