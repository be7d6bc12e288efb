#pragma once
/*
 * A frame: one event of one channel, encoded once, immutable, ref-counted. The only type that is
 * shared between threads. Its wire bytes are "id: <id>\n" + body, without any transfer framing.
 *
 * One without a body is a loss: an event of the channel that the log could not take. It is told by a
 * gap and never sent.
 */

#include "base/str.h"
#include "sse/event_id.h"
#include "sse/event_traits.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct frame {
    atomic_uint refs;   /* private to frame.c */
    uint32_t wire_size; /* bytes of id line and body */
    struct event_traits traits;
    event_id id;
    /*
     * A cursor of this channel that is >= floor misses nothing before this event: the id of the
     * channel's previous event; where the log knows none, what its birth and the retention time
     * vouch for.
     */
    event_id floor;
    uint64_t channel_hash; /* map_hash(channel) */
    uint8_t channel_size;  /* bytes */
    uint8_t body_offset;   /* where in wire the body begins */
    char bytes[];          /* channel name, then wire */
};

/*
 * A frame with one reference, the caller's. The channel's name is valid, `body` as sse_encode_body
 * wrote it. NULL on OOM and for a body near 4 GiB.
 */
struct frame *frame_new(
    struct str channel, event_id id, event_id floor, struct str body, struct event_traits traits);

/* Any thread. */
struct frame *frame_ref(struct frame *f);
void frame_unref(struct frame *f); /* NULL is fine */

static inline struct str
frame_channel(const struct frame *f)
{
    return (struct str){f->bytes, f->channel_size};
}

/* The memory that it takes. */
static inline size_t
frame_bytes(const struct frame *f)
{
    return offsetof(struct frame, bytes) + f->channel_size + f->wire_size;
}

static inline struct str
frame_wire(const struct frame *f)
{
    return (struct str){f->bytes + f->channel_size, f->wire_size};
}

static inline bool
frame_is_loss(const struct frame *f)
{
    return f->wire_size == f->body_offset;
}
