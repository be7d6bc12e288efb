#pragma once
/* The hub's own struct, for the files of this room that are its parts. */

#include "base/list.h"
#include "base/map.h"
#include "event/loop.h"
#include "event/timer.h"
#include "event/wheel.h"
#include "observability/metrics.h"
#include "streaming/channel.h"
#include "streaming/hub.h"
#include "streaming/tail.h"

enum {
    BATCH_EVENTS_MAX = 512,       /* events that are gathered for one send */
    BATCH_BYTES_MAX = 128 * 1024, /* chosen: beyond this a send costs per byte, not per call */
    BYTES_A_VISIT = 16 * 1024,    /* chosen: to copy so many takes about as long as a small send */
};

struct hub {
    struct loop *loop;
    const struct config_stream *config;
    struct replay_reader *reader;
    struct metrics_slot *metrics;
    struct mailbox *mailbox;
    struct map channels;
    struct tail_pool pool;
    struct wheel *wheel; /* heartbeats, and the drain */
    struct list streams; /* of subscribers */
    size_t streams_length;
    size_t linked_length; /* channels with links */
    void (*on_closed)(void *arg, uint64_t ticket);
    void *on_closed_arg;
    struct list dirty;      /* of channels with dirty links */
    struct loop_task flush; /* visits them */
    bool has_feed;
    event_id position; /* of the feed: every event up to here has come by */
    bool is_draining;

    struct {
        struct list wanting; /* of channels whose waiting links want a page */
        struct list failed;  /* the same after a failed read, until the timer */
        struct timer retry;
        uint32_t reads; /* under way */
        uint32_t fresh; /* pages that not all who waited for have looked at */
        uint32_t pages_max, page_bytes;
    } catchup;

    uint64_t unsent_bytes; /* of partly sent events, all subscribers */
    uint64_t sent_bytes;   /* so far, but for volleys */

    /* One batch at a time, so one piece of memory for all. */
    struct {
        char bytes[BATCH_BYTES_MAX];
        struct tail_entry entries[BATCH_EVENTS_MAX];
        struct buf control;
        struct tail_run *runs; /* as many as the subscriber with most channels has */
        size_t runs_capacity;
    } scratch;
};

/* Whose channel it is: by the pool, which is the hub's, so that a channel needs no pointer of its own. */
static inline struct hub *
channel_hub(const struct channel *c)
{
    return MAP_ITEM(c->tail.pool, struct hub, pool);
}

/* A stream's descriptor is closed. */
void hub_tell_closed(const struct hub *h, uint64_t ticket);

/* There are dirty links: a flush is due before the turn ends. */
void hub_schedule_flush(struct hub *h);
