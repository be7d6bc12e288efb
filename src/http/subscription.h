#pragma once
/* What a request for events asks for: its channels and where to begin. Pure. */

#include "base/err.h"
#include "base/str.h"
#include "config/config.h"
#include "http/request.h"
#include "streaming/hub.h"

#include <stddef.h>
#include <stdint.h>

enum {
    SUBSCRIPTION_E_REFUSED = 1,   /* `problem` says why (400) */
    SUBSCRIPTION_E_FORBIDDEN = 2, /* a channel is not among http.allow_channels (403) */
};

enum { SUBSCRIPTION_PROBLEM_SIZE_MAX = 384 }; /* with a channel's name */

struct subscription {
    struct str *channels; /* valid names, no doubles, at least one; owned; see below */
    size_t channels_length;
    struct hub_start start;
    char problem[SUBSCRIPTION_PROBLEM_SIZE_MAX]; /* terminated; after REFUSED */
    struct buf names;                            /* private: what the channels borrow from */
};

/*
 * Where http.unknown_channels is `empty`, channels that are not allowed are left out. If there is no other
 * one, the stream is of the channel with the empty name, which nobody can publish to, from now on.
 *
 * `in_path` is the encoded channel of /events/{channel}, empty for /events, whose channels are those of ?channel=; both
 * at once are refused. ERR_MEMORY. Whatever it returns: subscription_fini().
 */
MUST_CHECK int subscription_parse(struct subscription *s,
                                  const struct request *request,
                                  struct str in_path,
                                  const struct config_http *config,
                                  uint64_t wall_ms);
void subscription_fini(struct subscription *s);
