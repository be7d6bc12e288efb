#pragma once
/*
 * The public HTTP front end of one worker: listener (SO_REUSEPORT), request heads, endpoints.
 * Streams are handed to the hub; everything else is answered and closed.
 *
 *   GET /events/{channel}   GET /events?channel=a&channel=b   GET /   (HEAD alike)
 */

#include "base/err.h"
#include "config/config.h"

#include <stdint.h>

struct hub;
struct loop;
struct metrics_slot;
struct server;

/*
 * Binds and listens. `worker` 0 binds config->http.listen and learns the port where it is 0; pass
 * that port in `port` for the other workers. ERR_ADDRESS (logged with address and remedy),
 * ERR_MEMORY.
 */
MUST_CHECK int server_new(const struct config *config,
                          uint16_t port,
                          struct loop *loop,
                          struct hub *hub,
                          struct metrics_slot *metrics,
                          struct server **ret_server);

uint16_t server_port(const struct server *s);

/* Worker's loop. New streams are refused softly from now on (200, retry, runnel.unavailable, end).
 */
void server_drain(struct server *s);

/* Closes the listener and every connection that is not a stream yet. */
void server_free(struct server *s);
