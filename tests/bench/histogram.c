#include "histogram.h"

#include <inttypes.h>

static size_t
histogram_bucket(uint64_t ns)
{
    if (ns < 32) {
        return (size_t)ns;
    }
    unsigned shift = 63u - (unsigned)__builtin_clzll(ns) - 5u;
    return (size_t)(shift + 1) * 32 + (size_t)((ns >> shift) - 32);
}

/* The least time in the bucket. */
static uint64_t
histogram_value(size_t bucket)
{
    if (bucket < 32) {
        return bucket;
    }
    size_t shift = bucket / 32 - 1;
    return ((uint64_t)(bucket % 32) + 32) << shift;
}

void
histogram_add(struct histogram *h, uint64_t ns)
{
    h->counts[histogram_bucket(ns)]++;
    h->length++;
    h->max_ns = ns > h->max_ns ? ns : h->max_ns;
}

uint64_t
histogram_percentile(const struct histogram *h, double share)
{
    uint64_t target = (uint64_t)(share * (double)h->length);
    uint64_t seen = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += h->counts[i];
        if (seen > target) {
            return histogram_value(i);
        }
    }
    return h->max_ns;
}

static double
us(uint64_t ns)
{
    return (double)ns / 1e3;
}

void
histogram_print(const struct histogram *h, FILE *to)
{
    const char *comma = "";
    fprintf(to, "\"p50_us\":%.1f,\"p90_us\":%.1f,", us(histogram_percentile(h, 0.5)),
            us(histogram_percentile(h, 0.9)));
    fprintf(to, "\"p99_us\":%.1f,\"p999_us\":%.1f,", us(histogram_percentile(h, 0.99)),
            us(histogram_percentile(h, 0.999)));
    fprintf(to, "\"max_us\":%.1f,\"histogram\":[", us(h->max_ns));
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        if (h->counts[i] > 0) {
            fprintf(to, "%s[%.1f,%" PRIu64 "]", comma, us(histogram_value(i)), h->counts[i]);
            comma = ",";
        }
    }
    fprintf(to, "]");
}
