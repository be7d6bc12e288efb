#pragma once
/*
 * What waits to be appended: drafts in order, and the batches that were cut from them. A batch
 * keeps its number and its drafts until the log has it, so that it can be sent again unchanged.
 * Data only: no loop, no Redis.
 *
 *     push -> [ waiting drafts ] -> cut -> [ batches, oldest first ] -> drop
 *
 * A mark is a draft too. The events that are stored with it follow it, joined to it: a batch holds
 * all of them or none.
 */

#include "base/err.h"
#include "base/list.h"
#include "base/mark.h"
#include "base/str.h"
#include "replay/replay.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    /* Chosen: the script's own cost is spread thin from about 10 on. What one mark joins may be
     * more. */
    BATCH_EVENTS_MAX = 64,
    BATCH_DRAFTS_MAX = 2 * BATCH_EVENTS_MAX, /* likewise, with the marks */
    BATCH_BYTES_MAX = 256 * 1024,            /* chosen: Redis serves nobody else meanwhile */
    BATCHES_MAX = 8                          /* in flight: hides the round trip */
};

struct draft {
    struct list node;
    struct replay_keep keep;
    uint64_t ticket;
    uint64_t queued_ms; /* loop clock; of the owner */
    uint64_t received_ms;
    uint32_t slow;
    uint32_t key_size;
    uint32_t body_size;
    uint32_t before_size;
    bool is_mark;
    bool is_joined; /* to the draft before it */
    bool follows_loss;
    char bytes[]; /* the stream's key, then the body; of a mark: name, position, before */
};

struct batch {
    struct list drafts;
    size_t length;   /* drafts */
    size_t events;   /* of them, the rest are marks */
    size_t loss;     /* index from 1 of the last event that follows a loss; events + 1: nothing does
                        so far; 0: there was none */
    uint64_t number; /* from 1, without holes */
    uint64_t ticket; /* of the last draft */
};

struct batches {
    struct list waiting; /* drafts */
    struct batch ring[BATCHES_MAX];
    size_t first;
    size_t length;      /* batches */
    uint64_t number;    /* of the newest batch */
    uint64_t ticket;    /* of the newest draft */
    uint64_t drafts;    /* waiting and in batches */
    uint64_t bytes;     /* of them */
    bool is_loss_noted; /* the next event follows a loss */
};

void batches_init(struct batches *b);
void batches_fini(struct batches *b);

/* Frees drafts that are in no queue of `struct batches`. */
void drafts_free(struct list *drafts);

/* A draft on the heap, not queued yet; free() it. NULL on OOM. `stream` precedes the channel. */
struct draft *draft_new(struct str stream, const struct replay_draft *from);
struct draft *draft_new_mark(const struct mark *mark);

static inline struct str
draft_key(const struct draft *d)
{
    return (struct str){d->bytes, d->key_size};
}

static inline struct str
draft_body(const struct draft *d)
{
    return (struct str){d->bytes + d->key_size, d->body_size};
}

static inline struct mark
draft_mark(const struct draft *d)
{
    return (struct mark){.name = draft_key(d),
                         .position = draft_body(d),
                         .before = {d->bytes + d->key_size + d->body_size, d->before_size}};
}

/* The draft is the queue's. Its ticket is b->ticket afterwards. */
void batches_push(struct batches *b, struct draft *d);

/*
 * Cuts a batch off the front of what waits; NULL where nothing waits or the ring is full. A loss that
 * no event follows makes a batch too, maybe an empty one: it may be the last that happens.
 */
struct batch *batches_cut(struct batches *b);

/* By age, 0 is the oldest; index < b->length. */
struct batch *batches_at(struct batches *b, size_t index);

/* Since when the oldest draft is in the queue; 0: none is. */
uint64_t batches_oldest_ms(const struct batches *b);

/* The ticket of a batch's event, by its index from 1; 0 where there is none. */
uint64_t batch_event_ticket(const struct batch *batch, uint64_t index);

/* The oldest batch is done: frees its drafts. */
void batches_drop_oldest(struct batches *b);
