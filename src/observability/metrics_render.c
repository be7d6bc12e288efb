/* The text of /metrics. */

#include "observability/metrics_private.h"
#include "observability/process.h"

#include <inttypes.h>
#include <stdio.h>

enum { US_PER_S = 1000000 };

/*
 * What stands between the braces: the owner's names, the label, and a bucket's bound. The ingest loop
 * waits meanwhile, and routes may be many: so nothing is formatted that stood there the last time.
 */
struct metrics_labelling {
    const struct metrics_series *series; /* NULL: the process */
    const struct metrics_label *label;
    size_t value;
    const char *bound; /* NULL: none */
};

/* Nothing where the value is NULL. The values here are our own words: none needs an escape. */
static int
metrics_render_pair(struct buf *out, bool *is_first, const char *name, const char *value)
{
    if (value == NULL) {
        return 0;
    }
    int rc = buf_append_char(out, *is_first ? '{' : ',');
    *is_first = false;
    rc = rc == 0 ? buf_append_str(out, str_from(name)) : rc;
    rc = rc == 0 ? buf_append_str(out, STR("=\"")) : rc;
    rc = rc == 0 ? buf_append_str(out, str_from(value)) : rc;
    return rc == 0 ? buf_append_char(out, '"') : rc;
}

static int
metrics_render_labels(struct buf *out, const struct metrics_labelling *l)
{
    bool is_first = l->series == NULL;
    int rc = 0;
    if (l->series != NULL) {
        rc = buf_append_char(out, '{');
        rc = rc == 0 ? buf_append_str(out, buf_str(&l->series->labels)) : rc;
    }
    if (rc == 0 && l->label->name != NULL) {
        rc = metrics_render_pair(out, &is_first, l->label->name, l->label->values[l->value]);
    }
    rc = rc == 0 ? metrics_render_pair(out, &is_first, "le", l->bound) : rc;
    return rc == 0 && !is_first ? buf_append_char(out, '}') : rc;
}

static int
metrics_render_name(struct buf *out,
                    enum metric metric,
                    const char *suffix,
                    const struct metrics_labelling *l)
{
    int rc = buf_append_str(out, str_from(metrics_table[metric].name));
    rc = rc == 0 ? buf_append_str(out, str_from(suffix)) : rc;
    rc = rc == 0 ? metrics_render_labels(out, l) : rc;
    return rc == 0 ? buf_append_char(out, ' ') : rc;
}

static int
metrics_render_number(struct buf *out, int64_t value)
{
    int rc = value < 0 ? buf_append_char(out, '-') : 0;
    uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value;
    rc = rc == 0 ? buf_append_u64(out, size) : rc;
    return rc == 0 ? buf_append_char(out, '\n') : rc;
}

static int64_t
metrics_cell_sum(const struct metrics *m, size_t cell)
{
    int64_t sum = 0;
    for (size_t i = 0; i < m->threads; i++) {
        sum += atomic_load_explicit(&m->slots[i]->cells[cell], memory_order_relaxed);
    }
    return sum;
}

static int
metrics_render_buckets(const struct metrics *m,
                       enum metric metric,
                       size_t first,
                       struct metrics_labelling *l,
                       struct buf *out)
{
    int64_t count = 0;
    int rc = 0;
    for (size_t i = 0; i <= METRICS_BUCKETS && rc == 0; i++) {
        char bound[32] = "+Inf";
        if (i < METRICS_BUCKETS) {
            (void)snprintf(bound, sizeof(bound), "%g", (double)metrics_bounds_us[i] / US_PER_S);
        }
        l->bound = bound;
        count += metrics_cell_sum(m, first + i);
        rc = metrics_render_name(out, metric, "_bucket", l);
        rc = rc == 0 ? metrics_render_number(out, count) : rc;
    }
    l->bound = NULL;
    rc = rc == 0 ? metrics_render_name(out, metric, "_count", l) : rc;
    return rc == 0 ? metrics_render_number(out, count) : rc;
}

static int
metrics_render_histogram(const struct metrics *m,
                         enum metric metric,
                         struct metrics_labelling *l,
                         struct buf *out)
{
    size_t first = m->offsets[metric] + l->value * METRICS_SECONDS_CELLS;
    int64_t sum = metrics_cell_sum(m, first + METRICS_SUM);
    int rc = metrics_render_buckets(m, metric, first, l, out);
    rc = rc == 0 ? metrics_render_name(out, metric, "_sum", l) : rc;
    return rc == 0 ? buf_printf(out, "%" PRId64 ".%06" PRId64 "\n", sum / US_PER_S, sum % US_PER_S)
                   : rc;
}

static int
metrics_render_sample(const struct metrics *m,
                      enum metric metric,
                      struct metrics_labelling *l,
                      struct buf *out)
{
    if (metrics_table[metric].type == METRICS_SECONDS) {
        return metrics_render_histogram(m, metric, l, out);
    }
    int64_t value = l->series != NULL ? metrics_series_read(l->series, metric, l->value)
                                      : metrics_read(m, metric, l->value);
    int rc = metrics_render_name(out, metric, "", l);
    return rc == 0 ? metrics_render_number(out, value) : rc;
}

/* Each value of the label. */
static int
metrics_render_samples(const struct metrics *m,
                       enum metric metric,
                       const struct metrics_series *series,
                       struct buf *out)
{
    struct metrics_labelling l = {.series = series,
                                  .label = &metrics_labels[metrics_table[metric].label]};
    int rc = 0;
    for (; l.value < l.label->length && rc == 0; l.value++) {
        rc = metrics_render_sample(m, metric, &l, out);
    }
    return rc;
}

static int
metrics_render_list(const struct metrics *m,
                    enum metric metric,
                    const struct list *list,
                    struct buf *out)
{
    int rc = 0;
    for (struct list *node = list->next; node != list && rc == 0; node = node->next) {
        rc = metrics_render_samples(m, metric, LIST_ITEM(node, struct metrics_series, node), out);
    }
    return rc;
}

static int
metrics_render_head(enum metric metric, struct buf *out)
{
    static const char *const types[] = {
        [METRICS_COUNTER] = "counter", [METRICS_GAUGE] = "gauge", [METRICS_SECONDS] = "histogram"};
    const struct metrics_info *info = &metrics_table[metric];
    return buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", info->name, info->help, info->name,
                      types[info->type]);
}

/* What nobody holds any more keeps its counters; its gauges say nothing. */
static int
metrics_render_metric(const struct metrics *m, enum metric metric, struct buf *out)
{
    enum metrics_owner owner = metrics_table[metric].owner;
    bool has_unused =
        metrics_table[metric].type != METRICS_GAUGE && !list_is_empty(&m->unused[owner]);
    if (owner != METRICS_PROCESS && list_is_empty(&m->used[owner]) && !has_unused) {
        return 0;
    }
    int rc = metrics_render_head(metric, out);
    if (owner == METRICS_PROCESS) {
        return rc == 0 ? metrics_render_samples(m, metric, NULL, out) : rc;
    }
    rc = rc == 0 ? metrics_render_list(m, metric, &m->used[owner], out) : rc;
    return rc == 0 && has_unused ? metrics_render_list(m, metric, &m->unused[owner], out) : rc;
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
