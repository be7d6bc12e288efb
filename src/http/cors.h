#pragma once
/* Cross-origin requests (WHATWG Fetch 3.2): which origin the answer allows. Pure. */

#include "base/str.h"
#include "config/config.h"

#include <stdbool.h>

struct cors {
    struct str origin; /* of Access-Control-Allow-Origin, borrowed from the config; empty: none */
    bool has_credentials; /* cookies may come with the request */
    bool is_varying;      /* the answer depends on the request's origin: caches must know */
};

/* `origin` is the request's Origin field, empty where it has none. */
struct cors cors_decide(const struct config_http *config, struct str origin);
