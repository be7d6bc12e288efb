#pragma once
/*
 * One event loop, one thread. Owns the event_base; runs turns:
 *
 *     read the clock -> events that are ready -> deferred tasks -> reap
 *
 * A deferred task runs at the end of the turn in which it was asked for, also where another task
 * asks, but once a turn: who asks for itself runs again in the next one, which then does not wait.
 * Objects are freed on the reap list, never inside their own callback.
 */

#include "base/err.h"
#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct evdns_base;
struct loop;

/* Work for the end of the turn. Embedded; init once; scheduling twice is one run. */
struct loop_task {
    struct list node;
    void (*run)(void *arg);
    void *arg;
    uint64_t turn; /* of its last run; private to loop.c */
};

/* Something to free at the end of the turn. Embedded in the object that dies. */
struct loop_reap {
    struct list node;
    void (*free)(void *object);
    void *object;
};

/* `name` is static: thread name and log field. NULL on failure. */
struct loop *loop_new(const char *name);

/* The loop must not be running. Runs what is left on the reap list. NULL is fine. */
void loop_free(struct loop *l);

/* Runs turns on the calling thread until loop_stop(). */
MUST_CHECK int loop_run(struct loop *l);

/* Loop's thread (or before loop_run): the current turn is the last. */
void loop_stop(struct loop *l);

/* True on the thread that runs the loop, and on any thread while it does not run. For asserts. */
bool loop_is_current(const struct loop *l);

/* Loop's thread. Monotonic, wall: read once a turn. */
uint64_t loop_now_ms(const struct loop *l);
uint64_t loop_wall_ms(const struct loop *l);

/* For the rooms that talk to libevent. Owned by the loop. */
struct event_base *loop_base(struct loop *l);

/*
 * Non-blocking name resolution (hosts file, resolv.conf), made on first use; NULL on failure. To be
 * asked for before each lookup: event/dns.h.
 */
struct evdns_base *loop_dns(struct loop *l);

/* Loop's thread. */
void loop_task_init(struct loop_task *t, void (*run)(void *arg), void *arg);
void loop_task_schedule(struct loop *l, struct loop_task *t);
void loop_task_cancel(struct loop_task *t);

/* Loop's thread, once. `r` lives in `object`; at the end of the turn free(object) is called. */
void loop_reap(struct loop *l, struct loop_reap *r, void (*free)(void *object), void *object);
