#include "replay/redis_feed.h"

#include "base/channel_name.h"
#include "base/log.h"
#include "event/loop.h"
#include "observability/metrics.h"
#include "redis/client.h"
#include "replay/feed_message.h"
#include "replay/redis_limits.h"
#include "sse/encoder.h"

#include <stdlib.h>

enum feed_state {
    FEED_DOWN,    /* no connection */
    FEED_JOINING, /* subscribed; where the log stands is not known yet */
    FEED_LIVE,
};

struct redis_feed {
    struct redis_feed_settings settings;
    struct redis_subscription subscription;
    struct redis_client *client; /* owned */
    enum feed_state state;
    event_id last; /* live: everything up to here was delivered, or has to be read */
};

static void
feed_set_last(struct redis_feed *f, event_id id)
{
    f->last = id;
    if (id > *f->settings.seen) {
        *f->settings.seen = id;
    }
}

static void
feed_start(struct redis_feed *f, event_id position)
{
    f->state = FEED_LIVE;
    feed_set_last(f, position);
    f->settings.on_start(f->settings.arg, position);
}

/* It goes on at `position`, and what is before has to be read. */
static void
feed_skip(struct redis_feed *f, event_id position, enum metric_feed_gap why)
{
    metrics_add(f->settings.metrics, METRIC_REPLAY_FEED_GAPS, why, 1);
    feed_start(f, position);
}

/* On a new connection. Where it is not the first, something may lie between. */
static void
feed_begin(struct redis_feed *f, event_id position)
{
    if (f->last == 0) {
        feed_start(f, position);
    } else {
        feed_skip(f, position, METRIC_FEED_GAP_RECONNECTED);
    }
}

static void
feed_deliver(struct redis_feed *f, const struct feed_event *event)
{
    bool is_loss = event->body.size == 0;
    if (!channel_name_is_valid(event->channel) || (!is_loss && !sse_body_is_valid(event->body))) {
        metrics_add(f->settings.metrics, METRIC_REPLAY_INVALID, 0, 1);
        log_warn("replay.invalid", LOG_STR("channel", event->channel));
        return;
    }
    struct frame *frame =
        frame_new(event->channel, event->id, event->floor, event->body, event->traits);
    if (frame == NULL) {
        feed_skip(f, event->id,
                  METRIC_FEED_GAP_MEMORY); /* it is in the log, to be read when there is memory */
        return;
    }
    feed_set_last(f, event->id);
    f->settings.on_frame(f->settings.arg, frame);
    frame_unref(frame);
}

/* Behind what is known already: the head was read after this batch. */
static bool
feed_is_old(const struct redis_feed *f, const struct feed_message *m)
{
    return f->state == FEED_LIVE && m->after <= f->last;
}

static void
feed_on_batch(struct redis_feed *f, struct feed_message *m)
{
    struct feed_event event;
    int outcome;
    if (m->before != f->last) {
        feed_skip(f, m->before, METRIC_FEED_GAP_MISSED);
    }
    while ((outcome = feed_message_next(m, &event)) == 0) {
        feed_deliver(f, &event);
    }
    if (outcome != FEED_MESSAGE_E_END) {
        log_warn("replay.feed", LOG_TEXT("error", err_text(outcome)));
        feed_skip(f, m->after, METRIC_FEED_GAP_INVALID);
        return;
    }
    feed_set_last(f, m->after);
}

static void
feed_on_message(void *arg, const struct redis_message *message)
{
    struct redis_feed *f = arg;
    struct feed_message m;
    if (f->state == FEED_DOWN) {
        return; /* not confirmed yet: the start covers it */
    }
    if (feed_message_open(message->payload, &m) != 0) {
        metrics_add(f->settings.metrics, METRIC_REPLAY_INVALID, 0, 1);
        log_warn("replay.feed", LOG_TEXT("error", "somebody publishes what is no batch"));
        return;
    }
    if (feed_is_old(f, &m)) {
        return;
    }
    if (f->state != FEED_LIVE) {
        feed_begin(f, m.before);
    }
    if (m.birth > f->last) {
        /* Something was lost before or in this batch: everybody reads, and learns of the gap. */
        feed_skip(f, m.after, METRIC_FEED_GAP_LOST);
        return;
    }
    feed_on_batch(f, &m);
}

void
redis_feed_on_head(struct redis_feed *f, event_id head, event_id birth)
{
    if (f->state == FEED_JOINING) {
        feed_begin(f, head);
    } else if (f->state == FEED_LIVE && birth > f->last) {
        feed_skip(f, head, METRIC_FEED_GAP_LOST);
    }
}

void
redis_feed_check(struct redis_feed *f, event_id head)
{
    if (f->state == FEED_LIVE && f->last < head) {
        /* As a replica's: it leaves the address, if the name has others. */
        redis_client_reconnect(f->client, ERR_REPLICA, "the feed lags behind the log");
    }
}

void
redis_feed_leave(struct redis_feed *f, int status)
{
    redis_client_reconnect(f->client, status, err_text(status));
}

bool
redis_feed_is_live(const struct redis_feed *f)
{
    return f->state == FEED_LIVE;
}

static void
feed_on_up(void *arg)
{
    struct redis_feed *f = arg;
    f->state = FEED_JOINING;
    f->settings.on_subscribed(f->settings.arg);
}

static void
feed_on_down(void *arg, int status, const char *why)
{
    struct redis_feed *f = arg;
    (void)status;
    f->state = FEED_DOWN;
    f->settings.on_down(f->settings.arg, why);
}

static int
feed_new_client(struct redis_feed *f)
{
    const struct redis_settings settings = {
        .broker = f->settings.broker,
        .listener = {.arg = f,
                     .on_up = feed_on_up,
                     .on_down = feed_on_down,
                     .on_message = feed_on_message},
        .subscriptions = &f->subscription,
        .subscriptions_length = 1,
        .commands_limit = 1,
        .output_limit_bytes = REDIS_LOG_OUTPUT_MAX,
        .reply_limit_bytes = REDIS_LOG_REPLY_MAX,
        .command_timeout_ms = f->settings.broker->connect_timeout_ms,
    };
    return redis_client_new(f->settings.loop, &settings, &f->client);
}

struct redis_feed *
redis_feed_new(const struct redis_feed_settings *settings)
{
    struct redis_feed *f = calloc(1, sizeof *f);
    if (f == NULL) {
        return NULL;
    }
    f->settings = *settings;
    f->subscription.filter = settings->channel;
    if (feed_new_client(f) != 0) {
        free(f);
        return NULL;
    }
    return f;
}

void
redis_feed_free(struct redis_feed *f)
{
    if (f != NULL) {
        redis_client_free(f->client);
        free(f);
    }
}
