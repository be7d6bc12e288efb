/* Subscribers: the one code path from a cursor to a socket. */

#include "streaming/subscriber.h"

#include "base/backoff.h"
#include "streaming/account.h"
#include "streaming/batch.h"
#include "streaming/beat.h"
#include "streaming/control.h"
#include "streaming/hub_private.h"
#include "streaming/slow.h"
#include "streaming/transfer.h"
#include "streaming/wire.h"

#include <event2/event.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    SENDS_A_VISIT = 4, /* then the others' turn */
    DISCARD_SIZE = 4096,
};

static void
subscriber_unlink(struct subscriber *s)
{
    for (size_t i = 0; i < s->links_length; i++) {
        link_unlink(&s->links[i]);
    }
}

static void subscriber_on_ready(evutil_socket_t fd, short what, void *arg);

/* Reads always, to notice the end; writes only while something is unsent. */
static int
subscriber_watch(struct subscriber *s, short what)
{
    struct event_base *base = loop_base(s->hub->loop);
    short events = (short)(what | EV_PERSIST);
    if (event_assign(&s->event, base, s->fd, events, subscriber_on_ready, s) < 0 ||
        event_add(&s->event, NULL) < 0) {
        return ERR_SYSTEM;
    }
    return 0;
}

static void
subscriber_watch_writing(struct subscriber *s, bool is_on)
{
    event_del(&s->event);
    if (subscriber_watch(s, (short)(is_on ? EV_READ | EV_WRITE : EV_READ)) < 0) {
        subscriber_close(s, METRIC_CLOSED_MEMORY);
    }
}

/* Every list a link may be in follows from the state; so does what is watched. */
static void
subscriber_set_state(struct subscriber *s, enum subscriber_state state)
{
    enum subscriber_state before = s->state;
    s->state = (uint8_t)state;
    account_state(s, before);
    if (before == SUBSCRIBER_BLOCKED && state != SUBSCRIBER_BLOCKED &&
        state != SUBSCRIBER_CLOSING) {
        subscriber_watch_writing(s, false);
        if (s->state == SUBSCRIBER_CLOSING) {
            return;
        }
    }
    switch (state) {
    case SUBSCRIBER_LIVE:
        for (size_t i = 0; i < s->links_length && before != SUBSCRIBER_LIVE; i++) {
            if (list_is_unlinked(&s->links[i].node)) {
                link_make_ready(&s->links[i]);
            }
        }
        break;
    case SUBSCRIBER_WAITING:
        for (size_t i = 0; i < s->links_length; i++) {
            link_unlink(&s->links[i]);
            if (s->links[i].is_missing) {
                link_make_waiting(&s->links[i]);
            }
        }
        break;
    case SUBSCRIBER_MOVING:
        subscriber_unlink(s);
        link_make_dirty(&s->links[0]);
        break;
    case SUBSCRIBER_BLOCKED:
        subscriber_unlink(s);
        s->is_slow = s->is_announced;
        if (before != SUBSCRIBER_BLOCKED) {
            subscriber_watch_writing(s, true);
        }
        break;
    case SUBSCRIBER_OPENING:
    case SUBSCRIBER_CLOSING:
        subscriber_unlink(s);
        break;
    }
}

static void
subscriber_on_reap(void *object)
{
    free(object);
}

void
subscriber_close(struct subscriber *s, enum metric_closed reason)
{
    struct hub *h = s->hub;
    if (s->state == SUBSCRIBER_CLOSING) {
        return;
    }
    subscriber_set_state(s, SUBSCRIBER_CLOSING);
    /* Counted before the client can see it: who looks then finds the reason. */
    metrics_move(h->metrics, METRIC_STREAMS, 0, -1);
    metrics_add(h->metrics, METRIC_STREAMS_CLOSED, reason, 1);
    event_del(&s->event);
    close(s->fd);
    hub_tell_closed(h, s->ticket);
    if (s->unsent != NULL) {
        transfer_drop_unsent(s);
    }
    wheel_stop(&s->beat);
    list_remove(&s->node);
    h->streams_length--;
    for (size_t i = 0; i < s->links_length; i++) {
        channel_remove_link(s->links[i].channel);
    }
    loop_reap(h->loop, &s->reap, subscriber_on_reap, s);
}

static bool
errno_is_peers_end(int error)
{
    return error == EPIPE || error == ECONNRESET;
}

