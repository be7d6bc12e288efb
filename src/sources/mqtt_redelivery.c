#include "sources/mqtt_redelivery.h"

static void
mqtt_redelivery_push(struct mqtt_redelivery_key *keys,
                     size_t *length,
                     struct mqtt_redelivery_key key)
{
    if (*length < MQTT_REDELIVERY_MAX) {
        keys[(*length)++] = key;
    }
}

void
mqtt_redelivery_hold(struct mqtt_redelivery *r, struct mqtt_redelivery_key key)
{
    mqtt_redelivery_push(r->held, &r->held_length, key);
}

void
mqtt_redelivery_release(struct mqtt_redelivery *r)
{
    r->held_length = 0;
}

void
mqtt_redelivery_break(struct mqtt_redelivery *r)
{
    for (size_t i = 0; i < r->held_length; i++) {
        mqtt_redelivery_push(r->due, &r->due_length, r->held[i]);
    }
    r->held_length = 0;
}

void
mqtt_redelivery_forget(struct mqtt_redelivery *r)
{
    r->held_length = 0;
    r->due_length = 0;
}

bool
mqtt_redelivery_take(struct mqtt_redelivery *r, struct mqtt_redelivery_key key)
{
    for (size_t i = 0; i < r->due_length; i++) {
        if (r->due[i].packet_id == key.packet_id) {
            bool is_same = r->due[i].hash == key.hash;
            r->due[i] = r->due[--r->due_length];
            if (is_same) {
                mqtt_redelivery_hold(r, key);
            }
            return is_same;
        }
    }
    if (!key.is_retained) {
        r->due_length = 0;
    }
    return false;
}
