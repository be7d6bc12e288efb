#pragma once
/*
 * What differs between two configs, by the table of keys: where something stands in the file does not
 * count. Both are whole: configs without a problem. Pure.
 */

#include "config/config.h"
#include "config/keys.h"

#include <stdbool.h>

typedef void (*difference_on_key_fn)(void *arg, const struct key *k);

/* Calls for each key outside of sources and routes whose values differ. */
void difference_each_key(const struct config *a,
                         const struct config *b,
                         difference_on_key_fn on_key,
                         void *arg);

/* A source that runs may stay as it is. Name and type belong to it. */
bool difference_is_same_source(const struct config_source *a, const struct config_source *b);
