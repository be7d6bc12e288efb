#pragma once
/*
 * One connection until its request is answered or handed to the hub:
 *
 *     [PROXY -->] HEAD --> ANSWER --> LINGER --> CLOSED
 *                    `--> (stream: the hub has the socket) --> CLOSED
 *
 * A bare event and a head buffer that is there only while a head is read. Each state has one
 * timeout, PROXY and HEAD one together. One request a connection; what follows its head is never read
 * as one. Worker's loop.
 */

#include "base/address.h"
#include "base/err.h"
#include "base/list.h"
#include "config/config.h"
#include "event/wheel.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct admission;
struct hub;
struct loop;
struct metrics_slot;

enum { CONN_WHEEL_SPAN_MS = 60 * 1000 }; /* longer timeouts take several turns of the wheel */

/* What all connections of a server share. Owned by the server, outlives them. */
struct conn_env {
    const struct config *config; /* may be another one after a turn of the loop */
    struct loop *loop;
    struct hub *hub;
    struct metrics_slot *metrics;
    struct admission *admission;
    struct wheel *wheel; /* of CONN_WHEEL_SPAN_MS; fires conn_on_timeout() */
    struct list conns;   /* all that are not closed */
    size_t conns_length;
    struct list spares; /* closed, to be used again; conn.c's */
    size_t spares_length;
    bool is_draining;
    void (*on_closed)(void *arg); /* a descriptor was closed; not for one that the hub took */
    void *arg;
};

/*
 * `fd` is accepted and non-blocking; it moves in every case. `is_last`: there are no
 * descriptors left for streams, so its stream will be refused. ERR_MEMORY, ERR_SYSTEM.
 */
MUST_CHECK int conn_new(struct conn_env *env, int fd, const struct address *peer, bool is_last);

/* The wheel's callback; `arg` is unused. */
void conn_on_timeout(void *arg, struct wheel_node *node);

/* Closes every connection and frees what was kept for further ones. Not from a connection's callback. */
void conn_close_all(struct conn_env *env);
