#pragma once
/* What lua/read.lua returned, as a page of frames. Pure. Everything in it came from a store that
 * others can write. */

#include "base/err.h"
#include "redis/reply.h"
#include "replay/replay.h"

/*
 * ERR_PROTOCOL: not what the script returns; ERR_MEMORY. Entries that are no events of this log are
 * left out and counted. `ret_page` is the caller's.
 */
MUST_CHECK int redis_page_new(const struct redis_reply *reply,
                              const struct replay_page_request *request,
                              uint64_t *ret_invalid,
                              struct replay_page **ret_page);
