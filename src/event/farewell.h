#pragma once
/*
 * Closes a socket so that the peer gets all that was sent: says that no more comes, then reads and
 * throws away until the peer closes too. To close with unread bytes would be a reset, and a reset
 * may take away from the peer what it has not read yet. Loop's thread.
 */

#include "event/timer.h"

#include <event2/event_struct.h>

#include <stdbool.h>
#include <stdint.h>

struct loop;

/* Embedded by the owner. Fields are private to farewell.c. */
struct farewell {
    struct loop *loop;
    struct event event;
    struct timer timer;
    int fd; /* owned; -1: over */
};

void farewell_init(struct farewell *g, struct loop *loop);

/* `fd` is non-blocking, and moves; it is closed after `ms` at the latest. One at a time. */
void farewell_start(struct farewell *g, int fd, uint64_t ms);
bool farewell_is_over(const struct farewell *g); /* or was never started */
void farewell_stop(struct farewell *g);          /* closes at once; fine when it is over */
