#pragma once
/*
 * The names that the Redis log has in Redis. All share the hash tag {<prefix>}, so that a cluster
 * keeps them together.
 */

#include "base/err.h"
#include "base/str.h"

struct redis_keys {
    char *head;     /* hash: where the log stands */
    char *stream;   /* + channel: the channel's stream; beside it lua/open.lua's newest_key() */
    char *appender; /* this process's last batch */
    char *feed;     /* pub/sub channel */
};

/* A new appender's name every time. ERR_MEMORY, ERR_SYSTEM. */
MUST_CHECK int redis_keys_init(struct redis_keys *k, const char *prefix);
void redis_keys_fini(struct redis_keys *k);
