#pragma once
/*
 * What time brings to a stream: heartbeats where it is silent, the end of one that takes nothing,
 * that is too old, or that the drain has reached. By the hub's wheel. Worker's loop.
 */

#include <stdint.h>

struct config_stream;
struct hub;
struct subscriber;

/*
 * A new stream. After an event, and at first, a beat comes somewhere in the second half of a heartbeat of silence, so
 * that not all beat at once; from then on one a heartbeat.
 */
void beat_begin(struct subscriber *s);

/*
 * The hub's config took the place of `before`: its heartbeat and its age hold for the streams that are
 * open too. None is silent for longer than it would have been under both, and those that are overdue
 * now neither beat nor end all at once.
 */
void beat_follow_config(struct hub *h, const struct config_stream *before);

/* Each of the hub's streams ends at a time of its own within `over_ms`, and has its beats until then. */
void beat_drain(struct hub *h, uint32_t over_ms);

/* Its time on the wheel has come. */
void beat_on_due(struct subscriber *s);
