/* The tables, and the slots of the threads. */

#include "observability/metrics.h"

#include "base/clock.h"
#include "observability/metrics_private.h"

#include <assert.h>
#include <stdlib.h>

enum { METRICS_CACHE_LINE_SIZE = 64 };

const struct metrics_info metrics_table[METRIC_COUNT] = {
#define METRIC(name, text, type, owner, label, help)                                               \
    [METRIC_##name] = {text, help, METRICS_##type, METRICS_##owner, METRIC_LABEL_##label},
#include "observability/metrics.def"
};

#define LABEL(type, label, text) static const char *const metrics_##type##_texts[] = {
#define VALUE(label, name, text) text,
#define END(label)                                                                                 \
    }                                                                                              \
    ;
#include "observability/metrics.def"

const struct metrics_label metrics_labels[METRIC_LABEL_COUNT] = {
    [METRIC_LABEL_NONE] = {NULL, NULL, 1},
#define LABEL(type, label, text)                                                                   \
    [METRIC_LABEL_##label] = {text, metrics_##type##_texts, METRIC_##label##_COUNT},
#include "observability/metrics.def"
};

/* Chosen: below 1 ms the loops' clock does not count; above a minute only replays are. */
const uint64_t metrics_bounds_us[METRICS_BUCKETS] = {
    1000,    2500,    5000,    10000,    25000,    50000,    100000,    250000,     500000,
    1000000, 2500000, 5000000, 10000000, 30000000, 60000000, 600000000, 3600000000,
};

const char *
metrics_label_text(enum metric_label label, size_t value)
{
    assert(value < metrics_labels[label].length);
    return metrics_labels[label].values[value];
}

static void
metrics_init_offsets(struct metrics *m)
{
    for (enum metric i = 0; i < METRIC_COUNT; i++) {
        size_t *length = &m->lengths[metrics_table[i].owner];
        m->offsets[i] = *length;
        *length += metrics_labels[metrics_table[i].label].length * metrics_cells_of(i);
    }
}

/* Whole cache lines, so that two threads never write to one. NULL on OOM. */
static struct metrics_slot *
metrics_slot_new(const struct metrics *m)
{
    size_t cells = m->lengths[METRICS_PROCESS];
    size_t size = sizeof(struct metrics_slot) + cells * sizeof(int64_t);
    size = (size + METRICS_CACHE_LINE_SIZE - 1) & ~(size_t)(METRICS_CACHE_LINE_SIZE - 1);
    struct metrics_slot *s = aligned_alloc(METRICS_CACHE_LINE_SIZE, size);
    if (s == NULL) {
        return NULL;
    }
    s->metrics = m;
    for (size_t i = 0; i < cells; i++) {
        atomic_init(&s->cells[i], 0);
    }
    return s;
}

struct metrics *
metrics_new(size_t threads, size_t routes_max)
{
    struct metrics *m = calloc(1, sizeof(*m) + threads * sizeof(struct metrics_slot *));
    if (m == NULL) {
        return NULL;
    }
    m->started_ms = clock_wall_ms();
    m->threads = threads;
    metrics_series_init(m, routes_max);
    metrics_init_offsets(m);
    for (size_t i = 0; i < threads; i++) {
        m->slots[i] = metrics_slot_new(m);
        if (m->slots[i] == NULL) {
            metrics_free(m);
            return NULL;
        }
    }
    return m;
}

void
metrics_free(struct metrics *m)
{
    if (m == NULL) {
        return;
    }
    metrics_series_fini(m);
    for (size_t i = 0; i < m->threads; i++) {
        free(m->slots[i]);
    }
    free(m);
}

struct metrics_slot *
metrics_slot(struct metrics *m, size_t thread)
{
    assert(thread < m->threads);
    return m->slots[thread];
}

static _Atomic int64_t *
metrics_cell(struct metrics_slot *s, enum metric metric, size_t label)
{
    assert(metrics_table[metric].owner == METRICS_PROCESS);
    assert(label < metrics_labels[metrics_table[metric].label].length);
    return &s->cells[s->metrics->offsets[metric] + label];
}

/* A histogram's. */
static _Atomic int64_t *
metrics_cells(struct metrics_slot *s, enum metric metric, size_t label)
{
    assert(metrics_table[metric].type == METRICS_SECONDS);
    return metrics_cell(s, metric, 0) + label * METRICS_SECONDS_CELLS;
}

/* One writer a slot: a load and a store are enough, a locked add would cost twenty times as much. */
static void
metrics_cell_add(_Atomic int64_t *cell, int64_t by)
{
    int64_t value = atomic_load_explicit(cell, memory_order_relaxed);
    atomic_store_explicit(cell, value + by, memory_order_relaxed);
}

void
metrics_set(struct metrics_slot *s, enum metric metric, size_t label, int64_t value)
{
    if (s != NULL) {
        atomic_store_explicit(metrics_cell(s, metric, label), value, memory_order_relaxed);
    }
}

void
metrics_move(struct metrics_slot *s, enum metric metric, size_t label, int64_t by)
{
    if (s != NULL) {
        metrics_cell_add(metrics_cell(s, metric, label), by);
    }
}

void
metrics_add(struct metrics_slot *s, enum metric metric, size_t label, uint64_t n)
{
    metrics_move(s, metric, label, (int64_t)n);
}

size_t
metrics_bucket(uint64_t us)
{
    size_t bucket = 0;
    while (bucket < METRICS_BUCKETS && us > metrics_bounds_us[bucket]) {
        bucket++;
    }
    return bucket;
}

void
metrics_observe(struct metrics_slot *s, enum metric metric, size_t label, uint64_t us, uint64_t n)
{
    if (s != NULL) {
        _Atomic int64_t *cells = metrics_cells(s, metric, label);
        metrics_cell_add(&cells[METRICS_SUM], (int64_t)(us * n));
        metrics_cell_add(&cells[metrics_bucket(us)], (int64_t)n);
    }
}

static int64_t
metrics_slot_read(struct metrics_slot *s, enum metric metric, size_t label)
{
    bool is_seconds = metrics_table[metric].type == METRICS_SECONDS;
    size_t length = is_seconds ? METRICS_BUCKETS + 1 : 1;
    const _Atomic int64_t *cells =
        is_seconds ? metrics_cells(s, metric, label) : metrics_cell(s, metric, label);
    int64_t sum = 0;
    for (size_t i = 0; i < length; i++) {
        sum += atomic_load_explicit(&cells[i], memory_order_relaxed);
    }
    return sum;
}

int64_t
metrics_read(const struct metrics *m, enum metric metric, size_t label)
{
    int64_t sum = 0;
    for (size_t i = 0; i < m->threads; i++) {
        sum += metrics_slot_read(m->slots[i], metric, label);
    }
    return sum;
}

int64_t
metrics_total(const struct metrics_slot *s, enum metric metric, size_t label)
{
    return s != NULL ? metrics_read(s->metrics, metric, label) : 0;
}
