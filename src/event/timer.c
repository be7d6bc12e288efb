#include "event/timer.h"

#include "event/loop.h"

#include <event2/event.h>

#include <stdlib.h>

enum { TIMER_LATE_MS = 100 }; /* chosen: more than a busy loop's turn, less than any timeout */

static void
timer_add(struct timer *t, uint64_t ms)
{
    struct timeval wait = {
        .tv_sec = (time_t)(ms / 1000),
        .tv_usec = (suseconds_t)(ms % 1000 * 1000),
    };
    if (event_add(&t->event, &wait) != 0) {
        abort();
    }
}

/*
 * SIGCONT ends the wait for sockets without a look at them, and libevent then runs what has become
 * due: a timeout would fire although the answer is there. One turn later the sockets were read.
 */
static bool
timer_put_off(struct timer *t, uint64_t now_ms)
{
    if (t->is_put_off || now_ms - t->due_ms < TIMER_LATE_MS) {
        return false;
    }
    t->is_put_off = true;
    timer_add(t, 0);
    return true;
}

static void
timer_on_timeout(evutil_socket_t fd, short what, void *arg)
{
    struct timer *t = arg;
    uint64_t now_ms = loop_now_ms(t->loop);
    (void)fd;
    (void)what;
    /* libevent's timers go by the kernel's coarse clock, which lags by up to a tick. */
    if (now_ms < t->due_ms) {
        timer_add(t, t->due_ms - now_ms);
        return;
    }
    if (!timer_put_off(t, now_ms)) {
        t->fire(t->arg);
    }
}

void
timer_init(struct timer *t, struct loop *l, void (*fire)(void *arg), void *arg)
{
    *t = (struct timer){.loop = l, .fire = fire, .arg = arg};
    if (event_assign(&t->event, loop_base(l), -1, 0, timer_on_timeout, t) != 0) {
        abort();
    }
}

void
timer_start(struct timer *t, uint64_t ms)
{
    t->due_ms = loop_now_ms(t->loop) + ms;
    t->is_put_off = false;
    timer_add(t, ms);
}

void
timer_stop(struct timer *t)
{
    (void)event_del(&t->event);
}

bool
timer_is_running(const struct timer *t)
{
    return event_pending(&t->event, EV_TIMEOUT, NULL) != 0;
}
