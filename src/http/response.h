#pragma once
/*
 * Responses as bytes. Pure. Every response ends its connection: one request each.
 */

#include "base/err.h"
#include "base/str.h"
#include "http/cors.h"
#include "observability/metrics_names.h"

#include <stdbool.h>
#include <stdint.h>

enum response_framing {
    RESPONSE_SIZED,   /* Content-Length and the body */
    RESPONSE_CHUNKED, /* the head; chunks follow */
    RESPONSE_BARE     /* the head; what follows ends with the connection */
};

struct response {
    enum metric_status status;
    enum response_framing framing;
    struct str content_type; /* empty: none */
    struct str fields;       /* further header lines, each with its CR LF; static */
    struct str body;         /* borrowed; RESPONSE_SIZED only */
    bool is_head;            /* the answer to HEAD: no body */
    struct cors cors;
    uint64_t wall_ms; /* of the Date field */
};

/* A response with one sentence of text/plain, without its line end. `text` is borrowed. */
struct response response_text(enum metric_status status, struct str text);

/* The head of an event stream; bare without chunks (HTTP/1.0) or without anything (HEAD). */
struct response response_stream(bool is_bare);

MUST_CHECK int response_render(const struct response *r, struct buf *out);
