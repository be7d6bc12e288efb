#pragma once
/*
 * What one source subscribes to at its broker, so that all its routes get their messages: each
 * filter once, none that another one covers, names before patterns, else in the order of the
 * routes. One thread (it keeps scratch memory).
 */

#include "base/err.h"
#include "routing/pattern.h"
#include "routing/table.h"

#include <stdbool.h>
#include <stddef.h>

struct subscriptions;

/* Borrows the patterns, all of one syntax. ERR_MEMORY. */
MUST_CHECK int subscriptions_new(const struct pattern *const *patterns,
                                 size_t length,
                                 struct subscriptions **ret_subscriptions);
void subscriptions_free(struct subscriptions *s);

const struct table_subscription *subscriptions_list(const struct subscriptions *s,
                                                    size_t *ret_length);

/* True where no subscription before this one matches the topic. */
bool subscriptions_is_first(const struct subscriptions *s, size_t index, struct str topic);
