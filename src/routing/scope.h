#pragma once
/* What templates and conditions can read of one message in one route. Borrowed for the call. */

#include "base/str.h"
#include "routing/pattern.h"
#include "routing/payload.h"

struct scope {
    const struct pattern_captures *captures;
    struct str topic;
    struct str source; /* its name */
    struct payload *payload;
    bool is_lenient; /* on_error: pass; an extraction that fails is "" */
};
