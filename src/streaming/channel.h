#pragma once
/*
 * A channel as one worker sees it: its tail, and its subscribers' links by what they wait for.
 *
 *     ready    at the head: the next event of the channel makes them dirty
 *     dirty    something may be there to send: visited before the turn ends
 *     waiting  what comes next must be read from the log
 *     (none)   blocked by its socket, or by another of its channels
 *
 * Making everybody dirty is one splice of a list, whatever their number. Worker's loop.
 */

#include "base/list.h"
#include "base/map.h"
#include "event/loop.h"
#include "observability/metrics_names.h"
#include "sse/event_id.h"
#include "sse/frame.h"
#include "streaming/tail.h"

#include <stdbool.h>
#include <stdint.h>

struct hub;
struct subscriber;

/* One channel of one subscriber. Embedded in the subscriber. */
struct link {
    struct list node; /* in one of the channel's lists, or in none */
    struct channel *channel;
    struct subscriber *subscriber;
    event_id from; /* nothing of this channel up to here is to be sent, whatever the cursor says */
    event_id vouched; /* gaps before this id are said already; EVENT_ID_MAX: the first is not one */
    uint32_t newest;  /* > 0: begins with the newest N events, `from` is not known yet */
    uint8_t lost;     /* enum metric_gap: why a gap is to be said; METRIC_GAP_COUNT: none is */
    bool is_missing;  /* what comes next is not in memory */
    bool is_asking;   /* begins where the log does: a tail may remember more than the log keeps */
    bool is_fresh;    /* the channel's newest page is for it, and it has not looked at it yet */
};

/* A read of the log that is under way. */
struct channel_read {
    uint32_t newest;   /* > 0: it is for the newest N events */
    uint32_t begun_ms; /* loop clock */
};

/* Without its name it has 173 bytes, so that one with a usual name takes 192 of the heap. */
struct channel {
    struct map_node node;              /* in the hub's channels; the key is name */
    struct tail tail;                  /* by whose pool channel_hub() finds the hub */
    struct list ready, dirty, waiting; /* of links */
    union {
        struct {
            struct list dirty_node; /* in the hub's dirty channels */
            union {
                struct list wanting_node; /* in the hub's that want a page, or failed to get it */
                struct channel_read read; /* while is_reading */
            };
        };
        struct loop_reap reap; /* once it is released, and in no list any more */
    };
    event_id newest; /* of the events that are known here; 0: none */
    uint32_t slow;   /* the slow rule of that event */
    uint32_t links_length;
    uint32_t fresh_length; /* dirty links that are fresh */
    bool is_reading : 1;
    bool was_newest : 1; /* the last read was for the newest events: who has a cursor is next */
    char name[];
};

/* Finds or makes. NULL on OOM. */
struct channel *channel_get(struct hub *h, struct str name);

/* NULL where nobody on this worker knows it. */
struct channel *channel_find(const struct hub *h, struct str name, uint64_t hash);

struct str channel_name(const struct channel *c);

/* An event of the channel has become known. */
void channel_note_event(struct channel *c, const struct frame *frame);

/* A link comes, or goes. */
void channel_add_link(struct channel *c);
void channel_remove_link(struct channel *c);

/* Frees the channel at the end of the turn where nothing needs it any more. */
void channel_release(struct channel *c);

void channel_free(struct channel *c);

/* The pool took a span from the channel's tail (tail_pool_init). */
void channel_on_evicted(struct tail *t);

/* Everybody at the head has something to look for; likewise everybody who waits for a page. */
void channel_mark_ready_dirty(struct channel *c);
void channel_mark_waiting_dirty(struct channel *c);

/* Takes a link out of its channel's list; a page that was for it counts as looked at. */
void link_unlink(struct link *l);

/* Moves one link to a list of its channel. */
void link_make_ready(struct link *l);
void link_make_dirty(struct link *l);
void link_make_waiting(struct link *l);
