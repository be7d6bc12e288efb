#pragma once
/*
 * Request targets: origin-form and absolute-form (RFC 9112 3.2), percent-encoding (RFC 3986 2.1),
 * and queries as application/x-www-form-urlencoded. Pure.
 */

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

/*
 * Path and query of "/path?query", "http://host/path?query" or "*". Both borrow the target (an
 * absent path of an absolute-form is a static "/"). ERR_SYNTAX where it is none of these.
 */
MUST_CHECK int target_split(struct str target, struct str *ret_path, struct str *ret_query);

/*
 * The next name=value of a query, both still encoded; false at the end. Empty pieces are skipped, a
 * piece without '=' has an empty value. `rest` moves on.
 */
bool target_next_pair(struct str *rest, struct str *ret_name, struct str *ret_value);

enum target_plus { TARGET_PLUS_IS_PLUS, TARGET_PLUS_IS_BLANK /* in a query */ };

/* Appends the decoded bytes, at most as many as `raw` has. ERR_SYNTAX: a '%' without two hex digits. */
MUST_CHECK int target_decode(struct str raw, enum target_plus plus, struct buf *out);
