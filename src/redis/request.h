#pragma once
/* Requests as Redis reads them (RESP arrays of bulk strings). Pure. */

#include "base/err.h"
#include "base/str.h"

#include <stddef.h>

/*
 * Appends a command: its words may hold any byte. ERR_LIMIT, ERR_MEMORY: nothing was appended.
 * (hiredis's formatter asks printf for every word.)
 */
MUST_CHECK int request_append(struct buf *out, const struct str *words, size_t length);
