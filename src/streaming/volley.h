#pragma once
/*
 * A volley: what a channel has new, to one after another of those who stood at its head and have nothing else to get.
 * The cursor of the first finds the bytes for all, and their sends are counted together. It does what
 * subscriber_flush() would, in a fraction of the memory that is touched: after each send() the kernel has used up the
 * caches. Worker's loop.
 */

#include <stddef.h>

struct channel;

/* Visits up to `max` dirty links of the channel, until one is not of that kind. How many; 0: it is the first. */
size_t volley_fire(struct channel *c, size_t max);
