#pragma once
/*
 * Subscribes an MQTT connection to all filters of a source: several SUBSCRIBE packets under way at
 * a time, each SUBACK looked at. Where the broker knows subscription identifiers, each filter gets
 * its own, and of the copies of one message that overlapping filters cause only the first counts.
 * Ingest loop.
 */

#include "sources/source.h"

struct mosquitto;
struct mqtt5__property;

enum {
    /* AWS IoT Core takes no more filters in one SUBSCRIBE. */
    MQTT_SUBSCRIBER_BATCH = 8,
    /* Chosen: SUBSCRIBE packets under way; a broker's receive buffer holds many more. */
    MQTT_SUBSCRIBER_WINDOW = 32
};

/* All fields are private to mqtt_subscriber.c. */
struct mqtt_subscriber_filter {
    const char *text; /* borrowed */
    bool is_wanted;   /* to be asked for */
    uint8_t code;     /* of its last SUBACK, on whatever connection */
};

struct mqtt_subscriber_packet {
    int mid;
    size_t first, length; /* filters; length 0: no packet */
};

struct mqtt_subscriber {
    const struct source_settings *settings; /* borrowed */
    struct mqtt_subscriber_filter *filters; /* owned */
    size_t length;
    size_t next; /* no wanted filter stands before it */
    struct mqtt_subscriber_packet packets[MQTT_SUBSCRIBER_WINDOW]; /* under way */
    int qos;
    int options;
    bool has_identifiers;
};

/* MQTT_SUBSCRIBER_E_DONE: every filter has its answer. */
enum { MQTT_SUBSCRIBER_E_DONE = 1 };

/* Borrows the settings. ERR_MEMORY; ERR_SYNTAX: a filter is none. */
MUST_CHECK int mqtt_subscriber_init(struct mqtt_subscriber *s,
                                    const struct source_settings *settings);
void mqtt_subscriber_fini(struct mqtt_subscriber *s);

/*
 * On a new connection, for all filters. `options` is one of MQTT_SUB_OPT_*, for MQTT 5.
 * MQTT_SUBSCRIBER_E_DONE; ERR_CONNECT: the library does not send them.
 */
MUST_CHECK int mqtt_subscriber_start(struct mqtt_subscriber *s,
                                     struct mosquitto *client,
                                     bool has_identifiers,
                                     int options);

/* The same for the filters that were refused. */
MUST_CHECK int mqtt_subscriber_retry(struct mqtt_subscriber *s, struct mosquitto *client);

/* MQTT_SUBSCRIBER_E_DONE; ERR_PROTOCOL, ERR_CONNECT. */
MUST_CHECK int mqtt_subscriber_on_suback(
    struct mqtt_subscriber *s, struct mosquitto *client, int mid, int length, const int *codes);

/* The first filter that was refused and the code; NULL where none was. */
const char *mqtt_subscriber_refused(const struct mqtt_subscriber *s, int *ret_code);

/* The first filter that was granted a lower QoS than asked for; NULL where none was. */
const char *mqtt_subscriber_downgraded(const struct mqtt_subscriber *s);

/* A copy that was delivered for one filter while an earlier one gets the message too. */
bool mqtt_subscriber_is_copy(const struct mqtt_subscriber *s,
                             const char *topic,
                             const struct mqtt5__property *properties);
