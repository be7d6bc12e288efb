#include "sources/mqtt_filters.h"

#include <mosquitto.h>

enum { MQTT_FILTER_QOS_MAX = 2 }; /* above are the refusals */

static bool
mqtt_filter_is_granted(const struct mqtt_filter *f)
{
    return f->code <= MQTT_FILTER_QOS_MAX;
}

static bool
mqtt_filter_is_refused(const struct mqtt_filter *f)
{
    return f->code > MQTT_FILTER_QOS_MAX && f->code != MQTT_FILTER_UNANSWERED;
}

bool
mqtt_filter_matches(const char *filter, const char *topic)
{
    bool is_match = false;
    return mosquitto_topic_matches_sub(filter, topic, &is_match) == MOSQ_ERR_SUCCESS && is_match;
}

/* --- what the broker answers --- */

void
mqtt_filters_open(struct mqtt_filters *f, bool is_present)
{
    f->begins_session = !is_present;
    for (size_t i = 0; i < f->length && !is_present; i++) {
        f->items[i].proof = MQTT_PROOF_NONE;
    }
}

void
mqtt_filters_answer(struct mqtt_filters *f, size_t place, int code)
{
    struct mqtt_filter *item = &f->items[place];
    if (mqtt_filter_is_refused(item) || code > item->code) {
        item->proof = MQTT_PROOF_NONE; /* the queue may have what it did not get */
    }
    item->code = (uint8_t)code;
    if (f->begins_session && mqtt_filter_is_granted(item)) {
        item->proof = MQTT_PROOF_OF_ALL; /* nothing is in the queue from before */
    }
}

/* A retained one comes with SUBSCRIBE, before the queue. */
void
mqtt_filter_prove(struct mqtt_filter *f, const struct mosquitto_message *message)
{
    enum mqtt_filter_proof proof = message->qos > 0 ? MQTT_PROOF_OF_ALL : MQTT_PROOF_OF_QOS_0;
    if (!message->retain && proof > f->proof) {
        f->proof = proof;
    }
}

void
mqtt_filters_want_all(struct mqtt_filters *f)
{
    for (size_t i = 0; i < f->length; i++) {
        f->items[i].is_wanted = true;
    }
}

void
mqtt_filters_want_refused(struct mqtt_filters *f)
{
    f->begins_session = false;
    for (size_t i = 0; i < f->length; i++) {
        f->items[i].is_wanted = mqtt_filter_is_refused(&f->items[i]);
    }
}

const char *
mqtt_filters_refused(const struct mqtt_filters *f, int *ret_code)
{
    for (size_t i = 0; i < f->length; i++) {
        if (mqtt_filter_is_refused(&f->items[i])) {
            *ret_code = f->items[i].code;
            return f->items[i].text;
        }
    }
    return NULL;
}

const char *
mqtt_filters_downgraded(const struct mqtt_filters *f, int qos)
{
    for (size_t i = 0; i < f->length; i++) {
        if (mqtt_filter_is_granted(&f->items[i]) && f->items[i].code < qos) {
            return f->items[i].text;
        }
    }
    return NULL;
}

/* --- retained messages --- */

void
mqtt_filters_note_retained(struct mqtt_filters *f)
{
    for (size_t i = 0; i < f->length; i++) {
        struct mqtt_filter *item = &f->items[i];
        item->has_retained = item->has_retained || mqtt_filter_is_granted(item);
    }
}

bool
mqtt_filters_lack_retained(const struct mqtt_filters *f, const char *topic)
{
    for (size_t i = 0; i < f->length; i++) {
        const struct mqtt_filter *item = &f->items[i];
        bool is_meant = topic == NULL ||
                        (!mqtt_filter_is_refused(item) && mqtt_filter_matches(item->text, topic));
        if (!item->has_retained && is_meant) {
            return true;
        }
    }
    return false;
}

/* --- by which one a message came --- */

int
mqtt_filter_has_qos(const struct mqtt_filter *f)
{
    if (f->proof == MQTT_PROOF_NONE || mqtt_filter_is_refused(f)) {
        return MQTT_FILTER_HAS_NONE;
    }
    return f->proof == MQTT_PROOF_OF_ALL ? f->code : 0;
}

bool
mqtt_filters_match(const struct mqtt_filters *f, const char *topic)
{
    for (size_t i = 0; i < f->length; i++) {
        if (mqtt_filter_matches(f->items[i].text, topic)) {
            return true;
        }
    }
    return false;
}

bool
mqtt_filters_have(const struct mqtt_filters *f,
                  size_t length,
                  const struct mosquitto_message *message)
{
    for (size_t i = 0; i < length; i++) {
        const struct mqtt_filter *item = &f->items[i];
        if (mqtt_filter_has_qos(item) >= message->qos &&
            mqtt_filter_matches(item->text, message->topic)) {
            return true;
        }
    }
    return false;
}

struct mqtt_filter *
mqtt_filters_find(const struct mqtt_filters *f, uint32_t identifier)
{
    struct str key = {(const char *)&identifier, sizeof identifier};
    struct map_node *node = map_find(&f->by_identifier, key);
    return node == NULL ? NULL : MAP_ITEM(node, struct mqtt_filter, node);
}
