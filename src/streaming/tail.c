/* A channel's spans, and the pool that bounds them. */

#include "streaming/tail.h"

#include "replay/replay.h"
#include "streaming/span.h"

#define SPAN_OF(list_node) LIST_ITEM(list_node, struct span, node)

void
tail_pool_init(struct tail_pool *p, uint64_t limit_bytes, void (*on_evicted)(struct tail *t))
{
    list_init(&p->lru);
    p->bytes = 0;
    p->limit_bytes = limit_bytes;
    p->on_evicted = on_evicted;
}

void
tail_pool_set_limit(struct tail_pool *p, uint64_t limit_bytes)
{
    p->limit_bytes = limit_bytes;
}

void
tail_init(struct tail *t, struct tail_pool *pool, event_id position)
{
    t->pool = pool;
    list_init(&t->spans);
    t->live = NULL;
    t->newest = position;
}

static void
tail_remove(struct span *s)
{
    struct tail *t = s->tail;
    t->pool->bytes -= span_bytes(s);
    if (t->live == s) {
        t->live = NULL;
    }
    span_free(s);
}

void
tail_fini(struct tail *t)
{
    LIST_FOR_EACH_SAFE (node, following, &t->spans) {
        tail_remove(SPAN_OF(node));
    }
}

bool
tail_is_empty(const struct tail *t)
{
    return list_is_empty(&t->spans);
}

/* The newest user stays, however large it is: it is about to be sent. */
static void
tail_pool_evict(struct tail_pool *p)
{
    while (p->bytes > p->limit_bytes && p->lru.next != p->lru.prev) {
        struct span *s = LIST_ITEM(p->lru.next, struct span, lru);
        struct tail *t = s->tail;
        tail_remove(s);
        p->on_evicted(t);
    }
}

static void
span_touch(struct span *s)
{
    struct list *lru = &s->tail->pool->lru;
    if (lru->prev != &s->lru) {
        list_remove(&s->lru);
        list_push_back(lru, &s->lru);
    }
}

/* Into the list by low, behind its equals. */
static void
tail_insert(struct tail *t, struct span *s)
{
    struct list *before = t->spans.prev;
    while (before != &t->spans && SPAN_OF(before)->low > s->low) {
        before = before->prev;
    }
    s->tail = t;
    list_push_front(before, &s->node);
    list_push_back(&t->pool->lru, &s->lru);
    t->pool->bytes += span_bytes(s);
}

/* Appends to a span of a tail, keeping the pool's account. */
static int
tail_span_append(struct span *s, const struct frame *frame)
{
    uint64_t bytes_before = span_bytes(s);
    int r = span_append(s, frame);
    s->tail->pool->bytes += span_bytes(s) - bytes_before;
    return r;
}

void
tail_restart(struct tail *t, event_id position)
{
    if (position > t->newest) {
        t->live = NULL;
        t->newest = position;
    }
}

static int
tail_begin_live(struct tail *t)
{
    struct span *s = span_new(t->newest);
    if (s == NULL) {
        return ERR_MEMORY;
    }
    tail_insert(t, s);
    t->live = s;
    return 0;
}

void
tail_append(struct tail *t, const struct frame *frame, event_id position)
{
    if (frame->floor > position) {
        tail_restart(t, frame->floor);
    }
    if (t->live != NULL && span_is_full_for(t->live, frame)) {
        t->live = NULL;
    }
    int r = t->live != NULL ? 0 : tail_begin_live(t);
    if (r == 0) {
        r = tail_span_append(t->live, frame);
    }
    if (r < 0) {
        tail_restart(t, frame->id);
        return;
    }
    t->newest = frame->id;
    span_touch(t->live);
    tail_pool_evict(t->pool);
}

/* The span without events at the end, to which another loss can be added; NULL where there is none. */
static struct span *
tail_last_empty(const struct tail *t)
{
    struct span *last = list_is_empty(&t->spans) ? NULL : SPAN_OF(t->spans.prev);
    return last != NULL && last->length == 0 && last->high == t->newest ? last : NULL;
}

/* In a span without events, whose floor tells it. */
void
tail_lose(struct tail *t, event_id id)
{
    struct span *s = tail_last_empty(t);
    if (s == NULL && tail_begin_live(t) == 0) {
        s = t->live;
    }
    if (s != NULL) {
        s->high = id;
        s->floor = id;
        span_touch(s);
    }
    t->live = NULL;
    t->newest = id;
    tail_pool_evict(t->pool);
}

/* The page's frames after `low`, in spans of their own, one behind the other. */
static int
tail_fill_from_page(struct tail *t, struct span *s, const struct replay_page *page, event_id upto)
{
    for (size_t i = 0; i < page->length && page->frames[i]->id <= upto; i++) {
        if (span_is_full_for(s, page->frames[i])) {
            struct span *next = span_new(s->high);
            if (next == NULL) {
                return ERR_MEMORY;
            }
            next->floor = s->floor;
            tail_insert(t, next);
            s = next;
        }
        int r = tail_span_append(s, page->frames[i]);
        if (r < 0) {
            return r;
        }
    }
    s->high = upto;
    return 0;
}

int
tail_add_page(struct tail *t, const struct replay_page *page, event_id position)
{
    event_id upto = page->upto < position ? page->upto : position;
    if (upto <= page->after) {
        return 0;
    }
    struct span *s = span_new(page->after);
    if (s == NULL) {
        return ERR_MEMORY;
    }
    /* A log that failed over may have lost more than the feed has come to: that is told when it comes there. */
    s->floor = page->floor < upto ? page->floor : upto;
    tail_insert(t, s);
    int r = tail_fill_from_page(t, s, page, upto);
    tail_pool_evict(t->pool);
    return r;
}

/* The span that knows what comes after `cursor`; NULL where none does. */
static struct span *
tail_find(const struct tail *t, event_id cursor)
{
    for (struct list *node = t->spans.prev; node != &t->spans; node = node->prev) {
        struct span *s = SPAN_OF(node);
        if (s->low <= cursor && cursor < s->high) {
            return s;
        }
    }
    return NULL;
}

enum tail_outcome
tail_next(struct tail *t,
          event_id cursor,
          struct tail_run *ret_run,
          event_id *ret_after,
          event_id *ret_floor)
{
    event_id floor = 0;
    enum tail_outcome outcome = TAIL_HEAD;
    while (cursor < t->newest) {
        struct span *s = tail_find(t, cursor);
        if (s == NULL) {
            outcome = TAIL_MISS;
            break;
        }
        if (cursor < s->floor) {
            floor = s->floor;
        }
        uint32_t index = span_find(s, cursor);
        if (s != t->live) {
            span_touch(s);
        }
        if (index < s->length) {
            *ret_run = span_run(s, index);
            outcome = TAIL_RUN;
            break;
        }
        cursor = s->high;
    }
    *ret_after = cursor;
    *ret_floor = floor;
    return outcome;
}
