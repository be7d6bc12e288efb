#pragma once
/*
 * A message that several filters match comes once for each of them. Where the broker tells by which one, the oldest
 * filter's copy counts. While filters are on their way out: mqtt_retiring.h. A session that an older process began may
 * have filters of another configuration, whose copies count where no filter that is wanted has one. Ingest loop.
 */

#include "sources/source.h"

struct mosquitto_message;
struct mqtt5__property;
struct mqtt_filters;
struct mqtt_retiring;

struct mqtt_copies {
    const struct source_settings *settings; /* all borrowed */
    struct mqtt_filters *filters;
    struct mqtt_retiring *retiring;
};

/*
 * Whether this is a copy that was delivered for one filter while another one gets, or got, the message too. Where in
 * doubt it is not: a message twice is better than none.
 */
bool mqtt_copies_is_spare(const struct mqtt_copies *c,
                          const struct mosquitto_message *message,
                          const struct mqtt5__property *properties);
