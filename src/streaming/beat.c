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
    uint64_t now_ms = loop_now_ms(s->hub->loop);
    uint64_t left_ms = s->ends_ms > now_ms ? s->ends_ms - now_ms : 0;
    wheel_start(s->hub->wheel, &s->beat, (uint32_t)(ms < left_ms ? ms : left_ms));
}

/*
 * Those who came together, after an outage, must not go together; neither must those who a reload finds
 * too old.
 */
static uint64_t
beat_draw_end(const struct subscriber *s)
{
    uint64_t age_ms = s->hub->config->max_connection_age_ms;
    uint64_t now_ms = loop_now_ms(s->hub->loop);
    if (age_ms == 0) {
        return UINT64_MAX;
    }
    uint64_t last_ms = s->begun_ms + age_ms;
    uint64_t first_ms = last_ms - age_ms / 2;
    if (first_ms < now_ms) {
        first_ms = now_ms;
    }
    if (last_ms < now_ms) {
        last_ms = now_ms + age_ms / 2;
    }
    return first_ms + backoff_random((uint32_t)(last_ms - first_ms + 1));
}

/* Those who came together, or got an event together, must not beat together. */
static uint64_t
beat_draw_silence(const struct subscriber *s)
{
    uint32_t heartbeat_ms = (uint32_t)s->hub->config->heartbeat_ms;
    return heartbeat_ms - backoff_random(heartbeat_ms / 2 + 1);
}

void
beat_begin(struct subscriber *s)
{
    s->begun_ms = loop_now_ms(s->hub->loop);
    s->ends_ms = beat_draw_end(s);
    beat_start(s, beat_draw_silence(s));
}

/* Until its next beat. One that is overdue by this heartbeat was due by the one before, at its own time. */
static uint64_t
beat_left_ms(const struct subscriber *s, uint64_t heartbeat_before_ms)
{
    uint64_t heartbeat_ms = s->hub->config->heartbeat_ms;
    uint64_t silent_ms = loop_now_ms(s->hub->loop) - s->sent_ms;
    if (silent_ms < heartbeat_ms) {
        return heartbeat_ms - silent_ms;
    }
    uint64_t left_ms = heartbeat_before_ms > silent_ms ? heartbeat_before_ms - silent_ms : 0;
    return backoff_random((uint32_t)(left_ms < heartbeat_ms ? left_ms : heartbeat_ms) + 1);
}

void
beat_drain(struct hub *h, uint32_t over_ms)
{
    uint64_t now_ms = loop_now_ms(h->loop);
    LIST_FOR_EACH_SAFE (node, following, &h->streams) {
        struct subscriber *s = LIST_ITEM(node, struct subscriber, node);
        uint64_t ends_ms = now_ms + backoff_random(over_ms + 1);
        s->ends_ms = ends_ms < s->ends_ms ? ends_ms : s->ends_ms;
        beat_start(s, beat_left_ms(s, h->config->heartbeat_ms));
    }
}

void
beat_follow_config(struct hub *h, const struct config_stream *before)
{
    bool is_age_new = h->config->max_connection_age_ms != before->max_connection_age_ms;
    bool is_beat_new = h->config->heartbeat_ms != before->heartbeat_ms;
    if (h->is_draining || !(is_age_new || is_beat_new)) {
        return;
    }
    LIST_FOR_EACH_SAFE (node, following, &h->streams) {
        struct subscriber *s = LIST_ITEM(node, struct subscriber, node);
        if (is_age_new) {
            s->ends_ms = beat_draw_end(s);
        }
        beat_start(s, beat_left_ms(s, before->heartbeat_ms));
    }
}

void
beat_on_due(struct subscriber *s)
{
    struct hub *h = s->hub;
    uint64_t now_ms = loop_now_ms(h->loop);
    if (now_ms >= s->ends_ms) {
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
    if (silent_ms < h->config->heartbeat_ms / 2) {
        beat_start(s, beat_draw_silence(s) - silent_ms);
        return;
    }
    if (s->state != SUBSCRIBER_BLOCKED) {
        beat_send(s);
    }
    if (s->state != SUBSCRIBER_CLOSING) {
        beat_start(s, h->config->heartbeat_ms);
    }
}