bool
subscriber_settle(struct subscriber *s, enum transfer outcome)
{
    switch (outcome) {
    case TRANSFER_DONE:
        return true;
    case TRANSFER_BLOCKED:
        subscriber_set_state(s, SUBSCRIBER_BLOCKED);
        break;
    case TRANSFER_GONE:
        subscriber_close(s, METRIC_CLOSED_CLIENT);
        break;
    case TRANSFER_FAILED:
        subscriber_close(s, METRIC_CLOSED_PEER_ERROR);
        break;
    case TRANSFER_MEMORY:
        subscriber_close(s, METRIC_CLOSED_MEMORY);
        break;
    }
    return false;
}

event_id
subscriber_position(const struct subscriber *s)
{
    return s->cursor > s->hub->position ? s->cursor : s->hub->position;
}

/* At the head of every channel. */
static void
subscriber_arrive(struct subscriber *s)
{
    s->cursor = subscriber_position(s);
    s->is_slow = false;
    if (!s->is_announced) {
        char event[CONTROL_SIZE_MAX];
        size_t size = control_live(event, s->cursor);
        s->is_announced = true;
        s->told = s->cursor;
        metrics_add(s->hub->metrics, METRIC_REPLAYS, 0, s->is_from_now ? 0 : 1);
        if (!subscriber_settle(s, transfer_event(s, (struct str){event, size}))) {
            return;
        }
    }
    subscriber_set_state(s, SUBSCRIBER_LIVE);
}

void
subscriber_settle_future(struct subscriber *s, bool is_known)
{
    s->is_unverified = false;
    for (size_t i = 0; i < s->links_length && !is_known; i++) {
        struct link *l = &s->links[i];
        if (!l->is_asking) { /* who asked for "since" a time after the log's end misses nothing */
            l->vouched = link_cursor(l);
            l->lost = METRIC_GAP_UNKNOWN;
        }
        l->from = 0;
    }
    if (!is_known) {
        s->cursor = s->hub->position;
    }
}

/* One batch. True: there may be more to do. */
static bool
subscriber_step(struct subscriber *s)
{
    struct batch batch;
    if (s->is_slow && slow_must_close(s)) {
        subscriber_close(s, METRIC_CLOSED_SLOW);
        return false;
    }
    switch (batch_next(s, &batch)) {
    case BATCH_READY:
        if (!subscriber_settle(s, batch.run.length > 0 ? transfer_run(s, &batch.run)
                                                       : transfer_event(s, batch.control))) {
            return false;
        }
        if (batch.is_all) {
            subscriber_arrive(s);
        }
        return !batch.is_all;
    case BATCH_HEAD:
        subscriber_arrive(s);
        return false;
    case BATCH_MISS:
        subscriber_set_state(s, SUBSCRIBER_WAITING);
        return false;
    case BATCH_MEMORY:
        break;
    }
    subscriber_close(s, METRIC_CLOSED_MEMORY);
    return false;
}

void
subscriber_flush(struct subscriber *s)
{
    if (s->unsent != NULL && !subscriber_settle(s, transfer_unsent(s))) {
        return;
    }
    if (!s->hub->has_feed) {
        subscriber_set_state(s, SUBSCRIBER_OPENING);
        return;
    }
    for (int i = 0; i < SENDS_A_VISIT; i++) {
        if (!subscriber_step(s)) {
            return;
        }
    }
    subscriber_set_state(s, SUBSCRIBER_MOVING);
}

/* A client has nothing to say after its request; its end is what is waited for. */
static void
subscriber_discard_input(struct subscriber *s)
{
    char bytes[DISCARD_SIZE];
    ssize_t size = recv(s->fd, bytes, sizeof bytes, 0);
    if (size == 0) {
        subscriber_close(s, METRIC_CLOSED_CLIENT);
    } else if (size < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
        subscriber_close(s, errno_is_peers_end(errno) ? METRIC_CLOSED_CLIENT
                                                      : METRIC_CLOSED_PEER_ERROR);
    }
}

static void
subscriber_on_ready(evutil_socket_t fd, short what, void *arg)
{
    struct subscriber *s = arg;
    (void)fd;
    if ((what & EV_READ) != 0) {
        subscriber_discard_input(s);
    }
    if ((what & EV_WRITE) != 0 && s->state == SUBSCRIBER_BLOCKED) {
        subscriber_flush(s);
    }
}

