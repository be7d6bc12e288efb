#pragma once
/* Regular expressions (ECMA 262) of decimal numbers in a range: what JSON Schema has no word for. */

#include "base/str.h"

/*
 * Appends alternatives, without brackets around them, that match exactly the numbers from `min` to
 * `max` without leading zeros. `max` is at most 10^18. ERR_LIMIT, ERR_MEMORY.
 */
MUST_CHECK int number_pattern(uint64_t min, uint64_t max, struct buf *out);
