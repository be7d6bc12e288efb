/* Volleys: the short way of a broadcast. */

#include "streaming/volley.h"

#include "streaming/account.h"
#include "streaming/hub_private.h"
#include "streaming/subscriber.h"
#include "streaming/transfer.h"

#include <errno.h>
#include <sys/socket.h>

#define LINK_OF(list_node) LIST_ITEM(list_node, struct link, node)

struct volley {
    struct tail_run run;
    size_t size;
    event_id after; /* the first link's cursor: the run is what comes after it, without a gap */
    event_id first, last;
    event_id position; /* the cursor of who has had it */
    bool is_alone; /* no other channel has anything: who listens to some stands at their heads */
    uint64_t now_ms;
    uint64_t sends, sent_bytes, hits; /* to be counted */
};

/* A live subscriber's link asks for nothing but the next events, and nothing is unsent. */
static bool
volley_fits(const struct volley *v, const struct link *l)
{
    const struct subscriber *s = l->subscriber;
    return s->state == SUBSCRIBER_LIVE && (v->is_alone || s->links_length == 1) && s->is_chunked;
}

static bool
volley_is_for(const struct volley *v, const struct link *l)
{
    event_id cursor = link_cursor(l);
    return volley_fits(v, l) && cursor >= v->after && cursor < v->first;
}

/* For the first dirty link, up to the head. */
static bool
volley_load(struct volley *v, struct channel *c)
{
    const struct hub *h = channel_hub(c);
    event_id after, floor;
    if (list_is_empty(&c->dirty)) {
        return false;
    }
    *v = (struct volley){.after = link_cursor(LINK_OF(c->dirty.next)),
                         .position = h->position,
                         .is_alone = list_has_one(&h->dirty)};
    if (!volley_fits(v, LINK_OF(c->dirty.next))) {
        return false;
    }
    if (tail_next(&c->tail, v->after, &v->run, &after, &floor) != TAIL_RUN || floor > 0) {
        return false;
    }
    v->first = v->run.entries[0].id;
    v->last = v->run.entries[v->run.length - 1].id;
    v->size = tail_run_size(&v->run, v->run.length);
    v->now_ms = loop_now_ms(h->loop);
    return v->last == c->tail.newest;
}

/* Its lines come from memory while the kernel is busy with the one before. */
static void
volley_prefetch(struct list *node)
{
    struct link *l = LINK_OF(node);
    struct subscriber *s = LIST_ITEM(l, struct subscriber, links); /* if it has but one */
    __builtin_prefetch(&s->cursor, 1);
    __builtin_prefetch(&l->node, 1);
    __builtin_prefetch(&l->from, 1);
}

static void
volley_send(struct volley *v, struct subscriber *s)
{
    ssize_t sent = send(s->fd, v->run.bytes, v->size, MSG_NOSIGNAL);
    v->sends++;
    if (sent < 0) {
        (void)subscriber_settle(s, transfer_of_errno(errno));
        return;
    }
    v->sent_bytes += (uint64_t)sent;
    s->sent_ms = v->now_ms;
    if ((size_t)sent < v->size) {
        (void)subscriber_settle(s, transfer_run_taken(s, &v->run, (size_t)sent));
        return;
    }
    v->hits++;
    s->cursor = v->position;
    s->told = v->last;
}

static void
volley_account(const struct volley *v, struct hub *h)
{
    metrics_add(h->metrics, METRIC_SENDS, 0, v->sends);
    metrics_add(h->metrics, METRIC_SENT_BYTES, 0, v->sent_bytes);
    if (v->hits > 0) {
        account_volley(h, &v->run, v->hits);
    }
}

static size_t
volley_visits(const struct volley *v)
{
    return v->sends + v->sent_bytes / BYTES_A_VISIT;
}

size_t
volley_fire(struct channel *c, size_t max)
{
    struct volley v;
    if (c->fresh_length > 0 || !volley_load(&v, c)) {
        return 0;
    }
    struct list *node = c->dirty.next;
    while (volley_visits(&v) < max && node != &c->dirty && volley_is_for(&v, LINK_OF(node))) {
        struct list *following = node->next;
        volley_prefetch(following);
        volley_send(&v, LINK_OF(node)->subscriber);
        node = following;
    }
    /* Who was left in the list has had it all; the others wait for their sockets, or are gone. */
    list_splice_back_until(&c->ready, &c->dirty, node);
    volley_account(&v, channel_hub(c));
    return volley_visits(&v);
}
