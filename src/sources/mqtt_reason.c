#include "sources/mqtt_reason.h"

#include <mosquitto.h>

#include <errno.h>
#include <mqtt_protocol.h>
#include <stdio.h>
#include <string.h>

static const char mqtt_reason_closed[] = "the broker closed the connection";
static const char mqtt_reason_tls[] = "the TLS connection broke";

static bool
mqtt_reason_is_version(const struct config_source *config, int code)
{
    /* A 3.1.1 broker answers in its own code. */
    return config->mqtt.is_v5 && (code == MQTT_RC_UNSUPPORTED_PROTOCOL_VERSION ||
                                  code == CONNACK_REFUSED_PROTOCOL_VERSION);
}

void
mqtt_reason_of_connack(const struct config_source *config,
                       int code,
                       char ret_why[MQTT_REASON_SIZE_MAX])
{
    if (mqtt_reason_is_version(config, code)) {
        (void)snprintf(ret_why, MQTT_REASON_SIZE_MAX,
                       "the broker does not speak MQTT 5: set sources.%s.version to \"3.1.1\"",
                       config->name);
        return;
    }
    (void)snprintf(ret_why, MQTT_REASON_SIZE_MAX, "the broker refused the connection: %s",
                   config->mqtt.is_v5 ? mosquitto_reason_string(code)
                                      : mosquitto_connack_string(code));
}

void
mqtt_reason_of_disconnect(const struct config_source *config,
                          int code,
                          char ret_why[MQTT_REASON_SIZE_MAX])
{
    if (code == MQTT_RC_SESSION_TAKEN_OVER) {
        (void)snprintf(ret_why, MQTT_REASON_SIZE_MAX,
                       "another client connected with the same client id: each process needs its "
                       "own sources.%s.client_id",
                       config->name);
        return;
    }
    (void)snprintf(ret_why, MQTT_REASON_SIZE_MAX, "the broker closed the connection: %s",
                   mosquitto_reason_string(code));
}

static const char *
mqtt_reason_text(int result, int errno_then, char buffer[MQTT_REASON_SIZE_MAX])
{
    switch (result) {
    case MOSQ_ERR_SUCCESS:
    case MOSQ_ERR_NO_CONN:
    case MOSQ_ERR_CONN_LOST:
        return mqtt_reason_closed;
    case MOSQ_ERR_KEEPALIVE:
        return "the broker did not answer PINGREQ in time";
    case MOSQ_ERR_PROTOCOL:
    case MOSQ_ERR_MALFORMED_PACKET:
    case MOSQ_ERR_MALFORMED_UTF8:
        return "the broker broke the protocol";
    case MOSQ_ERR_ERRNO:
        return errno_then == EPROTO ? mqtt_reason_tls
                                    : strerror_r(errno_then, buffer, MQTT_REASON_SIZE_MAX);
    case MOSQ_ERR_TLS:
        return mqtt_reason_tls;
    default:
        return mosquitto_strerror(result);
    }
}

void
mqtt_reason_of_result(const struct config_source *config,
                      enum mqtt_stage stage,
                      int result,
                      int errno_then,
                      char ret_why[MQTT_REASON_SIZE_MAX])
{
    char buffer[MQTT_REASON_SIZE_MAX];
    const char *text = mqtt_reason_text(result, errno_then, buffer);
    if (config->mqtt.is_v5 && stage == MQTT_STAGE_GREETING && text != mqtt_reason_tls &&
        result != MOSQ_ERR_NOMEM) {
        (void)snprintf(ret_why, MQTT_REASON_SIZE_MAX,
                       "%s before it answered; if it speaks only MQTT 3.1.1, set "
                       "sources.%s.version to \"3.1.1\"",
                       text, config->name);
    } else if (stage == MQTT_STAGE_FRESH && text == mqtt_reason_closed &&
               config->mqtt.client_id[0] != '\0') {
        /* MQTT 5 has a reason for this, which mosquitto 2.0 does not send. */
        (void)snprintf(ret_why, MQTT_REASON_SIZE_MAX,
                       "%s soon after it began; another client may have the same client id: each "
                       "process needs its own sources.%s.client_id",
                       text, config->name);
    } else {
        (void)snprintf(ret_why, MQTT_REASON_SIZE_MAX, "%s", text);
    }
}

void
mqtt_reason_of_suback(const struct config_source *config,
                      const char *filter,
                      int code,
                      char ret_why[MQTT_REASON_SIZE_MAX])
{
    /* 3.1.1 has one code for every reason. */
    (void)snprintf(ret_why, MQTT_REASON_SIZE_MAX, "the broker refused the subscription %.*s: %s",
                   MQTT_REASON_SIZE_MAX / 2, filter,
                   config->mqtt.is_v5 ? mosquitto_reason_string(code) : "not allowed");
}
