#pragma once
/*
 * What time brings to a stream: heartbeats where it is silent, the end of one that takes nothing,
 * that is too old, or that the drain has reached. By the hub's wheel. Worker's loop.
 */

struct subscriber;

/* A new stream: somewhere in the second half of the first interval, so that not all beat at once. */
void beat_begin(struct subscriber *s);

/* Its time on the wheel has come. */
void beat_on_due(struct subscriber *s);
