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

/* The place of the filter by which it came; their number where it was none of them, or an older process's. */
static size_t
mqtt_copies_which(const struct mqtt_copies *c, const char *topic, uint32_t identifier)
{
    size_t which = mqtt_filters_find(c->filters, identifier);
    bool is_ours =
        which < c->filters->length && mqtt_filter_matches(&c->filters->items[which], topic);
    return is_ours ? which : c->filters->length;
}

/*
 * Whether an older filter gets the message too. The table that answers is_first() does not know which filters the
 * broker refused, so that only its yes counts.
 */
static bool
mqtt_copies_is_younger(const struct mqtt_copies *c, const char *topic, size_t which)
{
    const struct source_dedup *dedup = &c->settings->dedup;
    if (c->filters->is_in_order && dedup->is_first != NULL &&
        dedup->is_first(dedup->arg, which, str_from(topic))) {
        return false;
    }
    for (size_t i = 0; i < which; i++) {
        const struct mqtt_filter *older = &c->filters->items[i];
        if (mqtt_filter_is_granted(older) && mqtt_filter_matches(older, topic)) {
            return true;
        }
    }
    return false;
}

/* One that came by a filter on its way out. */
static bool
mqtt_copies_is_retired(const struct mqtt_copies *c,
                       const struct mqtt_retiring_filter *by,
                       const struct mosquitto_message *message)
{
    c->retiring->heard_ms = loop_now_ms(c->settings->loop);
    return mqtt_retiring_is_younger(c->retiring, by, message->topic) ||
           (mqtt_filters_match(c->filters, message->topic) &&
            mqtt_retiring_is_copy(c->retiring, true, message));
}

bool
mqtt_copies_is_spare(const struct mqtt_copies *c,
                     const struct mosquitto_message *message,
                     const struct mqtt5__property *properties)
{
    uint32_t identifier = mqtt_copies_identifier(properties);
    const struct mqtt_retiring_filter *retired = mqtt_retiring_find(c->retiring, identifier);
    if (retired != NULL) {
        return mqtt_copies_is_retired(c, retired, message);
    }
    size_t which = mqtt_copies_which(c, message->topic, identifier);
    if (which == c->filters->length) {
        return false;
    }
    if (mqtt_copies_is_younger(c, message->topic, which)) {
        return true;
    }
    if (!mqtt_retiring_matches(c->retiring, message->topic)) {
        return false;
    }
    /* A retained one came by the other filter long ago. */
    return message->retain || mqtt_retiring_is_copy(c->retiring, false, message);
}