void
subscriber_end(struct subscriber *s, enum metric_closed reason)
{
    uint64_t retry_ms = s->hub->config->retry_ms;
    if (s->unsent == NULL) {
        char event[CONTROL_SIZE_MAX];
        char *to = s->hub->scratch.bytes;
        uint64_t jittered = retry_ms + backoff_random((uint32_t)retry_ms + 1);
        size_t size = transfer_frame(s, to, (struct str){event, control_retry(event, jittered)});
        if (s->is_chunked) {
            memcpy(to + size, WIRE_LAST_CHUNK.data, WIRE_LAST_CHUNK.size);
            size += WIRE_LAST_CHUNK.size;
        }
        (void)transfer_bytes(s, (struct str){to, size}); /* as far as it goes: the end follows */
    }
    subscriber_close(s, reason);
}

static void
subscriber_take_position(struct subscriber *s)
{
    if (s->is_from_now) {
        s->cursor = s->hub->position;
    }
    s->is_unverified = s->cursor > s->hub->position;
}

void
subscriber_begin(struct subscriber *s)
{
    subscriber_take_position(s);
    if (s->state == SUBSCRIBER_OPENING) {
        subscriber_set_state(s, SUBSCRIBER_MOVING);
    }
}

static int
subscriber_link(struct subscriber *s, const struct hub_stream *stream)
{
    const struct hub_start *start = &stream->start;
    for (size_t i = 0; i < stream->channels_length; i++) {
        struct link *l = &s->links[i];
        l->channel = channel_get(s->hub, stream->channels[i]);
        if (l->channel == NULL) {
            return ERR_MEMORY;
        }
        channel_add_link(l->channel);
        l->subscriber = s;
        list_init(&l->node);
        l->lost = METRIC_GAP_COUNT;
        l->newest = start->kind == HUB_START_NEWEST ? start->newest : 0;
        l->is_asking = start->kind == HUB_START_SINCE;
        l->vouched = start->kind == HUB_START_AFTER ? 0 : EVENT_ID_MAX;
        s->links_length++;
    }
    return 0;
}

static struct subscriber *
subscriber_new(struct hub *h, const struct hub_stream *stream)
{
    struct subscriber *s = calloc(1, sizeof *s + stream->channels_length * sizeof s->links[0]);
    if (s == NULL) {
        return NULL;
    }
    s->hub = h;
    s->fd = stream->fd;
    s->is_chunked = stream->is_chunked;
    s->is_from_now = stream->start.kind == HUB_START_NOW;
    s->cursor = stream->start.kind == HUB_START_NEWEST ? 0 : stream->start.after;
    s->told = s->cursor;
    s->ticket = stream->ticket;
    wheel_node_init(&s->beat);
    list_init(&s->node);
    list_push_back(&h->streams, &s->node);
    h->streams_length++;
    metrics_move(h->metrics, METRIC_STREAMS, 0, 1);
    _Static_assert((int)HUB_START_NOW == (int)METRIC_START_NOW &&
                       (int)HUB_START_AFTER == (int)METRIC_START_AFTER &&
                       (int)HUB_START_SINCE == (int)METRIC_START_SINCE &&
                       (int)HUB_START_NEWEST == (int)METRIC_START_NEWEST,
                   "the kind is the label");
    metrics_add(h->metrics, METRIC_STREAMS_OPENED, stream->start.kind, 1);
    return s;
}

/* The head, `retry:`, and where nothing is to be replayed runnel.live: one send. */
static void
subscriber_greet(struct subscriber *s, struct str head)
{
    struct hub *h = s->hub;
    char event[CONTROL_SIZE_MAX];
    char *to = h->scratch.bytes;
    memcpy(to, head.data, head.size);
    size_t size = head.size;
    size += transfer_frame(s, to + size,
                           (struct str){event, control_retry(event, h->config->retry_ms)});
    if (s->is_from_now && h->has_feed) {
        s->is_announced = true;
        s->told = h->position;
        size += transfer_frame(s, to + size, (struct str){event, control_live(event, h->position)});
    }
    (void)subscriber_settle(s, transfer_bytes(s, (struct str){to, size}));
}

int
subscriber_open(struct hub *h, const struct hub_stream *stream)
{
    struct subscriber *s = subscriber_new(h, stream);
    if (s == NULL) {
        close(stream->fd);
        hub_tell_closed(h, stream->ticket);
        return ERR_MEMORY;
    }
    if (subscriber_watch(s, EV_READ) < 0 || subscriber_link(s, stream) < 0) {
        subscriber_close(s, METRIC_CLOSED_MEMORY);
        return ERR_MEMORY;
    }
    beat_begin(s);
    subscriber_greet(s, stream->head);
    if (h->has_feed) {
        subscriber_take_position(s);
        if (s->state == SUBSCRIBER_OPENING) {
            subscriber_flush(s);
        }
    }
    return 0;
}
