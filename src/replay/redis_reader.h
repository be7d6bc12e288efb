#pragma once
/* A worker's reader of the Redis log: its own client, on the worker's loop. */

#include "config/config.h"
#include "replay/backend.h"

#include <stdatomic.h>

struct redis_keys;
struct redis_script;

struct redis_reader_settings {
    struct loop *loop;
    const struct config_broker *broker;
    const struct redis_keys *keys;     /* borrowed */
    const struct redis_script *script; /* borrowed */
    atomic_ulong *invalid; /* entries that were left out; the ingest loop makes a metric of it */
};

struct replay_reader *
redis_reader_new(const struct redis_reader_settings *settings); /* NULL on failure */
