#pragma once
/*
 * Control events: named runnel.*, so that onmessage never sees them. Pure; each writes a whole
 * event in the event stream format, without transfer framing.
 *
 * runnel.live and runnel.beat carry the feed's position as their id and empty data: they move the
 * browser's cursor without an event. (An id in a block without data does this in Chromium but not
 * in Firefox.)
 */

#include "base/err.h"
#include "base/str.h"
#include "sse/event_id.h"

#include <stdbool.h>
#include <stdint.h>

/* Room that control_live() and control_beat() need at most. */
enum { CONTROL_SIZE_MAX = 128 };

/* The replay has caught up. Returns the size. */
size_t control_live(char to[static CONTROL_SIZE_MAX], event_id position);

/* The heartbeat. `position` 0: the stream is not at the head, no id. Returns the size. */
size_t control_beat(char to[static CONTROL_SIZE_MAX], event_id position);

/* What the head is followed by, at once, so that proxies and onopen see bytes. Returns the size. */
size_t control_retry(char to[static CONTROL_SIZE_MAX], uint64_t retry_ms);

/*
 * Events of `channel` after `after` are missing. It goes on with the event `resumes`, or, where
 * there is none yet, after that id. `reason` is a static word. Carries no id: a client that breaks
 * off here is told again. ERR_MEMORY, ERR_LIMIT.
 */
MUST_CHECK int control_gap(
    struct buf *out, struct str channel, event_id after, event_id resumes, const char *reason);
