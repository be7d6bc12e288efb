#pragma once
/*
 * Which of many patterns may match a topic: a radix tree of their text. A node has literal edges,
 * and at most one edge for a capture or `+` that ends at the next separator, so "{tenant}/orders"
 * and "plant/{line}/x" find their way as well as names do. What cannot be followed further (`*`,
 * `?`, a part of a level) is kept at the node reached so far. The answer is a superset:
 * pattern_match() decides.
 *
 *     "plant/" --{..}--> "/" --"temp"--> [3]
 *                          \--"state"--> [7]
 *         \--> [9]  plant/#
 */

#include "base/err.h"
#include "base/str.h"
#include "routing/pattern.h"

#include <stddef.h>
#include <stdint.h>

struct pattern_index;

/* All patterns of one index have one syntax. NULL on OOM. */
struct pattern_index *pattern_index_new(enum pattern_syntax syntax);
void pattern_index_free(struct pattern_index *x);

/* Borrows the pattern for as long as the index lives. ERR_MEMORY. */
MUST_CHECK int
pattern_index_add(struct pattern_index *x, const struct pattern *pattern, uint32_t item);

/*
 * Writes the items of the candidates, rising, and returns how many: `ret_items` has room for all
 * that were added. Each item comes once.
 */
size_t pattern_index_find(const struct pattern_index *x, struct str topic, uint32_t *ret_items);
