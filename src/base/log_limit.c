#include "base/log_limit.h"

#include "base/str.h"

#include <stdatomic.h>
#include <stddef.h>

struct log_limit {
    const char *_Atomic event; /* NULL: free */
    _Atomic uint64_t window;   /* second << 32 | lines written in it */
    _Atomic uint32_t suppressed;
};

/* The log is a global of the process, and this is its memory. */
static struct log_limit log_limits[LOG_LIMIT_NAMES];
static struct log_limit log_limit_of_the_rest;

static size_t
log_limit_hash(const char *event)
{
    uint32_t hash = 0;
    for (const char *c = event; *c != '\0'; c++) {
        hash = hash * 31 + (uint8_t)*c;
    }
    return hash % LOG_LIMIT_NAMES;
}

static bool
log_limit_claim(struct log_limit *slot, const char *event)
{
    const char *holder = NULL;
    return atomic_compare_exchange_strong(&slot->event, &holder, event) ||
           str_equal(str_from(holder), str_from(event));
}

static struct log_limit *
log_limit_get(const char *event)
{
    size_t first = log_limit_hash(event);
    for (size_t i = 0; i < LOG_LIMIT_NAMES; i++) {
        struct log_limit *slot = &log_limits[(first + i) % LOG_LIMIT_NAMES];
        if (log_limit_claim(slot, event)) {
            return slot;
        }
    }
    return &log_limit_of_the_rest;
}

bool
log_limit_take(const char *event, uint64_t now_s, uint32_t *ret_suppressed)
{
    struct log_limit *limit = log_limit_get(event);
    uint64_t old = atomic_load(&limit->window);
    uint64_t taken;
    do {
        bool is_same = old >> 32 == (now_s & UINT32_MAX);
        taken = is_same ? old + 1 : (now_s << 32) + 1;
        if (is_same && (old & UINT32_MAX) >= LOG_LIMIT_PER_SECOND) {
            atomic_fetch_add(&limit->suppressed, 1);
            return false;
        }
    } while (!atomic_compare_exchange_weak(&limit->window, &old, taken));
    *ret_suppressed = atomic_exchange(&limit->suppressed, 0);
    return true;
}
