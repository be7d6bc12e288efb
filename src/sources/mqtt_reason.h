#pragma once
/* Sentences for operators out of MQTT's and libmosquitto's codes. Pure. */

#include "config/config.h"

enum { MQTT_REASON_SIZE_MAX = 240 };

/* CONNACK refused: `code` is of the protocol version that the config asks for. */
void mqtt_reason_of_connack(const struct config_source *config,
                            int code,
                            char ret_why[MQTT_REASON_SIZE_MAX]);

/* The broker sent DISCONNECT (MQTT 5). */
void mqtt_reason_of_disconnect(const struct config_source *config,
                               int code,
                               char ret_why[MQTT_REASON_SIZE_MAX]);

/* How far a connection has come. */
enum mqtt_stage {
    MQTT_STAGE_TCP,      /* not even TCP stands */
    MQTT_STAGE_GREETING, /* until CONNACK: a broker that breaks off may simply not know MQTT 5 */
    MQTT_STAGE_FRESH,    /* seconds later: another client with our client id may have taken over */
    MQTT_STAGE_SETTLED
};

/* A call of libmosquitto failed with `result`, errno as it was then. */
void mqtt_reason_of_result(const struct config_source *config,
                           enum mqtt_stage stage,
                           int result,
                           int errno_then,
                           char ret_why[MQTT_REASON_SIZE_MAX]);

/* SUBACK refused the filter. */
void mqtt_reason_of_suback(const struct config_source *config,
                           const char *filter,
                           int code,
                           char ret_why[MQTT_REASON_SIZE_MAX]);
