#pragma once
/*
 * The topic filters of an MQTT source, and the ones that it is to have next. Pure.
 *
 * They stand in the order in which they came, for of two that overlap the older one had each message, the younger
 * one maybe not. An identifier is made of the filter's text, so that a session that goes on, also of an older process
 * with another configuration, tells by it which filter brought a message.
 *
 * What such a session has in its queue is from when it had other filters. Its queue is in order: what comes behind a
 * message by a filter was published while the broker had that filter.
 */

#include "base/map.h"
#include "sources/source.h"

struct mosquitto_message;
struct mqtt_retiring;

enum { MQTT_FILTER_UNANSWERED = 0xff }; /* no code of SUBACK's */
enum { MQTT_FILTER_HAS_NONE = -1 };     /* below each QoS */

/* Of which messages that come now the filter has a copy, if it matches. */
enum mqtt_filter_proof {
    MQTT_PROOF_NONE,
    MQTT_PROOF_OF_QOS_0, /* of those only: they may overtake the queue */
    MQTT_PROOF_OF_ALL
};

struct mqtt_filter {
    struct map_node node; /* by identifier */
    char *text;   /* owned; planned ones that stay have that of the filter that they become */
    size_t index; /* its place in the source's subscriptions */
    uint32_t identifier;
    enum mqtt_filter_proof proof;
    bool stays;        /* in the plan */
    bool is_wanted;    /* to be asked for */
    bool has_retained; /* an earlier connection of this process got its retained messages */
    uint8_t code;      /* of its last SUBACK, on whatever connection */
};

struct mqtt_filters {
    struct mqtt_filter *items; /* owned; the oldest first */
    size_t length;
    struct mqtt_filter *planned; /* owned; NULL: no plan */
    size_t planned_length;
    struct map by_identifier, planned_by_identifier;
    bool is_in_order;    /* as the source's subscriptions, which source_dedup knows */
    bool begins_session; /* it had no filters before these */
};

/* A struct of zeros has none. */
void mqtt_filters_fini(struct mqtt_filters *f);

/* Other ones, in two steps: only the first can fail, and changes nothing. ERR_MEMORY, ERR_SYNTAX. */
MUST_CHECK int mqtt_filters_plan(struct mqtt_filters *f,
                                 const struct source_subscription *subscriptions,
                                 size_t length);

/* What is not planned moves to `retiring`, which has room for all of them; the new ones are wanted. */
void mqtt_filters_adopt(struct mqtt_filters *f, struct mqtt_retiring *retiring);

/* The source's subscriptions are the adopted ones now. */
void mqtt_filters_settle(struct mqtt_filters *f);

/* A connection: is the session one that the broker kept? */
void mqtt_filters_open(struct mqtt_filters *f, bool is_present);

/* SUBACK's code for the one in this place. */
void mqtt_filters_answer(struct mqtt_filters *f, size_t place, int code);

/* A message came by it. */
void mqtt_filter_prove(struct mqtt_filter *f, const struct mosquitto_message *message);

/* Those are to be asked for: all, or the ones that were refused. */
void mqtt_filters_want_all(struct mqtt_filters *f);
void mqtt_filters_want_refused(struct mqtt_filters *f);

/* The connection, which ends, got the retained messages of those that the broker granted. */
void mqtt_filters_note_retained(struct mqtt_filters *f);

/* Whether one lacks its retained messages; where `topic` is not NULL, one that matches it and is not refused. */
bool mqtt_filters_lack_retained(const struct mqtt_filters *f, const char *topic);

/* By the rules of MQTT 5, section 4.7. */
bool mqtt_filter_matches(const char *filter, const char *topic);

/*
 * Up to which QoS it has a copy for sure of each message that matches. Where it was granted less than another one, the
 * broker may drop its copies and keep the other's.
 */
int mqtt_filter_has_qos(const struct mqtt_filter *f);

/* Whether one of them matches. */
bool mqtt_filters_match(const struct mqtt_filters *f, const char *topic);

/* Whether one of the first `length` has a copy of this message for sure. */
bool mqtt_filters_have(const struct mqtt_filters *f,
                       size_t length,
                       const struct mosquitto_message *message);

/* The identifier of a filter, where no other one of the configuration has it: 1..268435455. */
uint32_t mqtt_filter_identifier(const char *text);

/* NULL where none has the identifier. */
struct mqtt_filter *mqtt_filters_find(const struct mqtt_filters *f, uint32_t identifier);

/* The first one that was refused and the code; NULL where none was. */
const char *mqtt_filters_refused(const struct mqtt_filters *f, int *ret_code);

/* The first one that was granted a lower QoS than `qos`; NULL where none was. */
const char *mqtt_filters_downgraded(const struct mqtt_filters *f, int qos);
