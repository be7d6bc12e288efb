#pragma once
/*
 * An HTTP/1.1 response, read by a client: head and body (chunked, of a known size, or until the
 * connection ends), from any split of the bytes. Pure; no socket. One thread.
 *
 *     [1xx head]* -> head -> body -> done
 */

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* Borrowed for the call. */
struct tail_response_head {
    int status;
    struct str reason;
    struct str media_type; /* of Content-Type, without its parameters; empty where there is none */
    struct str location;   /* likewise */
};

enum { TAIL_RESPONSE_STOP = 1 };

/* Each returns 0 to go on or TAIL_RESPONSE_STOP. */
struct tail_response_handler {
    int (*on_head)(void *arg, const struct tail_response_head *head);
    int (*on_body)(void *arg, struct str data);
};

struct tail_response {
    const struct tail_response_handler *handler; /* borrowed; fields private to tail_response.c */
    void *arg;
    enum tail_response_state {
        RESPONSE_HEAD,
        RESPONSE_BODY_TO_END,
        RESPONSE_BODY_OF_SIZE,
        RESPONSE_CHUNK_SIZE,
        RESPONSE_CHUNK_DATA,
        RESPONSE_CHUNK_END,
        RESPONSE_TRAILER,
        RESPONSE_DONE,
    } state;
    uint64_t left_bytes; /* of the body or the chunk */
    size_t line_begin;   /* in `text`, of the line that is being read */
    struct buf text;     /* the head so far, or a line of the chunked coding */
};

void
tail_response_init(struct tail_response *r, const struct tail_response_handler *handler, void *arg);
void tail_response_fini(struct tail_response *r);

/*
 * ERR_PROTOCOL where it is no HTTP/1 response or its coding is unknown or broken, ERR_LIMIT where
 * the head is too large, ERR_MEMORY, or TAIL_RESPONSE_STOP: then it is of no more use.
 */
MUST_CHECK int tail_response_feed(struct tail_response *r, struct str data);

/* The body has ended; what is fed from here on is ignored. */
bool tail_response_is_done(const struct tail_response *r);
