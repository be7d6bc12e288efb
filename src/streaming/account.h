#pragma once
/*
 * What the streams of a worker add to the metrics beside plain counts: who is behind, how far, and how
 * late what was sent came. Worker's loop.
 */

#include "streaming/subscriber.h"

struct tail_run;

/* The subscriber's state was `before`. */
void account_state(struct subscriber *s, enum subscriber_state before);

/* How old the newest event is that the stream was sent, where it is behind. Now and then. */
void account_lateness(struct subscriber *s);

/* The socket took the first `length` events of the run, at least one. */
void account_deliveries(struct subscriber *s, const struct tail_run *run, size_t length);

/* The same of `streams` that had caught up, and whose sockets took the whole run. */
void account_volley(struct hub *h, const struct tail_run *run, uint64_t streams);

/* What the config allows this worker. */
void account_limits(struct hub *h);
