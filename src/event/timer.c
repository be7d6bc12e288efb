#include "event/timer.h"

#include "event/loop.h"

#include <event2/event.h>

#include <stdlib.h>

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
    t->fire(t->arg);
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
