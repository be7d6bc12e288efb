#pragma once
/*
 * What becomes of a client that falls behind.
 *
 * A channel's rule is that of its newest event that this worker knows (event_traits.h); what it
 * leaves open, and what of a channel without known events, stream.slow and stream.slow_after say. On
 * a connection with several channels each is judged by itself: only one that the client is behind on
 * for longer than its own rule allows skips, or closes the connection. Worker's loop.
 */

#include <stdbool.h>

struct subscriber;

/*
 * For a subscriber whose socket was full: the channels that it is too far behind on, and that skip
 * then, go on at their newest event. True where the connection is to be closed instead.
 */
bool slow_must_close(struct subscriber *s);

/* For a subscriber whose socket is full: true where it takes nothing and is to be closed for that. */
bool slow_is_stalled(const struct subscriber *s);
