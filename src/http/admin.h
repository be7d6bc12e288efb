#pragma once
/*
 * The admin port: plain evhttp on the ingest loop. GET /healthz, /servez, /readyz, /metrics, and what main
 * adds by prefix (the http source). Not for browsers, not for the public.
 */

#include "base/err.h"
#include "config/config.h"

#include <stdint.h>

struct admin;
struct evhttp_request;
struct health;
struct loop;
struct metrics;

/* Binds. ERR_ADDRESS (logged with address and remedy), ERR_MEMORY. */
MUST_CHECK int admin_new(const struct config *config,
                         struct loop *loop,
                         struct health *health,
                         struct metrics *metrics,
                         struct admin **ret_admin);
/* What can change while it runs: how large a body may be. */
void admin_set_config(struct admin *a, const struct config_admin *config);

uint16_t admin_port(const struct admin *a);
void admin_free(struct admin *a);

/* Requests whose path begins with `prefix` (static) go to `on_request`, which answers, now or
 * later. */
MUST_CHECK int admin_add_prefix(struct admin *a,
                                const char *prefix,
                                void (*on_request)(struct evhttp_request *request, void *arg),
                                void *arg);

/* No longer; requests under way stay with whom they went to. */
void admin_remove_prefix(struct admin *a, const char *prefix);
