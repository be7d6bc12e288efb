#pragma once
/*
 * A handle of libmosquitto as runnel uses it: no thread of the library's, nothing that blocks,
 * nothing that it does by itself. One handle for each connection: a new one has no packets left
 * from the last, and freeing it is the one way to close without sending the queued PUBACKs.
 */

#include "base/err.h"
#include "config/config.h"

#include <event2/util.h>

struct mosquitto;
struct mqtt_tls;

struct mqtt_client_settings {
    const struct config_source *config;
    const char *client_id;
    bool is_persistent;
    struct mqtt_tls *tls; /* NULL: none */
    void *arg;            /* of the callbacks */
};

/* The caller sets its callbacks, and frees it with mosquitto_destroy(). NULL on OOM. */
struct mosquitto *mqtt_client_new(const struct mqtt_client_settings *settings);

/* Begins to connect, without waiting. A result of libmosquitto's, with errno where it is MOSQ_ERR_ERRNO. */
MUST_CHECK int mqtt_client_connect(struct mosquitto *client,
                                   const struct mqtt_client_settings *settings,
                                   const struct evutil_addrinfo *address);
