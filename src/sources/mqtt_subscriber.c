#include "sources/mqtt_subscriber.h"

#include <mosquitto.h>

#include <mqtt_protocol.h>
#include <stdlib.h>
#include <string.h>

enum {
    MQTT_SUBSCRIBER_UNKNOWN = 0xff, /* no code of SUBACK's */
    MQTT_SUBSCRIBER_QOS_MAX = 2     /* above are the refusals */
};

static bool
mqtt_subscriber_is_granted(const struct mqtt_subscriber_filter *f)
{
    return f->code <= MQTT_SUBSCRIBER_QOS_MAX;
}

static bool
mqtt_subscriber_is_refused(const struct mqtt_subscriber_filter *f)
{
    return f->code > MQTT_SUBSCRIBER_QOS_MAX && f->code != MQTT_SUBSCRIBER_UNKNOWN;
}

int
mqtt_subscriber_init(struct mqtt_subscriber *s, const struct source_settings *settings)
{
    size_t length = settings->subscriptions_length;
    *s = (struct mqtt_subscriber){
        .settings = settings, .length = length, .qos = settings->config->mqtt.qos};
    s->filters = calloc(length > 0 ? length : 1, sizeof *s->filters);
    if (s->filters == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < length; i++) {
        const char *text = settings->subscriptions[i].filter;
        if (mosquitto_sub_topic_check(text) != MOSQ_ERR_SUCCESS) {
            return ERR_SYNTAX;
        }
        s->filters[i] =
            (struct mqtt_subscriber_filter){.text = text, .code = MQTT_SUBSCRIBER_UNKNOWN};
    }
    return 0;
}

void
mqtt_subscriber_fini(struct mqtt_subscriber *s)
{
    free(s->filters);
    s->filters = NULL;
}

/* MQTT 5, with a subscription identifier: those belong to a packet, so that is one filter. */
static int
mqtt_subscriber_ask_for_one(const struct mqtt_subscriber *s,
                            struct mosquitto *client,
                            struct mqtt_subscriber_packet *packet)
{
    mosquitto_property *properties = NULL;
    int result = mosquitto_property_add_varint(&properties, MQTT_PROP_SUBSCRIPTION_IDENTIFIER,
                                               (uint32_t)packet->first + 1);
    if (result == MOSQ_ERR_SUCCESS) {
        result = mosquitto_subscribe_v5(client, &packet->mid, s->filters[packet->first].text,
                                        s->qos, s->options, properties);
    }
    mosquitto_property_free_all(&properties);
    return result;
}

static int
mqtt_subscriber_ask_for_many(const struct mqtt_subscriber *s,
                             struct mosquitto *client,
                             struct mqtt_subscriber_packet *packet)
{
    union {
        const char *ours[MQTT_SUBSCRIBER_BATCH];
        char *library[MQTT_SUBSCRIBER_BATCH]; /* it only reads them */
    } texts;
    for (size_t i = 0; i < packet->length; i++) {
        texts.ours[i] = s->filters[packet->first + i].text;
    }
    return mosquitto_subscribe_multiple(client, &packet->mid, (int)packet->length, texts.library,
                                        s->qos, s->options, NULL);
}

/* Cuts the next packet out of the wanted filters; an empty one where there are none. */
static struct mqtt_subscriber_packet
mqtt_subscriber_cut(struct mqtt_subscriber *s)
{
    size_t most = s->has_identifiers ? 1 : MQTT_SUBSCRIBER_BATCH;
    while (s->next < s->length && !s->filters[s->next].is_wanted) {
        s->next++;
    }
    struct mqtt_subscriber_packet packet = {.first = s->next};
    while (s->next < s->length && s->filters[s->next].is_wanted && packet.length < most) {
        s->filters[s->next++].is_wanted = false;
        packet.length++;
    }
    return packet;
}

/* Fills the window. */
static int
mqtt_subscriber_ask(struct mqtt_subscriber *s, struct mosquitto *client)
{
    size_t under_way = 0;
    for (size_t i = 0; i < MQTT_SUBSCRIBER_WINDOW; i++) {
        struct mqtt_subscriber_packet *packet = &s->packets[i];
        if (packet->length == 0) {
            *packet = mqtt_subscriber_cut(s);
        } else {
            under_way++;
            continue;
        }
        if (packet->length == 0) {
            continue;
        }
        int result = s->has_identifiers ? mqtt_subscriber_ask_for_one(s, client, packet)
                                        : mqtt_subscriber_ask_for_many(s, client, packet);
        if (result != MOSQ_ERR_SUCCESS) {
            return ERR_CONNECT;
        }
        under_way++;
    }
    return under_way == 0 ? MQTT_SUBSCRIBER_E_DONE : 0;
}

