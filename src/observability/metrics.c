#include "observability/metrics.h"

#include "base/clock.h"
#include "observability/process.h"

#include <assert.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

enum { METRICS_CACHE_LINE_SIZE = 64 };

enum metrics_type { METRICS_COUNTER, METRICS_GAUGE };

static const struct {
    const char *name;
    const char *help;
    enum metrics_type type;
    enum metric_label label;
} metrics_table[METRIC_COUNT] = {
#define METRIC(name, text, type, label, help)                                                      \
    [METRIC_##name] = {text, help, METRICS_##type, METRIC_LABEL_##label},
#include "observability/metrics.def"
};

static const char *const metrics_closed_texts[] = {
#define CLOSED(name, text) [METRIC_CLOSED_##name] = text,
#include "observability/metrics.def"
};

static const char *const metrics_miss_texts[] = {
#define MISS(name, text) [METRIC_MISS_##name] = text,
#include "observability/metrics.def"
};

static const char *const metrics_refused_texts[] = {
#define REFUSED(name, text) [METRIC_REFUSED_##name] = text,
#include "observability/metrics.def"
};

static const char *const metrics_status_texts[] = {
#define STATUS(name, text) [METRIC_STATUS_##name] = text,
#include "observability/metrics.def"
};

struct metrics_dimension {
    const char *name; /* NULL: no label */
    const char *const *values;
    size_t length;
};

/* What a label stands for: one dimension, or two, the inner one running faster. */
struct metrics_label {
    struct metrics_dimension outer;
    struct metrics_dimension inner;
};

/* One thread's cells: only that thread writes, any thread reads. */
struct metrics_slot {
    const struct metrics *metrics;
    _Atomic int64_t cells[];
};

struct metrics {
    struct metrics_label labels[METRIC_LABEL_COUNT];
    size_t offsets[METRIC_COUNT + 1]; /* of a metric's first cell */
    uint64_t started_ms;
    size_t threads;
    struct metrics_slot *slots[]; /* owned */
};

static const struct metrics_dimension metrics_no_dimension = {NULL, NULL, 1};

static void
metrics_init_labels(struct metrics *m)
{
    static const struct metrics_label fixed[METRIC_LABEL_COUNT] = {
        [METRIC_LABEL_ROUTE_MISS] = {{NULL, NULL, 1},
                                     {"reason", metrics_miss_texts, METRIC_MISS_COUNT}},
        [METRIC_LABEL_CLOSED] = {{NULL, NULL, 1},
                                 {"reason", metrics_closed_texts, METRIC_CLOSED_COUNT}},
        [METRIC_LABEL_REFUSED] = {{NULL, NULL, 1},
                                  {"reason", metrics_refused_texts, METRIC_REFUSED_COUNT}},
        [METRIC_LABEL_STATUS] = {{NULL, NULL, 1},
                                 {"status", metrics_status_texts, METRIC_STATUS_COUNT}},
    };
    for (size_t i = 0; i < METRIC_LABEL_COUNT; i++) {
        m->labels[i] = fixed[i];
        if (fixed[i].inner.name == NULL) {
            m->labels[i] = (struct metrics_label){metrics_no_dimension, metrics_no_dimension};
        }
    }
}

static size_t
metrics_label_length(const struct metrics *m, enum metric metric)
{
    const struct metrics_label *l = &m->labels[metrics_table[metric].label];
    return l->outer.length * l->inner.length;
}

static void
metrics_init_offsets(struct metrics *m)
{
    size_t offset = 0;
    for (enum metric i = 0; i < METRIC_COUNT; i++) {
        m->offsets[i] = offset;
        offset += metrics_label_length(m, i);
    }
    m->offsets[METRIC_COUNT] = offset;
}

/* Whole cache lines, so that two threads never write to one. NULL on OOM. */
static struct metrics_slot *
metrics_slot_new(const struct metrics *m)
{
    size_t cells = m->offsets[METRIC_COUNT];
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
metrics_new(const char *const *sources,
            size_t sources_length,
            const char *const *routes,
            size_t routes_length,
            size_t threads)
{
    struct metrics *m = calloc(1, sizeof(*m) + threads * sizeof(struct metrics_slot *));
    if (m == NULL) {
        return NULL;
    }
    m->started_ms = clock_wall_ms();
    m->threads = threads;
    metrics_init_labels(m);
    m->labels[METRIC_LABEL_SOURCE].outer =
        (struct metrics_dimension){"source", sources, sources_length};
    m->labels[METRIC_LABEL_ROUTE].outer =
        (struct metrics_dimension){"route", routes, routes_length};
    m->labels[METRIC_LABEL_ROUTE_MISS].outer = m->labels[METRIC_LABEL_ROUTE].outer;
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
    assert(label < metrics_label_length(s->metrics, metric));
    return &s->cells[s->metrics->offsets[metric] + label];
}

void
metrics_set(struct metrics_slot *s, enum metric metric, size_t label, int64_t value)
{
    if (s != NULL) {
        atomic_store_explicit(metrics_cell(s, metric, label), value, memory_order_relaxed);
    }
}

/* One writer a slot: a load and a store are enough, a locked add would cost twenty times as much.
 */
void
metrics_move(struct metrics_slot *s, enum metric metric, size_t label, int64_t by)
{
    if (s != NULL) {
        _Atomic int64_t *cell = metrics_cell(s, metric, label);
        int64_t value = atomic_load_explicit(cell, memory_order_relaxed);
        atomic_store_explicit(cell, value + by, memory_order_relaxed);
    }
}

void
metrics_add(struct metrics_slot *s, enum metric metric, size_t label, uint64_t n)
{
    metrics_move(s, metric, label, (int64_t)n);
}

int64_t
metrics_read(const struct metrics *m, enum metric metric, size_t label)
{
    int64_t sum = 0;
    for (size_t i = 0; i < m->threads; i++) {
        sum += atomic_load_explicit(metrics_cell(m->slots[i], metric, label), memory_order_relaxed);
    }
    return sum;
}

int64_t
metrics_total(const struct metrics_slot *s, enum metric metric, size_t label)
{
    return s != NULL ? metrics_read(s->metrics, metric, label) : 0;
}

/* Backslash, quote and line feed are the format's own; everything else stands as it is. */
static int
metrics_render_value(struct buf *out, const char *value)
{
    int rc = 0;
    for (const char *c = value; *c != '\0' && rc == 0; c++) {
        if (*c == '\\' || *c == '"') {
            rc = buf_append_char(out, '\\');
        }
        if (rc == 0) {
            rc = *c == '\n' ? buf_append_str(out, STR("\\n")) : buf_append_char(out, *c);
        }
    }
    return rc;
}

static int
metrics_render_dimension(struct buf *out, const struct metrics_dimension *d, size_t i, char before)
{
    int rc = buf_printf(out, "%c%s=\"", before, d->name);
    rc = rc == 0 ? metrics_render_value(out, d->values[i]) : rc;
    return rc == 0 ? buf_append_char(out, '"') : rc;
}

/* "{outer="…",inner="…"}", nothing for a metric without label. */
static int
metrics_render_label(struct buf *out, const struct metrics_label *l, size_t index)
{
    char before = '{';
    int rc = 0;
    if (l->outer.name != NULL) {
        rc = metrics_render_dimension(out, &l->outer, index / l->inner.length, before);
        before = ',';
    }
    if (rc == 0 && l->inner.name != NULL) {
        rc = metrics_render_dimension(out, &l->inner, index % l->inner.length, before);
        before = ',';
    }
    return rc == 0 && before == ',' ? buf_append_char(out, '}') : rc;
}

static int
metrics_render_sample(const struct metrics *m, enum metric metric, size_t index, struct buf *out)
{
    const struct metrics_label *l = &m->labels[metrics_table[metric].label];
    int rc = buf_append_str(out, str_from(metrics_table[metric].name));
    rc = rc == 0 ? metrics_render_label(out, l, index) : rc;
    return rc == 0 ? buf_printf(out, " %" PRId64 "\n", metrics_read(m, metric, index)) : rc;
}

static int
metrics_render_metric(const struct metrics *m, enum metric metric, struct buf *out)
{
    static const char *const types[] = {[METRICS_COUNTER] = "counter", [METRICS_GAUGE] = "gauge"};
    size_t length = metrics_label_length(m, metric);
    if (length == 0) {
        return 0;
    }
    int rc = buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", metrics_table[metric].name,
                        metrics_table[metric].help, metrics_table[metric].name,
                        types[metrics_table[metric].type]);
    for (size_t i = 0; i < length && rc == 0; i++) {
        rc = metrics_render_sample(m, metric, i, out);
    }
    return rc;
}

int
metrics_render(const struct metrics *m, struct buf *out)
{
    int rc = process_render(m->started_ms, out);
    for (enum metric i = 0; i < METRIC_COUNT && rc == 0; i++) {
        rc = metrics_render_metric(m, i, out);
    }
    return rc;
}
