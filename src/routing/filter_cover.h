#pragma once
/* Whether one broker-side filter takes all that another one takes. Pure. */

#include "routing/pattern.h"

#include <stdbool.h>

enum { FILTER_WITNESS_SIZE_MAX = PATTERN_SIZE_MAX + PATTERN_RUNS_MAX };

/*
 * Both are filters (pattern_compile_filter) of one syntax. True only where `large` matches each
 * topic that `small` matches; a false may be wrong for globs (`*?` against `?*`), a true never.
 */
bool filter_covers(const struct pattern *large, const struct pattern *small);

/* Writes a topic that the filter matches: what does not, covers the filter neither. Its size. */
size_t filter_witness(const struct pattern *filter, char ret_topic[static FILTER_WITNESS_SIZE_MAX]);
