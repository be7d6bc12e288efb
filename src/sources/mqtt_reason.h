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

/*
 * A call of libmosquitto failed with `result`, errno as it was then. `is_greeting`: between the
 * TCP connection and CONNACK, where a broker that breaks off may simply not know MQTT 5.
 */
void mqtt_reason_of_result(const struct config_source *config,
                           bool is_greeting,
                           int result,
                           int errno_then,
                           char ret_why[MQTT_REASON_SIZE_MAX]);

/* SUBACK refused the filter. */
void mqtt_reason_of_suback(const struct config_source *config,
                           const char *filter,
                           int code,
                           char ret_why[MQTT_REASON_SIZE_MAX]);
