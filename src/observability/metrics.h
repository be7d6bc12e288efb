#pragma once
/*
 * Metrics. metrics.def is the only place where one exists:
 *
 *     METRIC(enum name, prometheus name, COUNTER|GAUGE, label, help)
 *
 * A metric has one cell for each value of its label in each thread's slot, so that adding is one
 * plain store of the owning thread; reading sums the slots. Labels are bounded: sources, routes,
 * and fixed enums of reasons.
 */

#include "base/err.h"
#include "base/str.h"
#include "observability/metrics_names.h" /* enum metric, from metrics.def; the reasons' enums */

#include <stddef.h>
#include <stdint.h>

struct metrics;
struct metrics_slot;

/* `sources` and `routes`: the label values, borrowed. `threads` slots. NULL on OOM. */
struct metrics *metrics_new(const char *const *sources,
                            size_t sources_length,
                            const char *const *routes,
                            size_t routes_length,
                            size_t threads);
void metrics_free(struct metrics *m);

/* Slot 0 is the ingest loop's, 1.. the workers'. */
struct metrics_slot *metrics_slot(struct metrics *m, size_t thread);

/* The slot's thread only. `label` is the index of the label value, 0 for a metric without label.
 * NULL slot: nothing. */
void metrics_add(struct metrics_slot *s, enum metric metric, size_t label, uint64_t n);
void
metrics_set(struct metrics_slot *s, enum metric metric, size_t label, int64_t value); /* gauges */
void
metrics_move(struct metrics_slot *s, enum metric metric, size_t label, int64_t by); /* gauges */

/* Any thread. The sum over the slots. */
int64_t metrics_read(const struct metrics *m, enum metric metric, size_t label);

/* Any thread. The same for one who has only a slot, for limits of the whole process; 0 for NULL. */
int64_t metrics_total(const struct metrics_slot *s, enum metric metric, size_t label);

/* Any thread. Prometheus text format 0.0.4. */
MUST_CHECK int metrics_render(const struct metrics *m, struct buf *out);
