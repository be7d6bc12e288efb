#pragma once
/* Times in buckets: 32 for each power of two, so each is 3 % wide. */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { HISTOGRAM_BUCKETS = 64 * 32 };

struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS];
    uint64_t length;
    uint64_t max_ns;
};

void histogram_add(struct histogram *h, uint64_t ns);

/* `share` in 0..1; 0 where nothing was added. */
uint64_t histogram_percentile(const struct histogram *h, double share);

/* As JSON members: p50_us and so on, and "histogram": [[us, count], …]. */
void histogram_print(const struct histogram *h, FILE *to);
