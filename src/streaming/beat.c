#include "streaming/beat.h"

#include "base/backoff.h"
#include "streaming/account.h"
#include "streaming/control.h"
#include "streaming/hub_private.h"
#include "streaming/slow.h"
#include "streaming/subscriber.h"
#include "streaming/transfer.h"

static void
beat_send(struct subscriber *s)
{
    char event[CONTROL_SIZE_MAX];
    event_id position = s->state == SUBSCRIBER_LIVE ? subscriber_position(s) : 0;
    size_t size = control_beat(event, position);
    s->told = position > s->told ? position : s->told;
    (void)subscriber_settle(s, transfer_event(s, (struct str){event, size}));
}

/* For `ms`, or until the end where that comes first. */
static void
beat_start(struct subscriber *s, uint64_t ms)
{
    uint64_t left_ms = s->ends_ms - loop_now_ms(s->hub->loop);
    wheel_start(s->hub->wheel, &s->beat, (uint32_t)(ms < left_ms ? ms : left_ms));
}

/* Those who came together, after an outage, must not go together. */
static uint64_t
beat_draw_end(const struct hub *h)
{
    uint64_t age_ms = h->config->max_connection_age_ms;
    if (age_ms == 0) {
        return UINT64_MAX;
    }
    return loop_now_ms(h->loop) + age_ms - backoff_random((uint32_t)(age_ms / 2 + 1));
}

void
beat_begin(struct subscriber *s)
{
    uint32_t heartbeat_ms = (uint32_t)s->hub->config->heartbeat_ms;
    s->ends_ms = beat_draw_end(s->hub);
    beat_start(s, heartbeat_ms / 2 + backoff_random(heartbeat_ms / 2 + 1));
}

void
beat_on_due(struct subscriber *s)
{
    struct hub *h = s->hub;
    uint64_t now_ms = loop_now_ms(h->loop);
    if (h->is_draining || now_ms >= s->ends_ms) {
        subscriber_end(s, h->is_draining ? METRIC_CLOSED_SHUTDOWN : METRIC_CLOSED_AGE);
        return;
    }
    if (s->state == SUBSCRIBER_LIVE) {
        subscriber_flush(s); /* the beat's id must not overtake an event of this turn */
    }
    if (s->state == SUBSCRIBER_BLOCKED && slow_is_stalled(s)) {
        subscriber_close(s, METRIC_CLOSED_SLOW);
    }
    if (s->state == SUBSCRIBER_CLOSING) {
        return;
    }
    account_lateness(s);
    uint64_t silent_ms = now_ms - s->sent_ms;
    if (silent_ms >= h->config->heartbeat_ms) {
        silent_ms = 0;
        if (s->state != SUBSCRIBER_BLOCKED) {
            beat_send(s);
        }
    }
    if (s->state != SUBSCRIBER_CLOSING) {
        beat_start(s, h->config->heartbeat_ms - silent_ms);
    }
}
