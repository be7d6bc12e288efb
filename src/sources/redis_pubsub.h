#pragma once
/*
 * The Redis source: SUBSCRIBE and PSUBSCRIBE. Redis keeps nothing for a subscriber: what is
 * published while the connection is away is lost, as it is for any other, and what the log's queue
 * does not take is counted and told as a loss.
 */

#include "sources/source.h"

/* As source_new(). */
MUST_CHECK int redis_pubsub_new(const struct source_settings *settings, struct source **ret_source);
