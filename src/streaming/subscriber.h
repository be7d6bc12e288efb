#pragma once
/*
 * A subscriber: a connection, its channels, and one cursor. It has no queue: to deliver is to move
 * the cursor towards the head, through the tails' memory and the log's pages, as fast as the socket
 * takes bytes.
 *
 * What a client costs that does not read: this struct, the rest of at most one event that the
 * socket took half (bounded in all by stream.unsent_bytes), and what the kernel holds
 * (stream.send_buffer_bytes). Worker's loop.
 */

#include "base/err.h"
#include "base/list.h"
#include "event/loop.h"
#include "event/wheel.h"
#include "observability/metrics.h"
#include "sse/event_id.h"
#include "streaming/channel.h"
#include "streaming/hub.h"
#include "streaming/transfer.h"

#include <event2/event_struct.h>

#include <stdbool.h>
#include <stdint.h>

enum subscriber_state {
    SUBSCRIBER_OPENING, /* the feed has no position yet: it is not known where to begin */
    SUBSCRIBER_MOVING,  /* something is to be sent: a link is dirty */
    SUBSCRIBER_WAITING, /* for a page of the log */
    SUBSCRIBER_BLOCKED, /* the socket takes no more */
    SUBSCRIBER_LIVE,    /* at the head of every channel */
    SUBSCRIBER_CLOSING,
};

struct subscriber {
    struct event event; /* read always, write while blocked */
    union {
        struct {
            struct list node; /* in the hub's streams */
            struct wheel_node beat;
        };
        struct loop_reap reap; /* once it is closing, and in no list any more */
    };
    struct hub *hub;
    uint64_t begun_ms; /* loop clock */
    uint64_t ends_ms;  /* loop clock; UINT64_MAX: never */
    uint64_t ticket;   /* hub_stream's */
    /* What a delivery needs stands together, from here on: two cache lines or three (volley.c). */
    struct unsent *unsent; /* what the socket did not take of the last send; owned; transfer.c's */
    event_id cursor;       /* every event up to here is sent, or not to be sent */
    event_id told;         /* the newest id that the client has: its last event id */
    uint64_t sent_ms;      /* loop clock of the last send */
    int fd;                /* owned; the event's too */
    uint16_t links_length;
    uint8_t state;          /* enum subscriber_state */
    uint8_t late_level : 2; /* account.c's */
    bool is_chunked : 1;
    bool is_announced : 1;  /* runnel.live was sent */
    bool is_unverified : 1; /* the cursor is ahead of the feed: the log must say if it knows it */
    bool is_from_now : 1;   /* begins where the feed stands */
    bool is_slow : 1;       /* was live, then its socket was full, and it has not caught up since */
    struct link links[];
};

/* Most have one channel: 296 bytes are all that a block of 304 of the heap holds. */
_Static_assert(sizeof(void *) != 8 || sizeof(struct subscriber) + sizeof(struct link) <= 296,
               "a stream costs another 16 bytes");
_Static_assert(METRIC_OVER_COUNT <= 3, "late_level holds no more");

/* Takes over stream->fd, sends the head. The subscriber belongs to the hub. ERR_MEMORY, ERR_SYSTEM:
 * fd is closed. */
MUST_CHECK int subscriber_open(struct hub *h, const struct hub_stream *stream);

/* The feed has its first position: begins, to be visited as one of those that have something to get. */
void subscriber_begin(struct subscriber *s);

/* Sends what is there, then waits for the right thing. Any state but OPENING and CLOSING. */
void subscriber_flush(struct subscriber *s);

/* The log knows (does not know) the cursor that was ahead of the feed. */
void subscriber_settle_future(struct subscriber *s, bool is_known);

/* Acts on a transfer's outcome. True where all of it is sent; false: the state has changed. */
bool subscriber_settle(struct subscriber *s, enum transfer outcome);

/* The id that live and beat carry; never older than what the client has. */
event_id subscriber_position(const struct subscriber *s);

/* A clean end: jittered `retry:`, last chunk, close. */
void subscriber_end(struct subscriber *s, enum metric_closed reason);

void subscriber_close(struct subscriber *s, enum metric_closed reason);

/* Where this channel of the subscriber stands. */
static inline event_id
link_cursor(const struct link *l)
{
    return l->from > l->subscriber->cursor ? l->from : l->subscriber->cursor;
}
