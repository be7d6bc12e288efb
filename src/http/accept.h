#pragma once
/* Content negotiation, as far as needed: does an Accept field let an event stream pass? Pure. */

#include "base/str.h"

#include <stdbool.h>

/* RFC 9110 12.5.1; false only where it names types and none of them covers text/event-stream. */
bool accept_allows_event_stream(struct str accept);
