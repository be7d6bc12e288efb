#pragma once
/*
 * What happens to a message that the broker sent: left out by policy, given to the sink and held in
 * the gate, counted as lost, or refused so that the broker keeps it. No I/O. Ingest loop.
 */

#include "sources/source.h"

struct mosquitto_message;
struct mqtt5__property;
struct mqtt_gate;
struct mqtt_redelivery;
struct mqtt_subscriber;

struct mqtt_intake {
    const struct source_settings *settings; /* all borrowed */
    struct mqtt_gate *gate;
    struct mqtt_redelivery *redelivery;
    struct mqtt_subscriber *subscriber;
    bool is_persistent; /* the broker sends again what we do not acknowledge */
};

/* MQTT 5's MQTT_SUB_OPT_* for the source's policy of retained messages, for the filters as they are now. */
int mqtt_intake_options(const struct mqtt_intake *in);

/* The message must come again: close without acknowledging it. */
enum { MQTT_INTAKE_E_REFUSED = 1 };

MUST_CHECK int mqtt_intake_message(struct mqtt_intake *in,
                                   const struct mosquitto_message *message,
                                   const struct mqtt5__property *properties);
