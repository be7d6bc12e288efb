#include "sources/mqtt_callbacks.h"

#include "event/loop.h"
#include "sources/mqtt_link.h"
#include "sources/mqtt_tls.h"

#include <mosquitto.h>

#include <errno.h>
#include <mqtt_protocol.h>
#include <string.h>

static uint32_t
mqtt_callbacks_keepalive_s(const struct mqtt_link *l, const mosquitto_property *properties)
{
    uint16_t server = 0;
    bool is_given = mosquitto_property_read_int16(properties, MQTT_PROP_SERVER_KEEP_ALIVE, &server,
                                                  false) != NULL;
    return is_given ? server : l->settings->config->mqtt.keepalive_s;
}

static void
mqtt_callbacks_on_connack(
    struct mosquitto *client, void *arg, int code, int flags, const mosquitto_property *properties)
{
    struct mqtt_link *l = arg;
    uint8_t has_identifiers = l->settings->config->mqtt.is_v5;
    if (l->is_open) {
        mqtt_link_drop(l, "the broker sent CONNACK twice");
        return;
    }
    if (code != 0) {
        l->end = MQTT_LINK_REFUSED;
        mqtt_reason_of_connack(l->settings->config, code, l->why);
        return;
    }
    l->is_open = true;
    l->opened_ms = loop_now_ms(l->loop);
    mosquitto_log_callback_set(client, NULL);
    (void)mosquitto_property_read_byte(properties, MQTT_PROP_SUBSCRIPTION_ID_AVAILABLE,
                                       &has_identifiers, false);
    struct mqtt_link_session session = {.is_present = (flags & 1) != 0,
                                        .has_identifiers = has_identifiers != 0,
                                        .keepalive_s = mqtt_callbacks_keepalive_s(l, properties)};
    l->listener.on_open(l->listener.arg, &session);
    errno = 0;
}

/* Set for TLS until CONNACK: what OpenSSL says goes nowhere else. */
static void
mqtt_callbacks_on_log(struct mosquitto *client, void *arg, int level, const char *text)
{
    struct mqtt_link *l = arg;
    const char *reason = strstr(text, "SSL routines::");
    (void)client;
    if (level == MOSQ_LOG_ERR && reason != NULL) {
        mqtt_tls_note(l->settings->tls, reason + sizeof("SSL routines::") - 1);
    }
}

static void
mqtt_callbacks_on_message(struct mosquitto *client,
                          void *arg,
                          const struct mosquitto_message *message,
                          const mosquitto_property *properties)
{
    struct mqtt_link *l = arg;
    (void)client;
    /* The rest of what was read already; the broker sends it again. */
    if (!l->is_dropped) {
        l->listener.on_message(l->listener.arg, message, properties);
    }
    /* The library would take an EAGAIN of ours for its own, and forget what TLS has decrypted. */
    errno = 0;
}

static void
mqtt_callbacks_on_suback(struct mosquitto *client,
                         void *arg,
                         int mid,
                         int length,
                         const int *codes,
                         const mosquitto_property *properties)
{
    struct mqtt_link *l = arg;
    (void)client;
    (void)properties;
    l->listener.on_suback(l->listener.arg, mid, length, codes);
    errno = 0;
}

static void
mqtt_callbacks_on_unsuback(struct mosquitto *client,
                           void *arg,
                           int mid,
                           const mosquitto_property *properties)
{
    struct mqtt_link *l = arg;
    (void)client;
    (void)mid;
    (void)properties;
    l->listener.on_unsuback(l->listener.arg);
    errno = 0;
}

/* Also called with the library's own results, which are below any reason that a broker gives. */
static void
mqtt_callbacks_on_disconnect(struct mosquitto *client,
                             void *arg,
                             int code,
                             const mosquitto_property *properties)
{
    struct mqtt_link *l = arg;
    (void)client;
    (void)properties;
    if (code >= MQTT_RC_UNSPECIFIED && l->why[0] == '\0') {
        l->end = MQTT_LINK_BROKEN;
        mqtt_reason_of_disconnect(l->settings->config, code, l->why);
    }
}

void
mqtt_callbacks_set(struct mqtt_link *l)
{
    struct mosquitto *client = l->client;
    if (l->settings->tls != NULL) {
        mosquitto_log_callback_set(client, mqtt_callbacks_on_log);
    }
    mosquitto_connect_v5_callback_set(client, mqtt_callbacks_on_connack);
    mosquitto_message_v5_callback_set(client, mqtt_callbacks_on_message);
    mosquitto_subscribe_v5_callback_set(client, mqtt_callbacks_on_suback);
    mosquitto_unsubscribe_v5_callback_set(client, mqtt_callbacks_on_unsuback);
    mosquitto_disconnect_v5_callback_set(client, mqtt_callbacks_on_disconnect);
}
