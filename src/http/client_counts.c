#include "http/client_counts.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

enum {
    BUCKET_LENGTH = 8,
    BUCKET_FILL = 5, /* chosen: filled so far on average, no two of a client are full */
    COUNT_BITS = 24, /* more than http.connections can be */
    BUCKETS_MIN = 64,
};

#define COUNT_MASK ((UINT64_C(1) << COUNT_BITS) - 1)

/* 0: free; else the client's tag, and its count, which is never 0. */
typedef _Atomic uint64_t client_slot;

struct client_counts {
    size_t buckets_mask;
    client_slot *slots;
};

/* The slots where a client may be: its two buckets, the same one perhaps. */
struct client_place {
    uint64_t tag; /* as it stands in a slot */
    client_slot *buckets[2];
};

struct client_counts *
client_counts_new(uint64_t clients)
{
    size_t buckets = BUCKETS_MIN;
    while (buckets * BUCKET_FILL < clients) {
        buckets *= 2;
    }
    struct client_counts *c = calloc(1, sizeof(*c));
    size_t size = buckets * BUCKET_LENGTH * sizeof(client_slot);
    client_slot *slots = c != NULL ? calloc(1, size) : NULL;
    if (slots == NULL) {
        free(c);
        return NULL;
    }
    *c = (struct client_counts){.buckets_mask = buckets - 1, .slots = slots};
    return c;
}

void
client_counts_free(struct client_counts *c)
{
    if (c != NULL) {
        free(c->slots);
        free(c);
    }
}

static struct client_place
client_place(const struct client_counts *c, uint64_t client)
{
    size_t first = client & c->buckets_mask;
    size_t second = (client >> COUNT_BITS) & c->buckets_mask;
    return (struct client_place){
        .tag = client & ~COUNT_MASK,
        .buckets = {c->slots + first * BUCKET_LENGTH, c->slots + second * BUCKET_LENGTH},
    };
}

static uint64_t
slot_read(const client_slot *slot)
{
    return atomic_load_explicit(slot, memory_order_relaxed);
}

static bool
slot_replace(client_slot *slot, uint64_t before, uint64_t after)
{
    return atomic_compare_exchange_strong_explicit(slot, &before, after, memory_order_relaxed,
                                                   memory_order_relaxed);
}

static bool
slot_is_of(uint64_t slot, const struct client_place *p)
{
    return (slot & COUNT_MASK) != 0 && (slot & ~COUNT_MASK) == p->tag;
}

/* The client's slot that comes first; NULL where it has none. */
static client_slot *
place_find(const struct client_place *p, uint64_t *ret_value)
{
    for (size_t b = 0; b < 2; b++) {
        for (size_t i = 0; i < BUCKET_LENGTH; i++) {
            *ret_value = slot_read(&p->buckets[b][i]);
            if (slot_is_of(*ret_value, p)) {
                return &p->buckets[b][i];
            }
        }
    }
    return NULL;
}

static size_t
bucket_used(const client_slot *bucket)
{
    size_t used = 0;
    for (size_t i = 0; i < BUCKET_LENGTH; i++) {
        used += slot_read(&bucket[i]) != 0;
    }
    return used;
}

/* A free slot of the emptier bucket: so nearly all can be filled before one is full. NULL: both are. */
static client_slot *
place_find_free(const struct client_place *p)
{
    client_slot *bucket =
        p->buckets[bucket_used(p->buckets[1]) < bucket_used(p->buckets[0]) ? 1 : 0];
    for (size_t i = 0; i < BUCKET_LENGTH; i++) {
        if (slot_read(&bucket[i]) == 0) {
            return &bucket[i];
        }
    }
    return NULL;
}

static uint32_t
place_sum(const struct client_place *p)
{
    uint64_t sum = 0;
    for (size_t b = 0; b < (p->buckets[0] == p->buckets[1] ? 1 : 2); b++) {
        for (size_t i = 0; i < BUCKET_LENGTH; i++) {
            uint64_t slot = slot_read(&p->buckets[b][i]);
            sum += slot_is_of(slot, p) ? slot & COUNT_MASK : 0;
        }
    }
    return (uint32_t)sum;
}

/* Another thread may have changed the slot meanwhile: then again. */
uint32_t
client_counts_enter(struct client_counts *c, uint64_t client)
{
    struct client_place p = client_place(c, client);
    uint64_t before;
    uint64_t after;
    client_slot *slot;
    do {
        slot = place_find(&p, &before);
        after = before + 1;
        if (slot == NULL) {
            slot = place_find_free(&p);
            before = 0;
            after = p.tag | 1;
        }
    } while (slot != NULL && !slot_replace(slot, before, after));
    return slot != NULL ? place_sum(&p) : 0;
}

void
client_counts_leave(struct client_counts *c, uint64_t client)
{
    struct client_place p = client_place(c, client);
    uint64_t before;
    client_slot *slot;
    do {
        slot = place_find(&p, &before);
    } while (slot != NULL &&
             !slot_replace(slot, before, (before & COUNT_MASK) > 1 ? before - 1 : 0));
}

uint32_t
client_counts_get(const struct client_counts *c, uint64_t client)
{
    struct client_place p = client_place(c, client);
    return place_sum(&p);
}
