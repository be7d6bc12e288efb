#pragma once
/*
 * The soft refusal: for what passes (draining, full). A native EventSource never comes back after a
 * status other than 200, so the answer is a stream that says why, when to come back, and ends.
 */

#include "base/address.h"
#include "base/err.h"
#include "base/str.h"
#include "http/response.h"
#include "observability/metrics.h"

#include <stdint.h>

/* Counts a refusal, and logs it: those that a single client has earned so that the operator sees who. */
void
refusal_count(struct metrics_slot *metrics, const struct address *client, enum metric_refused why);

/*
 * Appends a whole response: `head` of response_stream(), `retry:` somewhere between one and five
 * times `retry_ms`, runnel.unavailable, and the end.
 */
MUST_CHECK int refusal_render(const struct response *head,
                              enum metric_refused why,
                              uint64_t retry_ms,
                              struct buf *out);
