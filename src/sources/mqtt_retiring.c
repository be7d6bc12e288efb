#include "sources/mqtt_retiring.h"

#include "base/map.h"
#include "sources/mqtt_filters.h"

#include <mosquitto.h>

#include <stdlib.h>
#include <string.h>

uint64_t
mqtt_retiring_hash(const struct mosquitto_message *message)
{
    struct str payload = {message->payload, (size_t)message->payloadlen};
    return map_hash(str_from(message->topic)) * 31 + map_hash(payload);
}

void
mqtt_retiring_forget_taken(struct mqtt_retiring *r)
{
    memset(r->taken, 0, sizeof r->taken);
}

void
mqtt_retiring_clear(struct mqtt_retiring *r)
{
    for (size_t i = 0; i < r->length; i++) {
        free(r->filters[i].text);
    }
    r->length = 0;
    mqtt_retiring_forget_taken(r);
}

void
mqtt_retiring_fini(struct mqtt_retiring *r)
{
    mqtt_retiring_clear(r);
    free(r->filters);
    r->filters = NULL;
    r->capacity = 0;
}

int
mqtt_retiring_reserve(struct mqtt_retiring *r, size_t length)
{
    size_t capacity = r->length + length;
    if (capacity <= r->capacity) {
        return 0;
    }
    struct mqtt_retiring_filter *filters = realloc(r->filters, capacity * sizeof *filters);
    if (filters == NULL) {
        return ERR_MEMORY;
    }
    r->filters = filters;
    r->capacity = capacity;
    return 0;
}

void
mqtt_retiring_begin_round(struct mqtt_retiring *r)
{
    r->round++;
}

void
mqtt_retiring_add(struct mqtt_retiring *r, char *text, uint32_t identifier, int had_qos)
{
    r->filters[r->length++] = (struct mqtt_retiring_filter){
        .text = text, .identifier = identifier, .round = r->round, .had_qos = had_qos};
}

void
mqtt_retiring_remove(struct mqtt_retiring *r, const char *text)
{
    size_t kept = 0;
    for (size_t i = 0; i < r->length; i++) {
        if (strcmp(r->filters[i].text, text) == 0) {
            free(r->filters[i].text);
        } else {
            r->filters[kept++] = r->filters[i];
        }
    }
    r->length = kept;
}

void
mqtt_retiring_restart(struct mqtt_retiring *r)
{
    for (size_t i = 0; i < r->length; i++) {
        r->filters[i].is_asked = r->filters[i].is_gone;
    }
}

void
mqtt_retiring_confirm(struct mqtt_retiring *r, uint64_t now_ms)
{
    for (size_t i = 0; i < r->length; i++) {
        r->filters[i].is_gone = r->filters[i].is_asked;
    }
    r->heard_ms = now_ms;
}

void
mqtt_retiring_tick(struct mqtt_retiring *r, uint64_t now_ms)
{
    for (size_t i = 0; i < r->length; i++) {
        if (!r->filters[i].is_gone) {
            return;
        }
    }
    if (now_ms - r->heard_ms >= MQTT_RETIRING_QUIET_MS) {
        mqtt_retiring_clear(r);
    }
}

bool
mqtt_retiring_matches(const struct mqtt_retiring *r, const char *topic)
{
    for (size_t i = 0; i < r->length; i++) {
        if (mqtt_filter_matches(r->filters[i].text, topic)) {
            return true;
        }
    }
    return false;
}

bool
mqtt_retiring_is_younger(const struct mqtt_retiring *r,
                         const struct mqtt_retiring_filter *by,
                         const struct mosquitto_message *message)
{
    for (const struct mqtt_retiring_filter *f = r->filters; f < by; f++) {
        if (f->round == by->round && f->had_qos >= message->qos &&
            mqtt_filter_matches(f->text, message->topic)) {
            return true;
        }
    }
    return false;
}

const struct mqtt_retiring_filter *
mqtt_retiring_find(const struct mqtt_retiring *r, uint32_t identifier)
{
    for (size_t i = 0; i < r->length; i++) {
        if (r->filters[i].identifier == identifier) {
            return &r->filters[i];
        }
    }
    return NULL;
}

/* Those before it with the same content had no other copy: copies come in order. */
static void
mqtt_retiring_pair(struct mqtt_retiring *r, uint64_t hash, bool is_retiring)
{
    for (size_t i = 0; i < MQTT_RETIRING_PAIRS; i++) {
        if (r->taken[i].hash == hash && r->taken[i].is_retiring == is_retiring) {
            r->taken[i].is_used = false;
        }
    }
}

bool
mqtt_retiring_is_copy(struct mqtt_retiring *r,
                      bool is_retiring,
                      const struct mosquitto_message *message)
{
    uint64_t hash = mqtt_retiring_hash(message);
    for (size_t i = 0; i < MQTT_RETIRING_PAIRS; i++) {
        if (r->taken[i].is_used && r->taken[i].hash == hash &&
            r->taken[i].is_retiring != is_retiring) {
            mqtt_retiring_pair(r, hash, !is_retiring);
            return true;
        }
    }
    r->taken[r->next].hash = hash;
    r->taken[r->next].is_retiring = is_retiring;
    r->taken[r->next].is_used = true;
    r->next = (r->next + 1) % MQTT_RETIRING_PAIRS;
    return false;
}
