#pragma once
/* The label values of the metrics: names of sources, and of routes as "<index> <topic>", which is
 * unique. */

#include "config/config.h"

struct labels;

/* NULL on OOM. Borrows the sources' names. */
struct labels *labels_new(const struct config *config);
void labels_free(struct labels *l); /* NULL is fine */

/* As many as the config has, in its order. */
const char *const *labels_sources(const struct labels *l);
const char *const *labels_routes(const struct labels *l);
