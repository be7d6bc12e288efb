#pragma once
/*
 * Metrics. metrics.def is the only place where one exists.
 *
 * What the process as a whole counts has a cell for each value of its label in each thread's slot,
 * so that adding is one plain store of the owning thread; reading sums the slots.
 *
 * What is counted for each source or route stands in its series, which belongs to a name and not to
 * a place in the config: after a reload the same name goes on counting. Ingest loop only.
 */

#include "base/err.h"
#include "base/str.h"
#include "observability/metrics_names.h" /* enum metric, from metrics.def; the labels' enums */

#include <stddef.h>
#include <stdint.h>

struct metrics;
struct metrics_series;
struct metrics_slot;

/* `threads` slots; at most `routes_max` routes with a series of their own. NULL on OOM. */
struct metrics *metrics_new(size_t threads, size_t routes_max);
void metrics_free(struct metrics *m);

/* Slot 0 is the ingest loop's, 1.. the workers'. */
struct metrics_slot *metrics_slot(struct metrics *m, size_t thread);

/* The slot's thread only. `label` is a value of the metric's label, 0 for a metric without one.
 * NULL slot: nothing. */
void metrics_add(struct metrics_slot *s, enum metric metric, size_t label, uint64_t n);
void
metrics_set(struct metrics_slot *s, enum metric metric, size_t label, int64_t value); /* gauges */
void
metrics_move(struct metrics_slot *s, enum metric metric, size_t label, int64_t by); /* gauges */

/* Histograms: `n` times of `us` microseconds. One call for many that fall into one bucket. */
void
metrics_observe(struct metrics_slot *s, enum metric metric, size_t label, uint64_t us, uint64_t n);

/* The bucket of a time, to tell whether two share one; at most METRICS_BUCKETS. */
size_t metrics_bucket(uint64_t us);

/* Any thread. The sum over the slots; of a histogram how many times it has seen. */
int64_t metrics_read(const struct metrics *m, enum metric metric, size_t label);

/* Any thread. The same for one who has only a slot, for limits of the whole process; 0 for NULL. */
int64_t metrics_total(const struct metrics_slot *s, enum metric metric, size_t label);

/*
 * The series of a source, or of one of its routes; `route` is NULL for a source. Counted: who is
 * done with it gives it back, and what it counted stays under its name. Beyond routes_max further
 * routes of a source share the series METRICS_OTHER, unless one that nobody holds makes room. Sources
 * have no such bound: each name that a config ever had keeps its series. NULL on OOM, which counts
 * nothing.
 */
#define METRICS_OTHER "other"
struct metrics_series *metrics_series_ref(struct metrics *m, const char *source, const char *route);
void metrics_series_unref(struct metrics_series *s); /* NULL is fine */

/* As above; NULL series: nothing. */
void metrics_series_add(struct metrics_series *s, enum metric metric, size_t label, uint64_t n);
void metrics_series_set(struct metrics_series *s, enum metric metric, size_t label, int64_t value);
int64_t metrics_series_read(const struct metrics_series *s, enum metric metric, size_t label);

/* Ingest loop. Prometheus text format 0.0.4. */
MUST_CHECK int metrics_render(const struct metrics *m, struct buf *out);

/* A label's value as it stands in the text. */
const char *metrics_label_text(enum metric_label label, size_t value);
