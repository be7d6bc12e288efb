#pragma once
/*
 * The topic filters of an MQTT source, and the ones that it is to have next. Pure.
 *
 * They stand in the order in which they came, for of two that overlap the older one had each message, the younger
 * one maybe not; and they keep their identifiers.
 */

#include "sources/source.h"

struct mqtt_retiring;

struct mqtt_filter {
    char *text;   /* owned; planned ones that stay have that of the filter that they become */
    size_t index; /* its place in the source's subscriptions */
    uint32_t identifier;
    bool stays;     /* in the plan */
    bool is_wanted; /* to be asked for */
    uint8_t code;   /* of its last SUBACK, on whatever connection */
};

struct mqtt_filters {
    struct mqtt_filter *items; /* owned; the oldest first */
    size_t length;
    struct mqtt_filter *planned; /* owned; NULL: no plan */
    size_t planned_length;
    bool is_in_order; /* as the source's subscriptions, which source_dedup knows */
    uint32_t last_identifier;
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

/* Those are to be asked for: all, or the ones that were refused. */
void mqtt_filters_want_all(struct mqtt_filters *f);
void mqtt_filters_want_refused(struct mqtt_filters *f);

/* As the broker answered last. */
bool mqtt_filter_is_granted(const struct mqtt_filter *f);
bool mqtt_filter_matches(const struct mqtt_filter *f, const char *topic);

/* Whether one of them matches. */
bool mqtt_filters_match(const struct mqtt_filters *f, const char *topic);

/* The place of the one that has the identifier; `length` where none does. */
size_t mqtt_filters_find(const struct mqtt_filters *f, uint32_t identifier);

/* The first one that was refused and the code; NULL where none was. */
const char *mqtt_filters_refused(const struct mqtt_filters *f, int *ret_code);

/* The first one that was granted a lower QoS than `qos`; NULL where none was. */
const char *mqtt_filters_downgraded(const struct mqtt_filters *f, int qos);
