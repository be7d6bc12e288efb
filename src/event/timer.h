#pragma once
/*
 * A one-shot timer on a loop. Never early by the loop's clock, and never before what the sockets had
 * when it was due, also where the process was stopped for long. Loop's thread. For few timers; many
 * alike go on a wheel (wheel.h).
 */

#include "base/err.h"

#include <event2/event_struct.h>

#include <stdbool.h>
#include <stdint.h>

struct loop;

struct timer {
    struct event event; /* private to timer.c, like all fields */
    struct loop *loop;
    uint64_t due_ms; /* loop_now_ms */
    bool is_put_off; /* by one turn */
    void (*fire)(void *arg);
    void *arg;
};

/* `t` is embedded by the caller and must be stopped before it is freed. */
void timer_init(struct timer *t, struct loop *l, void (*fire)(void *arg), void *arg);
/* (Re)starts: fires once after `ms`. A failure to allocate is a bug of the machine: aborts. */
void timer_start(struct timer *t, uint64_t ms);
void timer_stop(struct timer *t);
bool timer_is_running(const struct timer *t);
