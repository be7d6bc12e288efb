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

struct admission;
struct hub;
struct loop;
struct metrics_slot;
struct server;

struct server_parts {
    const struct config *config; /* as for server_set_config() */
    uint16_t port;
    struct loop *loop;
    struct hub *hub;
    struct metrics_slot *metrics;
    struct admission *admission; /* of the process; outlives the hub's streams */
};

/*
 * Binds and listens. `port` 0: binds config->http.listen and learns the port where it is 0; the other
 * workers get that port. ERR_ADDRESS (logged with address and remedy), ERR_MEMORY.
 */
MUST_CHECK int server_new(const struct server_parts *parts, struct server **ret_server);

/*
 * Worker's loop. From now on the limits and all else of this config hold, but for listen and workers. It
 * must live until the next one comes or the server is freed; of the last one nothing is left then.
 */
void server_set_config(struct server *s, const struct config *config);

uint16_t server_port(const struct server *s);

/*
 * Worker's loop. Refuses connections from now on, which sends a balancer to another server at once: a
 * soft refusal of each stream would only make this one look idle. Who is connected already gets that.
 */
void server_drain(struct server *s);

/* Closes the listener and every connection that is not a stream yet. */
void server_free(struct server *s);
