#pragma once
/*
 * The soft refusal: for what passes (draining, full). A native EventSource never comes back after a
 * status other than 200, so the answer is a stream that says why, when to come back, and ends. Pure
 * but for the jitter.
 */

#include "base/err.h"
#include "base/str.h"
#include "http/response.h"
#include "observability/metrics_names.h"

#include <stdint.h>

/*
 * Appends a whole response: `head` of response_stream(), `retry:` somewhere between one and five
 * times `retry_ms`, runnel.unavailable, and the end.
 */
MUST_CHECK int refusal_render(const struct response *head,
                              enum metric_refused why,
                              uint64_t retry_ms,
                              struct buf *out);
