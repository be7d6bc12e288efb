#include "sources/mqtt_client.h"

#include "sources/mqtt_gate.h"
#include "sources/mqtt_tls.h"

#include <mosquitto.h>

#include <mqtt_protocol.h>
#include <netdb.h>
#include <sys/socket.h>

/*
 * Chosen: the largest event that the memory log takes by default. MQTT 5 brokers leave out what is
 * larger; 3.1.1 cannot say it, and there 256 MiB, the protocol's own limit, is what one message may
 * cost for a moment (libmosquitto has no option for it).
 */
enum { MQTT_CLIENT_PACKET_BYTES_MAX = 16 * 1024 * 1024 };

enum { MQTT_CLIENT_ADDRESS_SIZE_MAX = 64 }; /* chosen: IPv6 with a zone ("%eth0") fits */

static int
mqtt_client_set_login(struct mosquitto *client, const struct config_broker *broker)
{
    bool has_password = broker->password[0] != '\0';
    if (broker->username[0] == '\0' && !has_password) {
        return MOSQ_ERR_SUCCESS;
    }
    /* A password alone: 3.1.1 wants a user name before it, which may be empty. */
    return mosquitto_username_pw_set(client, broker->username,
                                     has_password ? broker->password : NULL);
}

static int
mqtt_client_set_tls(struct mosquitto *client, struct mqtt_tls *tls)
{
    if (tls == NULL) {
        return MOSQ_ERR_SUCCESS;
    }
    int result = mosquitto_void_option(client, MOSQ_OPT_SSL_CTX, mqtt_tls_context(tls));
    return result != MOSQ_ERR_SUCCESS
               ? result
               : mosquitto_int_option(client, MOSQ_OPT_SSL_CTX_WITH_DEFAULTS, 0);
}

static int
mqtt_client_set_options(struct mosquitto *client, const struct mqtt_client_settings *settings)
{
    int version = settings->config->mqtt.is_v5 ? MQTT_PROTOCOL_V5 : MQTT_PROTOCOL_V311;
    int result = mosquitto_int_option(client, MOSQ_OPT_PROTOCOL_VERSION, version);
    if (result == MOSQ_ERR_SUCCESS) {
        result = mosquitto_int_option(client, MOSQ_OPT_RECEIVE_MAXIMUM, MQTT_GATE_MESSAGES_MAX);
    }
    if (result == MOSQ_ERR_SUCCESS) {
        result = mosquitto_int_option(client, MOSQ_OPT_TCP_NODELAY, 1);
    }
    if (result == MOSQ_ERR_SUCCESS) {
        result = mqtt_client_set_login(client, &settings->config->broker);
    }
    if (result == MOSQ_ERR_SUCCESS) {
        result = mqtt_client_set_tls(client, settings->tls);
    }
    /* Whatever the library wants to send, PUBACKs too, waits for mosquitto_loop_write(). */
    return result == MOSQ_ERR_SUCCESS ? mosquitto_threaded_set(client, true) : result;
}

struct mosquitto *
mqtt_client_new(const struct mqtt_client_settings *settings)
{
    struct mosquitto *client =
        mosquitto_new(settings->client_id, !settings->is_persistent, settings->arg);
    if (client != NULL && mqtt_client_set_options(client, settings) != MOSQ_ERR_SUCCESS) {
        mosquitto_destroy(client);
        return NULL;
    }
    return client;
}

static uint32_t
mqtt_client_expiry_s(const struct config_source *config)
{
    uint64_t seconds = (config->mqtt.session_expiry_ms + 999) / 1000;
    return seconds < UINT32_MAX ? (uint32_t)seconds : UINT32_MAX; /* the largest means: never */
}

static int
mqtt_client_add_properties(const struct mqtt_client_settings *settings,
                           mosquitto_property **properties)
{
    int result = mosquitto_property_add_int32(properties, MQTT_PROP_MAXIMUM_PACKET_SIZE,
                                              MQTT_CLIENT_PACKET_BYTES_MAX);
    if (result == MOSQ_ERR_SUCCESS && settings->is_persistent) {
        result = mosquitto_property_add_int32(properties, MQTT_PROP_SESSION_EXPIRY_INTERVAL,
                                              mqtt_client_expiry_s(settings->config));
    }
    return result;
}

/*
 * The library takes CONNECT's properties only in the call that blocks, and keeps them for the other
 * one. Without a host that call keeps them, says "invalid" and does nothing else (read in 2.0.11
 * and 2.0.20; the test of the persistent MQTT 5 session notices where that changes).
 */
static int
mqtt_client_set_properties(struct mosquitto *client, const struct mqtt_client_settings *settings)
{
    mosquitto_property *properties = NULL;
    int result = mqtt_client_add_properties(settings, &properties);
    if (result == MOSQ_ERR_SUCCESS) {
        result = mosquitto_connect_bind_v5(client, NULL, 0, 0, NULL, properties);
    }
    mosquitto_property_free_all(&properties);
    return result == MOSQ_ERR_INVAL ? MOSQ_ERR_SUCCESS : result;
}

int
mqtt_client_connect(struct mosquitto *client,
                    const struct mqtt_client_settings *settings,
                    const struct evutil_addrinfo *address)
{
    const struct config_source *config = settings->config;
    char numeric[MQTT_CLIENT_ADDRESS_SIZE_MAX]; /* the library takes no other */
    if (getnameinfo(address->ai_addr, (socklen_t)address->ai_addrlen, numeric, sizeof numeric, NULL,
                    0, NI_NUMERICHOST) != 0) {
        return MOSQ_ERR_EAI;
    }
    if (config->mqtt.is_v5) {
        int result = mqtt_client_set_properties(client, settings);
        if (result != MOSQ_ERR_SUCCESS) {
            return result;
        }
    }
    return mosquitto_connect_bind_async(client, numeric, config->broker.port,
                                        (int)config->mqtt.keepalive_s, NULL);
}
