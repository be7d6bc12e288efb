#pragma once
/*
 * Catching up: pages of the log for the channels whose subscribers are behind the tail.
 *
 * A channel has at most one read under way, and it is for the one who is furthest behind, or every
 * other time for those who begin with the newest events; what it brings goes into the tail and
 * serves everybody whose cursor it covers. So ten thousand clients
 * that come back together cost a few reads. Pages that are asked for or not yet looked at are
 * bounded in all by stream.page_bytes, and by half of stream.tail_bytes, so that none is evicted
 * before it was of use. Worker's loop.
 */

#include "base/err.h"

struct channel;
struct hub;

void catchup_init(struct hub *h);

/* The hub has another config. */
void catchup_set_limits(struct hub *h);
void catchup_fini(struct hub *h);

/* Links of the channel wait for a page: reads as soon as there is room. */
void catchup_want(struct channel *c);

/* End of the turn: asks for the pages that are wanted. */
void catchup_start_reads(struct hub *h);

/* One who waited for the channel's newest page has looked at it. After the last of them there is room for another. */
void catchup_page_used(struct channel *c);
