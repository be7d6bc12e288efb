#include "main/drain.h"

#include "base/log.h"
#include "event/loop.h"
#include "event/timer.h"
#include "main/notify.h"

#include <stdlib.h>

enum {
    STREAMS_SLACK_MS = 2000,   /* for what does not end by itself */
    SOURCES_SILENCE_MS = 2000, /* for a log that does not answer */
    SOURCES_LIMIT_MS = 10000,  /* for one that is slow; chosen: what deploy's times leave */
    SOURCES_POLL_MS = 5,
};

enum drain_state {
    DRAIN_NOT,
    DRAIN_NOTICE,
    DRAIN_STREAMS,
    DRAIN_SOURCES,
};

struct drain {
    struct loop *loop;
    struct drain_steps steps;
    struct timer timer;
    enum drain_state state;
    uint32_t over_ms;    /* for the streams */
    uint64_t give_up_ms; /* loop clock; the log's last moment, unless it goes on */
    uint64_t end_ms;     /* in any case */
    uint64_t left;       /* for the log, at the least so far */
    bool is_idle;
};

static bool
drain_is_over(struct drain *d)
{
    uint64_t now_ms = loop_now_ms(d->loop);
    uint64_t left = d->steps.left(d->steps.arg);
    if (left < d->left) {
        d->left = left;
        d->give_up_ms = now_ms + SOURCES_SILENCE_MS;
    }
    return now_ms >= d->give_up_ms || now_ms >= d->end_ms;
}

/* Once more after all is stored: the sources' last answers to their brokers leave in between. */
static void
drain_poll_log(struct drain *d)
{
    if (d->is_idle) {
        loop_stop(d->loop);
        return;
    }
    d->is_idle = d->steps.is_idle(d->steps.arg);
    if (!d->is_idle && drain_is_over(d)) {
        d->steps.give_up(d->steps.arg);
        loop_stop(d->loop);
        return;
    }
    timer_start(&d->timer, SOURCES_POLL_MS);
}

static void
drain_enter(struct drain *d, enum drain_state state)
{
    d->state = state;
    switch (state) {
    case DRAIN_NOT:
        break;
    case DRAIN_NOTICE:
        d->steps.unready(d->steps.arg);
        break;
    case DRAIN_STREAMS:
        timer_start(&d->timer, (uint64_t)d->over_ms + STREAMS_SLACK_MS);
        d->steps.end_streams(d->steps.arg, d->over_ms);
        break;
    case DRAIN_SOURCES:
        d->give_up_ms = loop_now_ms(d->loop) + SOURCES_SILENCE_MS;
        d->end_ms = loop_now_ms(d->loop) + SOURCES_LIMIT_MS;
        d->steps.stop_sources(d->steps.arg);
        d->left = d->steps.left(d->steps.arg);
        timer_start(&d->timer, SOURCES_POLL_MS);
        break;
    }
}

static void
drain_on_timer(void *arg)
{
    struct drain *d = arg;
    if (d->state == DRAIN_SOURCES) {
        drain_poll_log(d);
    } else {
        drain_enter(d, d->state == DRAIN_NOTICE ? DRAIN_STREAMS : DRAIN_SOURCES);
    }
}

struct drain *
drain_new(struct loop *loop, const struct drain_steps *steps)
{
    struct drain *d = calloc(1, sizeof *d);
    if (d != NULL) {
        d->loop = loop;
        d->steps = *steps;
        timer_init(&d->timer, loop, drain_on_timer, d);
    }
    return d;
}

void
drain_free(struct drain *d)
{
    if (d != NULL) {
        timer_stop(&d->timer);
        free(d);
    }
}

void
drain_on_signal(struct drain *d, const struct config_stream *config, bool is_noticed)
{
    if (d->state != DRAIN_NOT) {
        log_info("serve.stopped_at_once");
        loop_stop(d->loop);
        return;
    }
    uint64_t delay_ms = is_noticed ? config->drain_delay_ms : 0;
    log_info("serve.draining", LOG_U64("delay_ms", delay_ms),
             LOG_U64("drain_ms", config->drain_ms));
    notify_stopping(delay_ms + config->drain_ms + STREAMS_SLACK_MS + SOURCES_LIMIT_MS);
    d->over_ms = (uint32_t)config->drain_ms;
    drain_enter(d, DRAIN_NOTICE);
    timer_start(&d->timer, delay_ms);
}

void
drain_on_streams_ended(struct drain *d)
{
    if (d->state == DRAIN_STREAMS) {
        drain_enter(d, DRAIN_SOURCES);
    }
}
