#pragma once
/* What metrics.c, metrics_series.c and metrics_render.c share: the tables, and where cells lie. */

#include "base/list.h"
#include "base/map.h"
#include "observability/metrics.h"

#include <stdatomic.h>
#include <stdbool.h>

enum metrics_type { METRICS_COUNTER, METRICS_GAUGE, METRICS_SECONDS };

enum metrics_owner { METRICS_PROCESS, METRICS_SOURCE, METRICS_ROUTE, METRICS_OWNERS };

enum {
    METRICS_BUCKETS = 17,              /* with a bound; one more has none */
    METRICS_SUM = METRICS_BUCKETS + 1, /* of a histogram's cells, microseconds */
    METRICS_SECONDS_CELLS = METRICS_BUCKETS + 2,
};

struct metrics_info {
    const char *name;
    const char *help;
    enum metrics_type type;
    enum metrics_owner owner;
    enum metric_label label;
};

struct metrics_label {
    const char *name; /* NULL: no label */
    const char *const *values;
    size_t length;
};

extern const struct metrics_info metrics_table[METRIC_COUNT];
extern const struct metrics_label metrics_labels[METRIC_LABEL_COUNT];
extern const uint64_t metrics_bounds_us[METRICS_BUCKETS];

/* One thread's cells: only that thread writes, any thread reads. */
struct metrics_slot {
    const struct metrics *metrics;
    _Atomic int64_t cells[];
};

/* The cells of one source or route. */
struct metrics_series {
    struct list node; /* in its owner's used or unused */
    struct map_node by_key;
    struct metrics *metrics;
    enum metrics_owner owner;
    size_t refs;
    bool is_shared;    /* by the routes beyond the bound */
    struct buf labels; /* as they stand in the text: source="shop",route="a" */
    int64_t *cells;
    char key[]; /* source, and behind its end the route */
};

struct metrics {
    size_t offsets[METRIC_COUNT];   /* of a metric's first cell, in a slot or in a series */
    size_t lengths[METRICS_OWNERS]; /* cells of all its metrics */
    uint64_t started_ms;
    struct map series;
    struct list used[METRICS_OWNERS];
    struct list unused[METRICS_OWNERS]; /* longest first */
    size_t routes_length, routes_max;   /* series of routes, without the shared ones */
    size_t threads;
    struct metrics_slot *slots[]; /* owned */
};

/* How many cells a value of the metric's label has. */
static inline size_t
metrics_cells_of(enum metric metric)
{
    return metrics_table[metric].type == METRICS_SECONDS ? METRICS_SECONDS_CELLS : 1;
}

void metrics_series_init(struct metrics *m, size_t routes_max);
void metrics_series_fini(struct metrics *m);
