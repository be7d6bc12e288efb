#pragma once
/*
 * JSON strings: from the text between the quotes, as json_check() let it through, to what it stands
 * for. A lone surrogate (\ud800 without its other half) stands for nothing that UTF-8 can say:
 * ERR_SYNTAX.
 */

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

/* Appends the string; on failure `out` may hold a part of it. ERR_SYNTAX, ERR_LIMIT, ERR_MEMORY. */
MUST_CHECK int json_string_append(struct str raw, struct buf *out);

/* False also for a string that stands for nothing. */
bool json_string_equals(struct str raw, struct str plain);
