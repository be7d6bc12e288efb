#include "main/pipeline.h"

#include "config/config.h"
#include "main/broadcast.h"
#include "main/labels.h"
#include "main/settings.h"
#include "main/source_set.h"
#include "observability/health.h"
#include "observability/metrics.h"
#include "routing/table.h"
#include "sse/encoder.h"

#include <stdlib.h>

enum {
    SCRATCH_BYTES_MAX = 256 * 1024 * 1024, /* all events of one message */
    MISSES_BYTES_MAX = 16 * 1024 * 1024,
    EVENTS_MAX = REPLAY_MARKED_MAX, /* that one message may become */
};

/* A draft whose bytes stand in the scratch buffer, by offset: it may move while it grows. */
struct outline {
    size_t channel_begin, channel_size, body_size;
    uint32_t route;
};

/* A route that matched and made no event. */
struct miss {
    uint32_t route;
    enum metric_miss why;
};

struct pipeline {
    struct pipeline_parts parts;
    struct replay *log;
    struct source_set *sources;
    uint64_t stored; /* the log has every ticket up to this one */

    /* One message at a time. */
    struct buf scratch;
    struct outline outlines[EVENTS_MAX];
    struct replay_draft drafts[EVENTS_MAX];
    size_t length;
    uint64_t received_ms;
    struct buf misses; /* of struct miss */
    int result;        /* the first failure of this message */
};

/* One event of the message: channel name and body into the scratch buffer. */
static int
pipeline_outline(struct pipeline *p, const struct table_event *event)
{
    if (p->length == EVENTS_MAX) {
        return ERR_LIMIT;
    }
    size_t begin = p->scratch.size;
    int r = buf_append_str(&p->scratch, event->channel);
    if (r == 0) {
        r = sse_encode_body(&p->scratch, event->name, event->data);
    }
    if (r < 0) {
        p->scratch.size = begin;
        return r;
    }
    p->outlines[p->length++] = (struct outline){
        .channel_begin = begin,
        .channel_size = event->channel.size,
        .body_size = p->scratch.size - begin - event->channel.size,
        .route = event->route,
    };
    return 0;
}

static void
pipeline_on_event(void *arg, const struct table_event *event)
{
    struct pipeline *p = arg;
    int r = pipeline_outline(p, event);
    if (p->result == 0) {
        p->result = r;
    }
}

#define IS_SAME_MISS(name) ((int)TABLE_MISS_##name == (int)METRIC_MISS_##name)
_Static_assert(IS_SAME_MISS(WHEN) && IS_SAME_MISS(EXTRACT) && IS_SAME_MISS(UTF8) &&
                   IS_SAME_MISS(SIZE) && IS_SAME_MISS(CHANNEL) && IS_SAME_MISS(EVENT) &&
                   IS_SAME_MISS(COUNT),
               "the one is cast to the other");

static void
pipeline_on_miss(void *arg, uint32_t route, enum table_miss why)
{
    struct pipeline *p = arg;
    const struct miss miss = {route, (enum metric_miss)why};
    int r = buf_append(&p->misses, &miss, sizeof miss);
    if (p->result == 0) {
        p->result = r;
    }
}

static int
pipeline_append(struct pipeline *p,
                const struct settings *settings,
                const struct mark *mark,
                uint64_t *ret_ticket)
{
    for (size_t i = 0; i < p->length; i++) {
        const struct outline *o = &p->outlines[i];
        const struct config_route *route = &settings->config->routes[o->route];
        const char *channel = p->scratch.data + o->channel_begin;
        p->drafts[i] = (struct replay_draft){
            .channel = {channel, o->channel_size},
            .body = {channel + o->channel_size, o->body_size},
            .keep = {.events = route->keep.events, .for_ms = route->keep.for_ms},
            .slow = slow_rule_make(route->slow, route->slow_after_ms),
            .received_ms = p->received_ms,
        };
    }
    int r = mark == NULL ? replay_append(p->log, p->drafts, p->length, ret_ticket)
                         : replay_append_marked(p->log, p->drafts, p->length, mark, ret_ticket);
    return r == REPLAY_E_FULL ? SINK_E_FULL : r;
}

/* The message is taken: one that is refused comes again, and would count twice. */
static void
pipeline_count(const struct pipeline *p, const struct intake *from, bool is_matched)
{
    const struct labels *labels = from->settings->labels;
    const struct miss *misses = (const void *)p->misses.data;
    for (size_t i = 0; i < p->length; i++) {
        metrics_series_add(labels_route(labels, p->outlines[i].route), METRIC_ROUTE_EVENTS, 0, 1);
    }
    for (size_t i = 0; i < p->misses.size / sizeof(struct miss); i++) {
        metrics_series_add(labels_route(labels, misses[i].route), METRIC_ROUTE_MISSES,
                           misses[i].why, 1);
    }
    if (!is_matched) {
        metrics_series_add(labels_source(labels, from->source), METRIC_UNROUTED, 0, 1);
    }
}

