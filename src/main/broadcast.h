#pragma once
/*
 * From the feed to the workers: gathers a turn's frames and posts them to every worker's hub at its
 * end. A worker whose mailbox is full loses the frames, not the events: it is told to read from the
 * log what it has missed. Ingest loop.
 */

#include "sse/event_id.h"
#include "sse/frame.h"

#include <stddef.h>

struct broadcast;
struct loop;
struct mailbox;
struct metrics_slot;

/* NULL on OOM. */
struct broadcast *broadcast_new(struct loop *loop, struct metrics_slot *metrics);
void broadcast_free(struct broadcast *b);

/* Before the first frame: the mailboxes of the hubs; borrowed until broadcast_free(). */
MUST_CHECK int broadcast_add(struct broadcast *b, struct mailbox *hub);

/* The feed's next frame; borrowed. */
void broadcast_frame(struct broadcast *b, struct frame *frame);

/* The feed begins at `position` (replay.h, on_feed_start). */
void broadcast_feed_start(struct broadcast *b, event_id position);
