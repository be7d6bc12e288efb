#include "streaming/account.h"

#include "config/config.h"
#include "streaming/hub_private.h"

enum { US_PER_MS = 1000 };

/* METRIC_BEHIND_COUNT: it is not. */
static enum metric_behind
state_is_behind(enum subscriber_state state)
{
    switch (state) {
    case SUBSCRIBER_MOVING:
    case SUBSCRIBER_WAITING:
        return METRIC_BEHIND_LOG;
    case SUBSCRIBER_BLOCKED:
        return METRIC_BEHIND_SOCKET;
    case SUBSCRIBER_OPENING:
    case SUBSCRIBER_LIVE:
    case SUBSCRIBER_CLOSING:
        break;
    }
    return METRIC_BEHIND_COUNT;
}

/* The gauges of the first `level` values of OVER count the stream. */
static void
account_set_level(struct subscriber *s, uint8_t level)
{
    struct metrics_slot *metrics = s->hub->metrics;
    for (; s->late_level < level; s->late_level++) {
        metrics_move(metrics, METRIC_STREAMS_LATE, s->late_level, 1);
    }
    while (s->late_level > level) {
        metrics_move(metrics, METRIC_STREAMS_LATE, --s->late_level, -1);
    }
}

void
account_state(struct subscriber *s, enum subscriber_state before)
{
    struct metrics_slot *metrics = s->hub->metrics;
    enum metric_behind from = state_is_behind(before);
    enum metric_behind to = state_is_behind(s->state);
    if (from == to) {
        return;
    }
    if (from != METRIC_BEHIND_COUNT) {
        metrics_move(metrics, METRIC_STREAMS_BEHIND, from, -1);
    }
    if (to != METRIC_BEHIND_COUNT) {
        metrics_move(metrics, METRIC_STREAMS_BEHIND, to, 1);
    } else {
        account_set_level(s, 0);
    }
}

/* A cursor of 0 belongs to a stream that asked for what there is: it is not late. */
void
account_lateness(struct subscriber *s)
{
    static const uint64_t over_ms[METRIC_OVER_COUNT] = {10000, 60000, 600000};
    uint64_t now_ms = loop_wall_ms(s->hub->loop);
    uint64_t newest_ms = event_id_ms(s->cursor);
    uint8_t level = 0;
    if (s->cursor > 0 && state_is_behind(s->state) != METRIC_BEHIND_COUNT) {
        while (level < METRIC_OVER_COUNT && now_ms > newest_ms + over_ms[level]) {
            level++;
        }
    }
    account_set_level(s, level);
}

static uint64_t
entry_age_us(const struct tail_entry *e, uint64_t now_ms)
{
    uint64_t received_ms = tail_entry_received_ms(e);
    return now_ms > received_ms ? (now_ms - received_ms) * US_PER_MS : 0; /* clocks differ */
}

/*
 * The run's first `length` events, to so many streams. Events that are sent together are nearly
 * always about as late as each other. One update then does for all, their mean between the first's
 * and the last's.
 */
static void
account_run(struct hub *h,
            enum metric_delivery kind,
            const struct tail_run *run,
            size_t length,
            uint64_t streams)
{
    uint64_t now_ms = loop_wall_ms(h->loop);
    uint64_t first_us = entry_age_us(&run->entries[0], now_ms);
    uint64_t last_us = length == 1 ? first_us : entry_age_us(&run->entries[length - 1], now_ms);
    metrics_add(h->metrics, METRIC_DELIVERIES, 0, length * streams);
    if (first_us == last_us || metrics_bucket(first_us) == metrics_bucket(last_us)) {
        metrics_observe(h->metrics, METRIC_DELIVERY_SECONDS, kind, (first_us + last_us) / 2,
                        length * streams);
        return;
    }
    for (size_t i = 0; i < length; i++) {
        metrics_observe(h->metrics, METRIC_DELIVERY_SECONDS, kind,
                        entry_age_us(&run->entries[i], now_ms), streams);
    }
}

void
account_deliveries(struct subscriber *s, const struct tail_run *run, size_t length)
{
    enum metric_delivery kind = s->is_announced ? METRIC_DELIVERY_LIVE : METRIC_DELIVERY_REPLAY;
    account_run(s->hub, kind, run, length, 1);
}

void
account_volley(struct hub *h, const struct tail_run *run, uint64_t streams)
{
    account_run(h, METRIC_DELIVERY_LIVE, run, run->length, streams);
}

void
account_limits(struct hub *h)
{
    const struct config_stream *config = h->config;
    metrics_set(h->metrics, METRIC_MEMORY_LIMIT, METRIC_USE_TAILS, (int64_t)config->tail_bytes);
    metrics_set(h->metrics, METRIC_MEMORY_LIMIT, METRIC_USE_PAGES, (int64_t)config->page_bytes);
    metrics_set(h->metrics, METRIC_MEMORY_LIMIT, METRIC_USE_UNSENT, (int64_t)config->unsent_bytes);
    metrics_set(h->metrics, METRIC_MEMORY_LIMIT, METRIC_USE_MAILBOXES,
                (int64_t)config->mailbox_bytes);
}
