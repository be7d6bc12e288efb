#pragma once
/*
 * The metrics of a config's sources and routes. A route is called by its `name`, or where it has
 * none "<topic> -> <channel>", so that a route keeps its counters wherever it moves in the file.
 */

#include "config/config.h"

#include <stddef.h>

struct labels;
struct metrics;
struct metrics_series;

/* NULL on OOM. After a reload the new config's before the old one's are freed: what both have goes
 * on counting. */
struct labels *labels_new(const struct config *config, struct metrics *metrics);
void labels_free(struct labels *l); /* NULL is fine */

/* No message is routed by the config any more, though a source that stays may keep its settings: the
 * routes' series may make room for others. */
void labels_release_routes(struct labels *l);

/* By index into the config's. Live as long as the labels; those of a source as long as the
 * metrics. A route that was released has none: NULL. */
struct metrics_series *labels_source(const struct labels *l, size_t source);
struct metrics_series *labels_route(const struct labels *l, size_t route);
