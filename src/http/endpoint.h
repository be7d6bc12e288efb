#pragma once
/* What a request gets: an event stream, or a response. Pure. */

#include "base/err.h"
#include "config/config.h"
#include "http/request.h"
#include "http/response.h"
#include "http/subscription.h"

#include <stdbool.h>
#include <stdint.h>

struct endpoint_reply {
    bool is_stream;                               /* open `subscription`, `response` is its head */
    struct response response;                     /* may borrow from this struct: do not copy */
    struct subscription subscription;             /* empty where there is no stream */
    char text[SUBSCRIPTION_PROBLEM_SIZE_MAX + 1]; /* private: a problem and its line end */
};

/* ERR_MEMORY. Whatever it returns: endpoint_reply_fini(). */
MUST_CHECK int endpoint_decide(struct endpoint_reply *reply,
                               const struct config_http *config,
                               const struct request *request,
                               uint64_t wall_ms);

/* The response to a head that never became a request. `is_head`: as far as is known, the method is HEAD. */
void endpoint_refuse_head(struct endpoint_reply *reply,
                          enum metric_status status,
                          const char *problem,
                          bool is_head,
                          uint64_t wall_ms);

void endpoint_reply_fini(struct endpoint_reply *reply);
