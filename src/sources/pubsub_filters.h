#pragma once
/*
 * What a Redis source subscribes to, found by filter, and how that differs from what it subscribed to
 * before. No I/O.
 */

#include "redis/client.h"
#include "sources/source.h"

struct pubsub_filters;

/* Borrows the subscriptions' texts, as does `old`, for the change from it; NULL: none. NULL on OOM. */
struct pubsub_filters *pubsub_filters_new(const struct source_subscription *subscriptions,
                                          size_t length,
                                          const struct pubsub_filters *old);
void pubsub_filters_free(struct pubsub_filters *f); /* NULL is fine */

/* The place in the subscriptions. */
bool pubsub_filters_find(const struct pubsub_filters *f,
                         struct str filter,
                         bool is_pattern,
                         size_t *ret_index);

/* From the old ones to these. */
const struct redis_resubscription *pubsub_filters_change(const struct pubsub_filters *f);
