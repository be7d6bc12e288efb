#pragma once
/* Base64 (RFC 4648, section 4, with padding). */

#include "base/err.h"
#include "base/str.h"

/* ERR_LIMIT, ERR_MEMORY; then nothing is appended. */
MUST_CHECK int base64_append(struct str bytes, struct buf *out);