int
mqtt_subscriber_start(struct mqtt_subscriber *s,
                      struct mosquitto *client,
                      bool has_identifiers,
                      int options)
{
    memset(s->packets, 0, sizeof s->packets);
    s->has_identifiers = has_identifiers;
    s->options = options;
    s->next = 0;
    for (size_t i = 0; i < s->length; i++) {
        s->filters[i].is_wanted = true;
    }
    return mqtt_subscriber_ask(s, client);
}

int
mqtt_subscriber_retry(struct mqtt_subscriber *s, struct mosquitto *client)
{
    s->next = 0;
    for (size_t i = 0; i < s->length; i++) {
        s->filters[i].is_wanted = mqtt_subscriber_is_refused(&s->filters[i]);
    }
    return mqtt_subscriber_ask(s, client);
}

static struct mqtt_subscriber_packet *
mqtt_subscriber_find(struct mqtt_subscriber *s, int mid)
{
    for (size_t i = 0; i < MQTT_SUBSCRIBER_WINDOW; i++) {
        if (s->packets[i].length > 0 && s->packets[i].mid == mid) {
            return &s->packets[i];
        }
    }
    return NULL;
}

int
mqtt_subscriber_on_suback(
    struct mqtt_subscriber *s, struct mosquitto *client, int mid, int length, const int *codes)
{
    struct mqtt_subscriber_packet *packet = mqtt_subscriber_find(s, mid);
    if (packet == NULL || length < 0 || packet->length != (size_t)length) {
        return ERR_PROTOCOL;
    }
    for (size_t i = 0; i < packet->length; i++) {
        s->filters[packet->first + i].code = (uint8_t)codes[i];
    }
    packet->length = 0;
    return mqtt_subscriber_ask(s, client);
}

const char *
mqtt_subscriber_refused(const struct mqtt_subscriber *s, int *ret_code)
{
    for (size_t i = 0; i < s->length; i++) {
        if (mqtt_subscriber_is_refused(&s->filters[i])) {
            *ret_code = s->filters[i].code;
            return s->filters[i].text;
        }
    }
    return NULL;
}

const char *
mqtt_subscriber_downgraded(const struct mqtt_subscriber *s)
{
    for (size_t i = 0; i < s->length; i++) {
        if (mqtt_subscriber_is_granted(&s->filters[i]) && s->filters[i].code < s->qos) {
            return s->filters[i].text;
        }
    }
    return NULL;
}

static bool
mqtt_subscriber_matches(const struct mqtt_subscriber_filter *f, const char *topic)
{
    bool is_match = false;
    return mosquitto_topic_matches_sub(f->text, topic, &is_match) == MOSQ_ERR_SUCCESS && is_match;
}

/* The identifier as an index, `length` where there is none, or an older configuration's. */
static size_t
mqtt_subscriber_which(const struct mqtt_subscriber *s,
                      const char *topic,
                      const struct mqtt5__property *properties)
{
    uint32_t identifier = 0;
    bool is_ours = s->has_identifiers &&
                   mosquitto_property_read_varint(properties, MQTT_PROP_SUBSCRIPTION_IDENTIFIER,
                                                  &identifier, false) != NULL &&
                   identifier > 0 && identifier <= s->length &&
                   mqtt_subscriber_matches(&s->filters[identifier - 1], topic);
    return is_ours ? identifier - 1 : s->length;
}

/*
 * Where in doubt, no copy: a message twice is better than none. The table that answers is_first()
 * does not know which filters the broker refused, so that only its yes counts.
 */
bool
mqtt_subscriber_is_copy(const struct mqtt_subscriber *s,
                        const char *topic,
                        const struct mqtt5__property *properties)
{
    const struct source_dedup *dedup = &s->settings->dedup;
    size_t which = mqtt_subscriber_which(s, topic, properties);
    if (which == s->length ||
        (dedup->is_first != NULL &&
         dedup->is_first(dedup->arg, s->settings->index, which, str_from(topic)))) {
        return false;
    }
    for (size_t i = 0; i < which; i++) {
        if (mqtt_subscriber_is_granted(&s->filters[i]) &&
            mqtt_subscriber_matches(&s->filters[i], topic)) {
            return true;
        }
    }
    return false;
}
