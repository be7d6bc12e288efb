#pragma once
/*
 * A span: every event of one channel in (low, high], encoded one after another. A part of tail.c's
 * business in a file of its own; nobody else includes this.
 */

#include "base/list.h"
#include "streaming/tail.h"

#include <stdbool.h>

struct span {
    struct list node; /* in the tail's spans */
    struct list lru;  /* in the pool's lru */
    struct tail *tail;
    event_id low;
    event_id high;
    event_id floor; /* a cursor older than this has a gap; 0: none can be */
    char *bytes;    /* owned; chunks */
    uint32_t size, capacity;
    struct tail_entry *entries; /* owned; end counts from bytes */
    uint32_t length, entries_capacity;
};

/* Empty, covers (low, low]. NULL on OOM. */
struct span *span_new(event_id low);
void span_free(struct span *s);

/* What the pool is charged for it. */
uint64_t span_bytes(const struct span *s);

/* True where the frame belongs into a span of its own, so that spans stay small enough to evict one
 * by one. */
bool span_is_full_for(const struct span *s, const struct frame *frame);

/* Adds a frame newer than all before; high becomes its id. ERR_MEMORY. */
MUST_CHECK int span_append(struct span *s, const struct frame *frame);

/* The index of the first event after `cursor`; s->length where there is none. */
uint32_t span_find(const struct span *s, event_id cursor);

/* The events from index on, which is < s->length. */
struct tail_run span_run(const struct span *s, uint32_t index);