/* Gathers the message's events. Negative: it can never be taken; else how many routes matched. */
static int
pipeline_route(struct pipeline *p, const struct intake *from, const struct message *message)
{
    struct message routed = *message;
    const struct table_visitor visitor = {p, pipeline_on_event, pipeline_on_miss};
    buf_clear(&p->scratch);
    buf_clear(&p->misses);
    p->length = 0;
    p->received_ms = message->received_ms;
    p->result = 0;
    routed.source = from->source;
    int matched = table_route(from->settings->table, &routed, &visitor);
    return matched >= 0 && p->result < 0 ? p->result : matched;
}

static int
pipeline_on_message(void *arg, const struct message *message, uint64_t *ret_ticket)
{
    const struct intake *from = arg;
    struct pipeline *p = from->pipeline;
    int matched = pipeline_route(p, from, message);
    int r = matched < 0 ? matched : 0;
    if (r == 0 && p->length == 0 && message->mark == NULL) {
        *ret_ticket = p->stored;
    } else if (r == 0) {
        r = pipeline_append(p, from->settings, message->mark, ret_ticket);
    }
    if (r == 0) {
        pipeline_count(p, from, matched > 0);
    }
    return r;
}

static int
pipeline_move_mark(void *arg, const struct mark *mark, uint64_t *ret_ticket)
{
    const struct intake *from = arg;
    from->pipeline->length = 0;
    return pipeline_append(from->pipeline, from->settings, mark, ret_ticket);
}

static int
pipeline_read_mark(void *arg, struct str name)
{
    const struct intake *from = arg;
    return replay_read_mark(from->pipeline->log, name);
}

static void
pipeline_on_loss(void *arg)
{
    const struct intake *from = arg;
    replay_note_loss(from->pipeline->log);
}

static uint32_t
pipeline_last_events(void *arg)
{
    const struct intake *from = arg;
    return (uint32_t)from->pipeline->length;
}

static void
pipeline_on_stored(void *arg, uint64_t ticket)
{
    struct pipeline *p = arg;
    p->stored = ticket;
    source_set_on_stored(p->sources, ticket);
}

static void
pipeline_on_dropped(void *arg, uint64_t ticket)
{
    const struct pipeline *p = arg;
    source_set_on_dropped(p->sources, ticket);
}

static void
pipeline_on_frame(void *arg, struct frame *frame)
{
    struct pipeline *p = arg;
    broadcast_frame(p->parts.broadcast, frame);
}

static void
pipeline_on_feed_start(void *arg, event_id position)
{
    struct pipeline *p = arg;
    broadcast_feed_start(p->parts.broadcast, position);
}

static void
pipeline_on_state(void *arg, bool is_up, const char *why)
{
    struct pipeline *p = arg;
    health_set(p->parts.health, "replay log", is_up, why);
}

static void
pipeline_on_mark(void *arg, const struct mark *mark, bool is_refused)
{
    const struct pipeline *p = arg;
    source_set_on_mark(p->sources, mark, is_refused);
}

struct pipeline *
pipeline_new(const struct pipeline_parts *parts)
{
    struct pipeline *p = calloc(1, sizeof *p);
    if (p != NULL) {
        p->parts = *parts;
        buf_init(&p->scratch, SCRATCH_BYTES_MAX);
        buf_init(&p->misses, MISSES_BYTES_MAX);
    }
    return p;
}

void
pipeline_free(struct pipeline *p)
{
    if (p != NULL) {
        buf_fini(&p->scratch);
        buf_fini(&p->misses);
        free(p);
    }
}

struct sink
pipeline_sink(struct intake *intake)
{
    return (struct sink){.arg = intake,
                         .on_message = pipeline_on_message,
                         .on_loss = pipeline_on_loss,
                         .last_events = pipeline_last_events,
                         .read_mark = pipeline_read_mark,
                         .move_mark = pipeline_move_mark};
}

struct replay_listener
pipeline_listener(struct pipeline *p)
{
    return (struct replay_listener){.arg = p,
                                    .on_stored = pipeline_on_stored,
                                    .on_dropped = pipeline_on_dropped,
                                    .on_frame = pipeline_on_frame,
                                    .on_feed_start = pipeline_on_feed_start,
                                    .on_state = pipeline_on_state,
                                    .on_mark = pipeline_on_mark};
}

void
pipeline_set_log(struct pipeline *p, struct replay *log)
{
    p->log = log;
}

void
pipeline_set_sources(struct pipeline *p, struct source_set *sources)
{
    p->sources = sources;
}

uint64_t
pipeline_stored(const struct pipeline *p)
{
    return p->stored;
}
