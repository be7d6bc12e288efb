#pragma once
/*
 * One event stream of the load client, and the check of what it brings.
 *
 * Each event's data is {"n":N,"t":NANOSECONDS,...} as publish.c makes it: N counts up in each
 * channel, so that a gap or a double shows at once; t is CLOCK_MONOTONIC at the publisher, on this
 * machine. Understands any server that sends `data: ` lines, chunked or not, as long as no line is
 * split over two chunks.
 */

#include "histogram.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a group of streams got. */
struct tally {
    uint64_t received; /* events */
    uint64_t lost;     /* events left out in silence */
    uint64_t told;     /* events left out behind a runnel.gap */
    uint64_t gaps;     /* of runnel.gap */
    uint64_t doubled;  /* events that came again, or late */
    uint64_t finished; /* streams that have had their last event */
    struct histogram latency;
};

struct stream {
    int fd; /* -1: the server closed it */
    uint32_t channel;
    bool is_open;     /* the response's head has come */
    bool is_gap_told; /* the next n may be any newer one */
    uint32_t active;  /* channels; n counts through all of them, each has every active'th */
    uint64_t *next;   /* by channel: the n that comes next; the load client's */
    uint64_t first;   /* the n that comes first of all */
    uint64_t end;     /* the n that does not come any more */
    uint32_t ended;   /* channels that have had their last event */
    uint64_t resumed; /* the first n after the last gap; UINT64_MAX: there was none */
    int waiting;      /* bytes, at the last stream_has_more() that was true */
    struct tally *tally;
    char *carry; /* a part of a line, while there is one; owned */
    size_t carry_size;
};

/*
 * Connects, and sends `request`. The socket is non-blocking. `from` is the last number of the local
 * address 127.0.0.x: one address has too few ports for many thousand streams; 0 leaves it to the
 * kernel.
 */
void stream_start(struct stream *s, uint16_t port, uint8_t from, const char *request);

/* Reads what is there, once. */
void stream_read(struct stream *s);

/* Whether more waits to be read than when this was last true; nothing is read in between. */
bool stream_has_more(struct stream *s);
