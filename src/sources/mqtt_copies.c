#include "sources/mqtt_copies.h"

#include "event/loop.h"
#include "sources/mqtt_filters.h"
#include "sources/mqtt_retiring.h"

#include <mosquitto.h>

#include <mqtt_protocol.h>

/* 0: there is none. */
static uint32_t
mqtt_copies_identifier(const struct mqtt5__property *properties)
{
    uint32_t identifier = 0;
    (void)mosquitto_property_read_varint(properties, MQTT_PROP_SUBSCRIPTION_IDENTIFIER, &identifier,
                                         false);
    return identifier;
}

/*
 * Whether an older filter gets the message too. The table that answers is_first() does not know what the broker has,
 * so that only its yes counts.
 */
static bool
mqtt_copies_is_younger(const struct mqtt_copies *c,
                       const struct mosquitto_message *message,
                       size_t which)
{
    const struct source_dedup *dedup = &c->settings->dedup;
    if (c->filters->is_in_order && dedup->is_first != NULL &&
        dedup->is_first(dedup->arg, which, str_from(message->topic))) {
        return false;
    }
    return mqtt_filters_have(c->filters, which, message);
}

/* One that came by a filter on its way out. */
static bool
mqtt_copies_is_retired(const struct mqtt_copies *c,
                       const struct mqtt_retiring_filter *by,
                       const struct mosquitto_message *message)
{
    c->retiring->heard_ms = loop_now_ms(c->settings->loop);
    return mqtt_retiring_is_younger(c->retiring, by, message) ||
           (mqtt_filters_match(c->filters, message->topic) &&
            mqtt_retiring_is_copy(c->retiring, true, message));
}

/* One that came by a filter that is wanted. */
static bool
mqtt_copies_is_wanted_twice(const struct mqtt_copies *c,
                            struct mqtt_filter *by,
                            const struct mosquitto_message *message)
{
    mqtt_filter_prove(by, message);
    if (mqtt_copies_is_younger(c, message, (size_t)(by - c->filters->items))) {
        return true;
    }
    if (!mqtt_retiring_matches(c->retiring, message->topic)) {
        return false;
    }
    /* A retained one came by the other filter long ago. */
    return message->retain || mqtt_retiring_is_copy(c->retiring, false, message);
}

bool
mqtt_copies_is_spare(const struct mqtt_copies *c,
                     const struct mosquitto_message *message,
                     const struct mqtt5__property *properties)
{
    uint32_t identifier = mqtt_copies_identifier(properties);
    const struct mqtt_retiring_filter *retired = mqtt_retiring_find(c->retiring, identifier);
    struct mqtt_filter *by = mqtt_filters_find(c->filters, identifier);
    if (identifier == 0) {
        return false;
    }
    if (retired != NULL) {
        return mqtt_copies_is_retired(c, retired, message);
    }
    if (by == NULL) { /* one that the session has of an older configuration */
        return mqtt_filters_have(c->filters, c->filters->length, message);
    }
    return mqtt_filter_matches(by->text, message->topic) &&
           mqtt_copies_is_wanted_twice(c, by, message);
}
