/* The hub: the feed comes in, dirty channels are visited at the end of the turn. */

#include "base/backoff.h"
#include "event/mailbox.h"
#include "sse/frame.h"
#include "streaming/account.h"
#include "streaming/beat.h"
#include "streaming/catchup.h"
#include "streaming/channel.h"
#include "streaming/hub_private.h"
#include "streaming/subscriber.h"
#include "streaming/volley.h"

#include <stdlib.h>
#include <unistd.h>

enum {
    VISITS_A_TURN = 192, /* chosen: about 1 ms of sends, then new connections get a look in */
    WHEEL_SLOT_MS = 100,
    WHEEL_SPAN_MS = 10 * 60 * 1000,
};

void
hub_schedule_flush(struct hub *h)
{
    loop_task_schedule(h->loop, &h->flush);
}

/* The first dirty link of a channel, whatever it needs. */
static void
hub_visit_link(struct channel *c)
{
    if (list_is_empty(&c->dirty)) {
        list_remove(&c->dirty_node);
        return;
    }
    struct link *l = LIST_ITEM(c->dirty.next, struct link, node);
    link_unlink(l);
    if (l->subscriber->state == SUBSCRIBER_LIVE) {
        link_make_ready(l); /* where it belongs if the subscriber stays live */
    }
    subscriber_flush(l->subscriber);
}

/* Visits dirty links of the first dirty channel, which there is. How many; bytes count as visits too. At least 1. */
static size_t
hub_visit(struct hub *h, size_t max)
{
    struct channel *c = LIST_ITEM(h->dirty.next, struct channel, dirty_node);
    size_t visits = volley_fire(c, max);
    if (visits == 0) {
        uint64_t before = h->sent_bytes;
        hub_visit_link(c);
        visits = 1 + (h->sent_bytes - before) / BYTES_A_VISIT;
    }
    return visits;
}

/*
 * Of a channel whose events come faster than its many streams are visited the dirty links never end: the other
 * channels get the next turn. Not while a page in memory is for its links.
 */
static void
hub_let_others_go_first(struct hub *h)
{
    struct channel *c = LIST_ITEM(h->dirty.next, struct channel, dirty_node);
    if (c->fresh_length == 0) {
        list_remove(&c->dirty_node);
        list_push_back(&h->dirty, &c->dirty_node);
    }
}

/* The sends of a turn are bounded, so that a broadcast to many does not hold up who connects
 * meanwhile. */
static void
hub_flush(void *arg)
{
    struct hub *h = arg;
    size_t visits = 0;
    while (visits < VISITS_A_TURN && !list_is_empty(&h->dirty)) {
        visits += hub_visit(h, VISITS_A_TURN - visits);
    }
    catchup_start_reads(h);
    if (!list_is_empty(&h->dirty)) {
        hub_let_others_go_first(h);
        hub_schedule_flush(h);
    }
}

static void
hub_take_frame(struct hub *h, struct channel *c, const struct frame *frame)
{
    if (frame_is_loss(frame)) {
        tail_lose(&c->tail, frame->id);
        return;
    }
    tail_append(&c->tail, frame, h->position);
    channel_note_event(c, frame);
}

static void
hub_on_frame(struct hub *h, struct frame *frame)
{
    if (h->has_feed && frame->id > h->position) {
        struct channel *c = channel_find(h, frame_channel(frame), frame->channel_hash);
        if (c != NULL) {
            hub_take_frame(h, c, frame);
            channel_mark_ready_dirty(c);
        }
        h->position = frame->id;
    }
    frame_unref(frame);
}

struct restart {
    event_id before, position;
};

static void
hub_restart_channel(void *arg, struct map_node *node)
{
    struct restart *restart = arg;
    struct channel *c = MAP_ITEM(node, struct channel, node);
    tail_restart(&c->tail, restart->position);
    channel_mark_ready_dirty(c);
}

/* True where the link was sent everything that the feed has brought, and told every gap. */
static bool
link_is_at_head(struct link *l)
{
    struct tail_run run;
    event_id after, floor;
    return tail_next(&l->channel->tail, link_cursor(l), &run, &after, &floor) == TAIL_HEAD &&
           floor <= l->vouched;
}

/*
 * The feed's position of before the restart becomes the cursor of a live link that has had everything up
 * to there. One that is still dirty has not: what the feed brought last is on its way.
 */
static void
subscriber_keep_position(struct subscriber *s, event_id position)
{
    bool is_at_head = true;
    for (size_t i = 0; i < s->links_length; i++) {
        struct link *l = &s->links[i];
        if (!link_is_at_head(l)) {
            is_at_head = false;
        } else if (l->from < position) {
            l->from = position;
        }
    }
    if (is_at_head && s->cursor < position) {
        s->cursor = position;
    }
}

static void
hub_on_feed_start(struct hub *h, event_id position)
{
    bool is_first = !h->has_feed;
    struct restart restart = {.before = h->position, .position = position};
    h->has_feed = true;
    if (position <= h->position && !is_first) {
        return;
    }
    LIST_FOR_EACH_SAFE (node, following, &h->streams) {
        struct subscriber *s = LIST_ITEM(node, struct subscriber, node);
        if (s->state == SUBSCRIBER_LIVE) {
            subscriber_keep_position(s, restart.before);
        }
    }
    h->position = position;
    map_each(&h->channels, hub_restart_channel, &restart);
    LIST_FOR_EACH_SAFE (node, following, &h->streams) {
        if (is_first) {
            subscriber_begin(LIST_ITEM(node, struct subscriber, node));
        }
    }
}

