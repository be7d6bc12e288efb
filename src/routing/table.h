#pragma once
/*
 * The routing table: one message in, zero or more events out. Pure: no I/O, no threads, no logging.
 * Compiled from the config's routes; refers to them. One thread (it keeps scratch memory).
 *
 * How topics are written: pattern.h; templates: template.h; `when:`: condition.h.
 *
 * Copies. A broker delivers a message once for each subscription that matches, and each delivery
 * would make all events of the message again. So the subscriptions are reduced: each filter once,
 * none that another one covers. Where two still overlap partly ("a.*" and "*.b") a source drops the
 * copies that did not come by the first matching subscription: table_subscription_is_first().
 *
 *   Redis        a message carries its pattern, whose place in the list is the subscription
 *   MQTT 5       a copy carries the identifier of its filter (sources/mqtt_filters.h); of a broker that
 *                sends one copy with several identifiers, which libmosquitto refuses, none is asked for
 *   MQTT 3.1.1   copies look alike, and brokers differ in how many they send: topics that overlap
 *                partly may double events there
 *
 * Subscribe in the order of the list: then a subscription that is up implies those before it. Which
 * ones the broker refused only the source knows: behind those its own judgement counts.
 *
 * The topics of one MQTT source are in one shared group or in none: a copy that another member of
 * the group got cannot be told from one that never came.
 */

#include "base/err.h"
#include "base/message.h"
#include "base/str.h"
#include "config/config.h"

#include <stddef.h>
#include <stdint.h>

struct problems;
struct table;

enum { TABLE_EVENT_NAME_SIZE_MAX = 255 };

/* An event as a route makes it. Borrowed for the call. */
struct table_event {
    uint32_t route;     /* index into config.routes */
    struct str channel; /* channel_name_is_valid */
    struct str name;    /* sse_event_name_is_valid, not runnel.*; empty: "message" */
    struct str data;    /* UTF-8; at most 4/3 of max_bytes (base64) */
};

/* Why a matching route made no event. Checked in the order size, when, channel, event, data. */
enum table_miss {
    TABLE_MISS_WHEN,    /* a filter did not hold */
    TABLE_MISS_EXTRACT, /* an extraction failed and on_error is drop */
    TABLE_MISS_UTF8,    /* the data is not UTF-8 and not_utf8 is drop */
    TABLE_MISS_SIZE,    /* the payload, or what `data` made of it, is larger than max_bytes */
    TABLE_MISS_CHANNEL, /* the template's result is no channel name */
    TABLE_MISS_EVENT,   /* the template's result is no event name, or one of runnel's own */
    TABLE_MISS_COUNT
};

struct table_visitor {
    void *arg;
    void (*on_event)(void *arg, const struct table_event *event);
    void (*on_miss)(void *arg, uint32_t route, enum table_miss why); /* may be NULL */
};

/* A static word for logs, labels and `runnel routes`: "when", "extract", ... */
const char *table_miss_text(enum table_miss why);

/*
 * Compiles every route; all problems go to `problems` with their marks. ERR_CONFIG where there was
 * one, ERR_MEMORY. The table borrows `config`.
 */
MUST_CHECK int
table_new(const struct config *config, struct problems *problems, struct table **ret_table);
void table_free(struct table *t);

/*
 * Visits, in the order of the file, each route that matches the message's source and topic. Returns
 * how many matched; 0 is a message that nobody wanted. ERR_MEMORY: the routes after that were not
 * visited.
 */
MUST_CHECK int
table_route(struct table *t, const struct message *m, const struct table_visitor *visitor);

/* What to subscribe to at a broker, so that every route of the source gets its messages. */
struct table_subscription {
    const char *filter; /* owned by the table: Redis channel or glob pattern, MQTT topic filter */
    bool is_pattern;    /* Redis: PSUBSCRIBE rather than SUBSCRIBE; those come last */
};

/* None for an http source. */
const struct table_subscription *
table_subscriptions(const struct table *t, uint32_t source, size_t *ret_length);

/*
 * Is this copy of a message the one to take? True where none of the source's subscriptions before
 * number `subscription` (its place in the list) matches the topic. On the table's thread.
 */
bool table_subscription_is_first(const struct table *t,
                                 uint32_t source,
                                 size_t subscription,
                                 struct str topic);
