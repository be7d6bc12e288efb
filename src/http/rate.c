#include "http/rate.h"

#include <stdatomic.h>

#define SECOND_NS UINT64_C(1000000000)
#define MS_NS     UINT64_C(1000000)

static uint64_t
rate_read(const struct rate *r)
{
    return atomic_load_explicit(&r->full_ns, memory_order_relaxed);
}

static bool
rate_replace(struct rate *r, uint64_t *before, uint64_t after)
{
    return atomic_compare_exchange_weak_explicit(&r->full_ns, before, after, memory_order_relaxed,
                                                 memory_order_relaxed);
}

/* When the bucket is full again after one more was taken. */
static uint64_t
rate_next(uint64_t full_ns, uint32_t per_second, uint64_t now_ms)
{
    uint64_t now_ns = now_ms * MS_NS;
    return (full_ns > now_ns ? full_ns : now_ns) + SECOND_NS / per_second;
}

bool
rate_has(const struct rate *r, uint32_t per_second, uint64_t now_ms)
{
    return rate_next(rate_read(r), per_second, now_ms) <= now_ms * MS_NS + SECOND_NS;
}

bool
rate_take(struct rate *r, uint32_t per_second, uint64_t now_ms)
{
    uint64_t before = rate_read(r);
    uint64_t after;
    do {
        after = rate_next(before, per_second, now_ms);
        if (after > now_ms * MS_NS + SECOND_NS) {
            return false;
        }
    } while (!rate_replace(r, &before, after));
    return true;
}

static void
rate_raise(struct rate *r, uint64_t full_ns)
{
    uint64_t before = rate_read(r);
    while (before < full_ns && !rate_replace(r, &before, full_ns)) {
        /* somebody else took one meanwhile */
    }
}

/* The other cell follows: it is fuller because of others, or of this client. */
bool
rate_by_client_take(struct rate_by_client *r, uint64_t client, uint32_t per_second, uint64_t now_ms)
{
    struct rate *better = &r->rows[0][client % RATE_CELLS];
    struct rate *other = &r->rows[1][(client >> 32) % RATE_CELLS];
    if (rate_read(other) < rate_read(better)) {
        struct rate *swap = better;
        better = other;
        other = swap;
    }
    if (!rate_take(better, per_second, now_ms)) {
        return false;
    }
    rate_raise(other, rate_read(better));
    return true;
}
