#pragma once
/* Jittered exponential backoff: each wait is drawn from [wait/2, wait], wait doubles up to max. */

#include <stdint.h>

struct backoff {
    uint32_t min_ms;
    uint32_t max_ms;
    uint32_t wait_ms; /* private: the current step */
};

void backoff_init(struct backoff *b, uint32_t min_ms, uint32_t max_ms);
uint32_t backoff_next_ms(struct backoff *b);
void backoff_reset(struct backoff *b); /* after a success that lasted */

/* Any thread. Uniform in [0, bound); bound > 0. Not for secrets. */
uint32_t backoff_random(uint32_t bound);
