#pragma once
/*
 * A batch: what one send carries to one subscriber. The events of one channel straight from the
 * tail's memory; of several channels gathered in id order in the hub's scratch memory. Worker's
 * loop, no I/O.
 */

#include "streaming/tail.h"

#include <stdbool.h>
#include <stddef.h>

struct subscriber;

struct batch {
    struct tail_run run; /* the events, in id order */
    struct str control;  /* instead of events: a control event that is due before them */
    bool is_all;         /* who has got the run is at the head of all its channels */
};

enum batch_outcome {
    BATCH_READY,
    BATCH_HEAD,   /* nothing to send: the subscriber is at the head of all its channels */
    BATCH_MISS,   /* nothing to send: links wait for pages (they are on their channels' lists) */
    BATCH_MEMORY, /* out of memory */
};

/* Moves the subscriber's places over what is known to be empty. The batch lives until the next call
 * on this hub. */
enum batch_outcome batch_next(struct subscriber *s, struct batch *ret_batch);
