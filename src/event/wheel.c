#include "event/wheel.h"

#include "event/loop.h"
#include "event/timer.h"

#include <assert.h>
#include <stdlib.h>

/*
 * Slots are numbered by absolute time: what stands in slot n fires once the loop's clock has
 * reached n * slot_ms. One timer runs to the first slot that holds a node, so an empty wheel never
 * wakes the loop.
 *
 *     done_slot < (empty slots) < armed_slot <= ... <= the farthest node
 */
struct wheel {
    struct loop *loop;
    struct timer timer;
    void (*fire)(void *arg, struct wheel_node *node);
    void *arg;
    uint32_t slot_ms;
    uint32_t span_ms;
    uint64_t done_slot;  /* this one and all before are fired */
    uint64_t armed_slot; /* what the timer runs to, 0: it does not run */
    size_t slot_count;
    struct list slots[]; /* slot n is slots[n % slot_count] */
};

static uint64_t
wheel_now_slot(const struct wheel *w)
{
    return loop_now_ms(w->loop) / w->slot_ms;
}

static struct list *
wheel_slot(struct wheel *w, uint64_t slot)
{
    return &w->slots[slot % w->slot_count];
}

static void
wheel_arm(struct wheel *w, uint64_t slot)
{
    if (w->armed_slot != 0 && w->armed_slot <= slot) {
        return;
    }
    uint64_t now_ms = loop_now_ms(w->loop);
    uint64_t due_ms = slot * w->slot_ms;
    w->armed_slot = slot;
    timer_start(&w->timer, due_ms > now_ms ? due_ms - now_ms : 0);
}

static void
wheel_arm_next(struct wheel *w)
{
    for (uint64_t slot = w->done_slot + 1; slot <= w->done_slot + w->slot_count; slot++) {
        if (!list_is_empty(wheel_slot(w, slot))) {
            wheel_arm(w, slot);
            return;
        }
    }
}

static void
wheel_fire_slot(struct wheel *w, uint64_t slot)
{
    struct list due;
    struct list *node;
    list_init(&due);
    list_splice_back(&due, wheel_slot(w, slot));
    while ((node = list_pop_front(&due)) != NULL) {
        struct wheel_node *n = LIST_ITEM(node, struct wheel_node, node);
        if (n->due_slot > w->done_slot) {
            /* A loop that came late has let the ring be filled a round ahead. */
            list_push_back(wheel_slot(w, n->due_slot), node);
        } else {
            w->fire(w->arg, n);
        }
    }
}

static void
wheel_on_timer(void *arg)
{
    struct wheel *w = arg;
    uint64_t first = w->armed_slot;
    uint64_t last = wheel_now_slot(w);
    w->armed_slot = 0;
    w->done_slot = last; /* what the callbacks start goes behind */
    if (last - first >= w->slot_count) {
        first = last - w->slot_count + 1;
    }
    for (uint64_t slot = first; slot <= last; slot++) {
        wheel_fire_slot(w, slot);
    }
    wheel_arm_next(w);
}

static size_t
wheel_slots_for(uint32_t slot_ms, uint32_t span_ms)
{
    /* Both ends of a timeout may lie inside a slot, and the slot being fired is in use. */
    return (size_t)span_ms / slot_ms + 3;
}

struct wheel *
wheel_new(struct loop *l,
          uint32_t slot_ms,
          uint32_t span_ms,
          void (*fire)(void *arg, struct wheel_node *node),
          void *arg)
{
    assert(slot_ms > 0);
    size_t slot_count = wheel_slots_for(slot_ms, span_ms);
    struct wheel *w = calloc(1, sizeof *w + slot_count * sizeof w->slots[0]);
    if (w == NULL) {
        return NULL;
    }
    w->loop = l;
    w->fire = fire;
    w->arg = arg;
    w->slot_ms = slot_ms;
    w->span_ms = span_ms;
    w->slot_count = slot_count;
    for (size_t i = 0; i < slot_count; i++) {
        list_init(&w->slots[i]);
    }
    timer_init(&w->timer, l, wheel_on_timer, w);
    return w;
}

void
wheel_free(struct wheel *w)
{
    if (w == NULL) {
        return;
    }
    timer_stop(&w->timer);
    for (size_t i = 0; i < w->slot_count; i++) {
        while (list_pop_front(&w->slots[i]) != NULL) {
            /* unlinked, so that a stop after us finds no dead list */
        }
    }
    free(w);
}

void
wheel_node_init(struct wheel_node *n)
{
    list_init(&n->node);
    n->due_slot = 0;
}

/* Slots that have passed since the last turn of the wheel are empty up to the armed one. */
static void
wheel_catch_up(struct wheel *w)
{
    uint64_t empty_up_to = wheel_now_slot(w);
    if (w->armed_slot != 0 && w->armed_slot <= empty_up_to) {
        empty_up_to = w->armed_slot - 1;
    }
    if (empty_up_to > w->done_slot) {
        w->done_slot = empty_up_to;
    }
}

void
wheel_start(struct wheel *w, struct wheel_node *n, uint32_t ms)
{
    uint32_t wait_ms = ms < w->span_ms ? ms : w->span_ms;
    uint64_t due_ms = loop_now_ms(w->loop) + wait_ms;
    uint64_t due_slot = (due_ms + w->slot_ms - 1) / w->slot_ms;
    wheel_catch_up(w);
    n->due_slot = due_slot > w->done_slot ? due_slot : w->done_slot + 1;
    list_remove(&n->node);
    list_push_back(wheel_slot(w, n->due_slot), &n->node);
    wheel_arm(w, n->due_slot);
}

void
wheel_stop(struct wheel_node *n)
{
    list_remove(&n->node);
}
