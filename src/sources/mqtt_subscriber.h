#pragma once
/*
 * Subscribes an MQTT connection to all filters of a source: several SUBSCRIBE packets under way at
 * a time, each SUBACK looked at. Where the broker knows subscription identifiers, each filter gets
 * its own, and of the copies of one message that overlapping filters cause only one counts. The filters can be
 * changed while the connection is up. Ingest loop.
 */

#include "sources/mqtt_filters.h"
#include "sources/mqtt_retiring.h"
#include "sources/source.h"

struct mosquitto;
struct mosquitto_message;
struct mqtt5__property;

enum {
    /* AWS IoT Core takes no more filters in one SUBSCRIBE. */
    MQTT_SUBSCRIBER_BATCH = 8,
    /* Chosen: SUBSCRIBE packets under way; a broker's receive buffer holds many more. */
    MQTT_SUBSCRIBER_WINDOW = 32
};

struct mqtt_subscriber_packet {
    int mid;
    size_t first, length; /* filters; length 0: no packet */
};

/*
 * Fields are private to mqtt_subscriber.c, but for `filters` and `retiring`, which the session and the
 * intake ask and tell about messages, and `qos`, which the session reads.
 */
struct mqtt_subscriber {
    const struct source_settings *settings; /* borrowed */
    struct mqtt_filters filters;
    struct mqtt_retiring retiring;
    size_t unsubscribing; /* UNSUBSCRIBE packets under way */
    size_t next;          /* no wanted filter stands before it */
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

/* Whether an answer is waited for. Copies of one message by three generations could not be told apart. */
bool mqtt_subscriber_is_busy(const struct mqtt_subscriber *s);

/* Other filters, in two steps: only the first can fail, and changes nothing. ERR_MEMORY, ERR_SYNTAX. */
MUST_CHECK int mqtt_subscriber_plan(struct mqtt_subscriber *s,
                                    const struct source_subscription *subscriptions,
                                    size_t length);
/* Not while it is busy. */
void mqtt_subscriber_adopt(struct mqtt_subscriber *s);

/* Asks for what the connection does not have yet. Otherwise as mqtt_subscriber_start(). */
MUST_CHECK int
mqtt_subscriber_add(struct mqtt_subscriber *s, struct mosquitto *client, int options);

/* The subscriptions that `dedup` knows are the adopted ones now. */
void mqtt_subscriber_settle(struct mqtt_subscriber *s);

/* Gives up what was planned away. ERR_CONNECT: the library does not send it. */
MUST_CHECK int mqtt_subscriber_unsubscribe(struct mqtt_subscriber *s, struct mosquitto *client);
void mqtt_subscriber_on_unsuback(struct mqtt_subscriber *s);

/* A connection, before mqtt_subscriber_start(). `is_present`: the broker has the session of an earlier one. */
void mqtt_subscriber_open(struct mqtt_subscriber *s, bool is_present);

/* As mqtt_copies_is_spare(); false where the broker does not tell by which filter. */
bool mqtt_subscriber_is_spare(struct mqtt_subscriber *s,
                              const struct mosquitto_message *message,
                              const struct mqtt5__property *properties);
