#pragma once
/* Patterns of channel names: `*` stands for any bytes, also none, everything else for itself. Pure. */

#include "base/str.h"

#include <stdbool.h>

/* Time is O(name * pattern), whatever both are. */
bool channel_pattern_matches(struct str pattern, struct str name);
