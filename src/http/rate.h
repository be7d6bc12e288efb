#pragma once
/*
 * Rates, for all workers together and without locks: so many a second, after a burst of as many. A
 * bucket is one word: the time at which it is full again (the generic cell rate algorithm, ITU-T I.371).
 */

#include <stdbool.h>
#include <stdint.h>

/* The bucket of everybody. Zeroed at the beginning; private. */
struct rate {
    _Atomic uint64_t full_ns;
};

enum { RATE_CELLS = 8192 }; /* chosen: 100 offenders slow down 1 other client in 7,000 */

/*
 * The buckets of very many clients in bounded memory: a client has a cell in each row, and the better
 * one counts. Zeroed at the beginning; private.
 */
struct rate_by_client {
    struct rate rows[2][RATE_CELLS];
};

/* Any thread. Takes one; false where that would be too fast. `per_second` > 0; now_ms is monotonic. */
bool rate_take(struct rate *r, uint32_t per_second, uint64_t now_ms);

/* Whether rate_take() would just now. */
bool rate_has(const struct rate *r, uint32_t per_second, uint64_t now_ms);

/* `client` is a hash that nobody outside can foresee. */
bool rate_by_client_take(struct rate_by_client *r,
                         uint64_t client,
                         uint32_t per_second,
                         uint64_t now_ms);
