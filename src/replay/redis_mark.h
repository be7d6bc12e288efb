#pragma once
/* Reads a mark of the Redis log: a field of its head (lua/append.lua moves it). */

#include "base/err.h"
#include "base/mark.h"

struct redis_client;
struct redis_keys;

struct redis_mark_listener {
    void *arg;
    void (*on_mark)(void *arg, const struct mark *mark); /* borrowed, `before` empty */
};

/* As replay_read_mark() says. The listener must outlive the client's commands. */
MUST_CHECK int redis_mark_read(struct redis_client *client,
                               const struct redis_keys *keys,
                               struct str name,
                               const struct redis_mark_listener *listener);
