/* Channels and the lists of their links. */

#include "streaming/channel.h"

#include "streaming/catchup.h"
#include "streaming/hub_private.h"

#include <stdlib.h>
#include <string.h>

struct channel *
channel_find(const struct hub *h, struct str name, uint64_t hash)
{
    struct map_node *node = map_find_hashed(&h->channels, name, hash);
    return node == NULL ? NULL : MAP_ITEM(node, struct channel, node);
}

static struct channel *
channel_new(struct hub *h, struct str name)
{
    struct channel *c = calloc(1, offsetof(struct channel, name) + name.size);
    if (c == NULL) {
        return NULL;
    }
    memcpy(c->name, name.data, name.size);
    c->node.key = (struct str){c->name, name.size};
    tail_init(&c->tail, &h->pool, h->position);
    list_init(&c->ready);
    list_init(&c->dirty);
    list_init(&c->waiting);
    list_init(&c->dirty_node);
    list_init(&c->wanting_node);
    if (map_add(&h->channels, &c->node) < 0) {
        free(c);
        return NULL;
    }
    metrics_move(h->metrics, METRIC_CHANNELS, 0, 1);
    return c;
}

struct channel *
channel_get(struct hub *h, struct str name)
{
    struct channel *c = channel_find(h, name, map_hash(name));
    return c != NULL ? c : channel_new(h, name);
}

void
channel_add_link(struct channel *c)
{
    channel_hub(c)->linked_length += c->links_length == 0;
    c->links_length++;
}

void
channel_remove_link(struct channel *c)
{
    c->links_length--;
    channel_hub(c)->linked_length -= c->links_length == 0;
    channel_release(c);
}

struct str
channel_name(const struct channel *c)
{
    return c->node.key;
}

void
channel_note_event(struct channel *c, const struct frame *frame)
{
    if (frame->id > c->newest) {
        c->newest = frame->id;
        c->slow = frame->traits.slow;
    }
}

void
channel_free(struct channel *c)
{
    metrics_move(channel_hub(c)->metrics, METRIC_CHANNELS, 0, -1);
    tail_fini(&c->tail);
    free(c);
}

/* The hub may be gone by then. */
static void
channel_on_reap(void *object)
{
    free(object);
}

void
channel_release(struct channel *c)
{
    if (c->links_length > 0 || c->is_reading || !tail_is_empty(&c->tail)) {
        return;
    }
    struct hub *h = channel_hub(c);
    map_remove(&h->channels, &c->node);
    list_remove(&c->dirty_node);
    list_remove(&c->wanting_node);
    metrics_move(h->metrics, METRIC_CHANNELS, 0, -1);
    loop_reap(h->loop, &c->reap, channel_on_reap, c);
}

void
channel_on_evicted(struct tail *t)
{
    channel_release(LIST_ITEM(t, struct channel, tail));
}

static void
channel_announce_dirty(struct channel *c)
{
    struct hub *h = channel_hub(c);
    if (list_is_unlinked(&c->dirty_node) && !list_is_empty(&c->dirty)) {
        list_push_back(&h->dirty, &c->dirty_node);
        hub_schedule_flush(h);
    }
}

void
channel_mark_ready_dirty(struct channel *c)
{
    list_splice_back(&c->dirty, &c->ready);
    channel_announce_dirty(c);
}

/* They go first: the page is for them, and others want its place. */
void
channel_mark_waiting_dirty(struct channel *c)
{
    list_splice_back(&c->waiting, &c->dirty);
    list_splice_back(&c->dirty, &c->waiting);
    channel_announce_dirty(c);
}

void
link_unlink(struct link *l)
{
    list_remove(&l->node);
    if (l->is_fresh) {
        l->is_fresh = false;
        catchup_page_used(l->channel);
    }
}

void
link_make_ready(struct link *l)
{
    link_unlink(l);
    list_push_back(&l->channel->ready, &l->node);
}

void
link_make_dirty(struct link *l)
{
    link_unlink(l);
    list_push_back(&l->channel->dirty, &l->node);
    channel_announce_dirty(l->channel);
}

void
link_make_waiting(struct link *l)
{
    link_unlink(l);
    list_push_back(&l->channel->waiting, &l->node);
    catchup_want(l->channel);
}
