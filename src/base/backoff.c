#include "base/backoff.h"

#include "base/clock.h"

#include <assert.h>
#include <sys/random.h>

void
backoff_init(struct backoff *b, uint32_t min_ms, uint32_t max_ms)
{
    *b = (struct backoff){.min_ms = min_ms, .max_ms = max_ms < min_ms ? min_ms : max_ms};
    backoff_reset(b);
}

void
backoff_reset(struct backoff *b)
{
    b->wait_ms = b->min_ms;
}

uint32_t
backoff_next_ms(struct backoff *b)
{
    uint32_t wait_ms = b->wait_ms;
    uint32_t half_ms = wait_ms / 2;
    b->wait_ms = wait_ms > b->max_ms / 2 ? b->max_ms : wait_ms * 2;
    /* The bound wraps to 0 only where half the wait were 2^32 - 1, which it cannot be. */
    return wait_ms - backoff_random(half_ms + 1);
}

uint32_t
backoff_random(uint32_t bound)
{
    uint32_t bits;
    assert(bound > 0);
    if (getrandom(&bits, sizeof bits, GRND_NONBLOCK) != (ssize_t)sizeof bits) {
        /* Too early after boot: the clock is random enough for a jitter. */
        bits = (uint32_t)(clock_mono_ns() * UINT64_C(0x9E3779B97F4A7C15) >> 32);
    }
    return (uint32_t)((uint64_t)bits * bound >> 32);
}
