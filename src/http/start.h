#pragma once
/*
 * Where a request wants its stream to begin:
 *
 *     Last-Event-ID, else ?lastEventId= (last_event_id, lastEventID): after that id, gaps are said
 *     else ?since=earliest | <id> | <duration>, or ?last=<count>
 *     else now
 *
 * Pure.
 */

#include "base/err.h"
#include "http/request.h"
#include "streaming/hub.h"

#include <stdint.h>

/*
 * ERR_SYNTAX with one static sentence in `ret_problem` (400). A last event id that is no id is not
 * an error, because an EventSource never comes back after a 400: it is taken for the oldest cursor,
 * so that a gap is said. `wall_ms` is the present.
 */
MUST_CHECK int start_parse(const struct request *request,
                           uint64_t wall_ms,
                           struct hub_start *ret_start,
                           const char **ret_problem);
