#pragma once
/*
 * A volley: what a channel has new, to one after another of those who stood at its head and have nothing else to get.
 * The cursor of the first finds the bytes for all, and their sends are counted together. It does what
 * subscriber_flush() would, in a fraction of the memory that is touched: after each send() the kernel has used up the
 * caches. Worker's loop.
 */

#include <stddef.h>

struct channel;

/*
 * Visits dirty links of the channel, until one is not of that kind or there were `max` visits, of which bytes count as
 * more (BYTES_A_VISIT). How many; 0: the first is not of that kind.
 */
size_t volley_fire(struct channel *c, size_t max);