static void
hub_on_mail(void *arg, const struct mail *mails, size_t length)
{
    struct hub *h = arg;
    size_t bytes = 0;
    for (size_t i = 0; i < length; i++) {
        bytes += mails[i].bytes;
        switch ((enum hub_mail)mails[i].type) {
        case HUB_MAIL_FRAME:
            hub_on_frame(h, mails[i].object);
            break;
        case HUB_MAIL_FEED_START:
            hub_on_feed_start(h, mails[i].number);
            break;
        }
    }
    metrics_move(h->metrics, METRIC_MEMORY, METRIC_USE_MAILBOXES, -(int64_t)bytes);
    metrics_set(h->metrics, METRIC_MEMORY, METRIC_USE_TAILS, (int64_t)h->pool.bytes);
}

static void
hub_on_beat(void *arg, struct wheel_node *node)
{
    (void)arg;
    beat_on_due(LIST_ITEM(node, struct subscriber, beat));
}

static void
hub_set_mailbox_limits(struct hub *h)
{
    mailbox_set_limits(h->mailbox, h->config->mailbox_events, h->config->mailbox_bytes);
}

struct hub *
hub_new(struct loop *loop,
        const struct config_stream *config,
        struct replay_reader *reader,
        struct metrics_slot *metrics)
{
    struct hub *h = calloc(1, sizeof *h);
    if (h == NULL) {
        return NULL;
    }
    h->loop = loop;
    h->config = config;
    h->reader = reader;
    h->metrics = metrics;
    map_init(&h->channels);
    tail_pool_init(&h->pool, config->tail_bytes, channel_on_evicted);
    list_init(&h->streams);
    list_init(&h->dirty);
    loop_task_init(&h->flush, hub_flush, h);
    buf_init(&h->scratch.control, BATCH_BYTES_MAX / 2);
    catchup_init(h);
    account_limits(h);
    h->mailbox = mailbox_new(loop, config->mailbox_events, hub_on_mail, h);
    h->wheel = wheel_new(loop, WHEEL_SLOT_MS, WHEEL_SPAN_MS, hub_on_beat, h);
    if (h->mailbox == NULL || h->wheel == NULL) {
        hub_free(h);
        return NULL;
    }
    hub_set_mailbox_limits(h);
    return h;
}

static void
hub_free_channel(void *arg, struct map_node *node)
{
    struct hub *h = arg;
    map_remove(&h->channels, node);
    channel_free(MAP_ITEM(node, struct channel, node));
}

void
hub_free(struct hub *h)
{
    if (h == NULL) {
        return;
    }
    LIST_FOR_EACH_SAFE (node, following, &h->streams) {
        subscriber_close(LIST_ITEM(node, struct subscriber, node), METRIC_CLOSED_SHUTDOWN);
    }
    mailbox_free(h->mailbox); /* hands unread frames to hub_on_mail, which drops them */
    loop_task_cancel(&h->flush);
    catchup_fini(h);
    wheel_free(h->wheel);
    map_each(&h->channels, hub_free_channel, h);
    map_fini(&h->channels);
    buf_fini(&h->scratch.control);
    free(h->scratch.runs);
    free(h);
}

void
hub_set_config(struct hub *h, const struct config_stream *config)
{
    const struct config_stream *before = h->config;
    h->config = config;
    tail_pool_set_limit(&h->pool, config->tail_bytes);
    catchup_set_limits(h);
    account_limits(h);
    hub_set_mailbox_limits(h);
    beat_follow_config(h, before);
}

struct mailbox *
hub_mailbox(struct hub *h)
{
    return h->mailbox;
}

void
hub_set_on_closed(struct hub *h, void (*on_closed)(void *arg, uint64_t ticket), void *arg)
{
    h->on_closed = on_closed;
    h->on_closed_arg = arg;
}

void
hub_tell_closed(const struct hub *h, uint64_t ticket)
{
    if (ticket != 0) {
        h->on_closed(h->on_closed_arg, ticket);
    }
}

bool
hub_has_room(const struct hub *h, const struct str *channels, size_t channels_length)
{
    size_t more = 0;
    if (h->linked_length + channels_length <= h->config->channels) {
        return true;
    }
    for (size_t i = 0; i < channels_length; i++) {
        const struct channel *c = channel_find(h, channels[i], map_hash(channels[i]));
        more += c == NULL || c->links_length == 0;
    }
    return more == 0 || h->linked_length + more <= h->config->channels;
}

int
hub_open(struct hub *h, const struct hub_stream *stream)
{
    return subscriber_open(h, stream);
}

size_t
hub_streams(const struct hub *h)
{
    return h->streams_length;
}

void
hub_drain(struct hub *h, uint32_t over_ms)
{
    h->is_draining = true;
    beat_drain(h, over_ms);
}
