#pragma once
/*
 * The tail of a channel: the pieces of its log that one worker has in memory, ready to be sent.
 *
 *     log of the channel   ----e1--e2--e3--e4------e5--e6--e7-->  newest
 *     spans                    (low  page  high]   (low  live  newest]
 *
 * A span holds every event of the channel in (low, high], encoded in wire form one after another,
 * so that a run of any length is one send. The live span grows at its end with the feed; pages that
 * were read back from the log are spans too and serve the next one who asks. All tails of a worker
 * share a pool that bounds their bytes: the least recently used span goes first, the log still has
 * it.
 *
 * Worker's loop. No I/O.
 */

#include "base/err.h"
#include "base/list.h"
#include "sse/event_id.h"
#include "sse/frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct replay_page;

struct tail;

/* The bound of all tails of a worker. Embedded in the hub; fields private to tail.c. */
struct tail_pool {
    struct list lru; /* of spans, least recently used first */
    uint64_t bytes;  /* in use, with the spans' own overhead */
    uint64_t limit_bytes;
    void (*on_evicted)(struct tail *t); /* a tail lost a span to the bound */
};

/* Embedded in the channel; fields private to tail.c. */
struct tail {
    struct tail_pool *pool;
    struct list spans; /* by low, oldest first */
    struct span *live; /* the one that grows; NULL: the next frame begins one */
    event_id newest;   /* the channel has no event after this one that the feed has brought */
};

/* One event in a run. */
struct tail_entry {
    event_id id;
    uint32_t end; /* offset of the byte after it, from the same origin for all entries of a run */
    int32_t delay_ms; /* since its receipt by a source: see event_traits.h */
};

/* Events one after another in memory. Valid until the tail changes. */
struct tail_run {
    const char *bytes;                /* the first event's first byte */
    const struct tail_entry *entries; /* entries[0] is the first event */
    size_t length;                    /* events, >= 1 */
    uint32_t origin; /* entries[i].end - origin is the offset behind event i in bytes */
};

/* When a source received the event: ms of its wall clock. */
static inline uint64_t
tail_entry_received_ms(const struct tail_entry *e)
{
    return event_received_ms(e->id, e->delay_ms);
}

static inline size_t
tail_run_size(const struct tail_run *run, size_t length)
{
    return length == 0 ? 0 : run->entries[length - 1].end - run->origin;
}

enum tail_outcome {
    TAIL_RUN,  /* here are the next events */
    TAIL_HEAD, /* there is none up to the feed's position */
    TAIL_MISS, /* not in memory: read the log after *ret_after */
};

void tail_pool_init(struct tail_pool *p, uint64_t limit_bytes, void (*on_evicted)(struct tail *t));

/* What is too much goes when something new comes. */
void tail_pool_set_limit(struct tail_pool *p, uint64_t limit_bytes);

/* `position`: the feed's. The tail knows everything after it, nothing before. */
void tail_init(struct tail *t, struct tail_pool *pool, event_id position);
void tail_fini(struct tail *t);

/* True where no span is in memory. */
bool tail_is_empty(const struct tail *t);

/*
 * The feed brought `frame`; `position` is where the feed stood before it. Where the frame's floor
 * is newer than that, something is missing and the tail says TAIL_MISS to whoever stands before it.
 * Where memory is out the frame is left out, and who needs it finds it missing and reads the log.
 */
void tail_append(struct tail *t, const struct frame *frame, event_id position);

/* The channel has lost the event `id`, which the log could not take: who stands before it has a gap. */
void tail_lose(struct tail *t, event_id id);

/* The feed may have lost something up to `position`: who stands before it has to read the log. */
void tail_restart(struct tail *t, event_id position);

/*
 * Takes in what a page covers, up to `position` at most: what is newer comes by the feed, in order.
 * The page stays the caller's. ERR_MEMORY.
 */
MUST_CHECK int tail_add_page(struct tail *t, const struct replay_page *page, event_id position);

/*
 * What comes after `cursor`. *ret_after is the id up to which there is nothing between cursor and
 * the run (TAIL_HEAD: the cursor's new place; TAIL_MISS: read the log after it). *ret_floor is 0,
 * or the floor of a gap: a cursor older than it has missed something before the run (replay.h,
 * struct replay_page).
 */
enum tail_outcome tail_next(struct tail *t,
                            event_id cursor,
                            struct tail_run *ret_run,
                            event_id *ret_after,
                            event_id *ret_floor);
