#include "sources/mqtt_redelivery.h"

#include "sources/mqtt_gate.h"

#include <string.h>

static size_t
at_most(size_t number, size_t most)
{
    return number < most ? number : most;
}

void
mqtt_redelivery_release(struct mqtt_redelivery *r)
{
    r->written = at_most(r->written + r->held_length, MQTT_REDELIVERY_MAX);
    r->held_length = 0;
}

/* What this connection brought was before what it still owed. More than the receive maximum is not on its way. */
void
mqtt_redelivery_break(struct mqtt_redelivery *r)
{
    size_t kept = at_most(r->due_length, MQTT_REDELIVERY_MAX - r->held_length);
    memmove(r->due + r->held_length, r->due, kept * sizeof *r->due);
    memcpy(r->due, r->held, r->held_length * sizeof *r->due);
    r->due_length = r->held_length + kept;
    r->unsure = at_most(r->unsure + r->written,
                        MQTT_GATE_MESSAGES_MAX - at_most(r->due_length, MQTT_GATE_MESSAGES_MAX));
    r->held_length = 0;
    r->written = 0;
}

void
mqtt_redelivery_forget(struct mqtt_redelivery *r)
{
    r->held_length = 0;
    r->written = 0;
    r->due_length = 0;
    r->unsure = 0;
}

static void
mqtt_redelivery_push(struct mqtt_redelivery *r, struct mqtt_redelivery_key key)
{
    if (r->held_length < MQTT_REDELIVERY_MAX) {
        r->held[r->held_length++] = key;
    }
}

/* One that is not due: of those whose PUBACK may have been lost, or none of the due ones comes any more. */
static void
mqtt_redelivery_pass(struct mqtt_redelivery *r, struct mqtt_redelivery_key key)
{
    if (key.is_retained) {
        return;
    }
    if (r->unsure > 0) {
        r->unsure--;
    } else {
        r->due_length = 0;
    }
}

void
mqtt_redelivery_hold(struct mqtt_redelivery *r, struct mqtt_redelivery_key key)
{
    mqtt_redelivery_pass(r, key);
    mqtt_redelivery_push(r, key);
}

static void
mqtt_redelivery_drop(struct mqtt_redelivery *r, size_t first, size_t length)
{
    r->due_length -= length;
    memmove(r->due + first, r->due + first + length, (r->due_length - first) * sizeof *r->due);
}

bool
mqtt_redelivery_take(struct mqtt_redelivery *r, struct mqtt_redelivery_key key)
{
    size_t i = 0;
    while (i < r->due_length && r->due[i].packet_id != key.packet_id) {
        i++;
    }
    if (i == r->due_length) {
        return false;
    }
    if (r->due[i].hash != key.hash) {
        mqtt_redelivery_drop(r, i, 1);
        return false;
    }
    mqtt_redelivery_drop(r, 0, i + 1); /* with those before it, which would have come before */
    mqtt_redelivery_push(r, key);
    return true;
}
