#include "sources/mqtt_subscriber.h"

#include "event/loop.h"
#include "sources/mqtt_copies.h"

#include <mosquitto.h>

#include <mqtt_protocol.h>
#include <string.h>

int
mqtt_subscriber_init(struct mqtt_subscriber *s, const struct source_settings *settings)
{
    *s = (struct mqtt_subscriber){.settings = settings, .qos = settings->config->mqtt.qos};
    int err = mqtt_subscriber_plan(s, settings->subscriptions, settings->subscriptions_length);
    if (err == 0) {
        mqtt_subscriber_adopt(s);
        mqtt_subscriber_settle(s);
    }
    return err;
}

void
mqtt_subscriber_fini(struct mqtt_subscriber *s)
{
    mqtt_filters_fini(&s->filters);
    mqtt_retiring_fini(&s->retiring);
}

bool
mqtt_subscriber_is_busy(const struct mqtt_subscriber *s)
{
    for (size_t i = 0; i < MQTT_SUBSCRIBER_WINDOW; i++) {
        if (s->packets[i].length > 0) {
            return true;
        }
    }
    return s->unsubscribing > 0;
}

int
mqtt_subscriber_plan(struct mqtt_subscriber *s,
                     const struct source_subscription *subscriptions,
                     size_t length)
{
    int err = mqtt_filters_plan(&s->filters, subscriptions, length);
    return err != 0 ? err : mqtt_retiring_reserve(&s->retiring, s->filters.length);
}

void
mqtt_subscriber_adopt(struct mqtt_subscriber *s)
{
    mqtt_filters_adopt(&s->filters, &s->retiring);
}

void
mqtt_subscriber_settle(struct mqtt_subscriber *s)
{
    mqtt_retiring_forget_taken(&s->retiring);
    mqtt_filters_settle(&s->filters);
}

void
mqtt_subscriber_open(struct mqtt_subscriber *s, bool is_present)
{
    mqtt_filters_open(&s->filters, is_present);
    if (!is_present) {
        mqtt_retiring_clear(&s->retiring);
        s->unsubscribing = 0;
    }
}

/* MQTT 5, with a subscription identifier: those belong to a packet, so that is one filter. */
static int
mqtt_subscriber_ask_for_one(const struct mqtt_subscriber *s,
                            struct mosquitto *client,
                            struct mqtt_subscriber_packet *packet)
{
    mosquitto_property *properties = NULL;
    int result = mosquitto_property_add_varint(&properties, MQTT_PROP_SUBSCRIPTION_IDENTIFIER,
                                               s->filters.items[packet->first].identifier);
    if (result == MOSQ_ERR_SUCCESS) {
        result = mosquitto_subscribe_v5(client, &packet->mid, s->filters.items[packet->first].text,
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
        texts.ours[i] = s->filters.items[packet->first + i].text;
    }
    return mosquitto_subscribe_multiple(client, &packet->mid, (int)packet->length, texts.library,
                                        s->qos, s->options, NULL);
}

/* Cuts the next packet out of the wanted filters; an empty one where there are none. */
static struct mqtt_subscriber_packet
mqtt_subscriber_cut(struct mqtt_subscriber *s)
{
    size_t most = s->has_identifiers ? 1 : MQTT_SUBSCRIBER_BATCH;
    while (s->next < s->filters.length && !s->filters.items[s->next].is_wanted) {
        s->next++;
    }
    struct mqtt_subscriber_packet packet = {.first = s->next};
    while (s->next < s->filters.length && s->filters.items[s->next].is_wanted &&
           packet.length < most) {
        s->filters.items[s->next++].is_wanted = false;
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
    s->unsubscribing = 0;
    mqtt_retiring_restart(&s->retiring);
    s->has_identifiers = has_identifiers;
    s->options = options;
    s->next = 0;
    mqtt_filters_want_all(&s->filters);
    return mqtt_subscriber_ask(s, client);
}

int
mqtt_subscriber_add(struct mqtt_subscriber *s, struct mosquitto *client, int options)
{
    s->options = options;
    s->next = 0;
    return mqtt_subscriber_ask(s, client);
}

/* As many as there are from `begin` on, at most a batch; a result of libmosquitto's. */
static int
mqtt_subscriber_give_up(struct mqtt_subscriber *s,
                        struct mosquitto *client,
                        size_t begin,
                        size_t *ret_end)
{
    char *texts[MQTT_SUBSCRIBER_BATCH];
    int length = 0;
    size_t i = begin;
    for (; i < s->retiring.length && length < MQTT_SUBSCRIBER_BATCH; i++) {
        struct mqtt_retiring_filter *f = &s->retiring.filters[i];
        if (!f->is_asked) {
            f->is_asked = true;
            texts[length++] = f->text;
        }
    }
    *ret_end = i;
    if (length == 0) {
        return MOSQ_ERR_SUCCESS;
    }
    s->unsubscribing++;
    return mosquitto_unsubscribe_multiple(client, NULL, length, texts, NULL);
}

int
mqtt_subscriber_unsubscribe(struct mqtt_subscriber *s, struct mosquitto *client)
{
    for (size_t i = 0; i < s->retiring.length;) {
        if (mqtt_subscriber_give_up(s, client, i, &i) != MOSQ_ERR_SUCCESS) {
            return ERR_CONNECT;
        }
    }
    return 0;
}

void
mqtt_subscriber_on_unsuback(struct mqtt_subscriber *s)
{
    if (s->unsubscribing > 0 && --s->unsubscribing == 0) {
        mqtt_retiring_confirm(&s->retiring, loop_now_ms(s->settings->loop));
    }
}

int
mqtt_subscriber_retry(struct mqtt_subscriber *s, struct mosquitto *client)
{
    s->next = 0;
    mqtt_filters_want_refused(&s->filters);
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
        mqtt_filters_answer(&s->filters, packet->first + i, codes[i]);
    }
    packet->length = 0;
    return mqtt_subscriber_ask(s, client);
}

bool
mqtt_subscriber_is_spare(struct mqtt_subscriber *s,
                         const struct mosquitto_message *message,
                         const struct mqtt5__property *properties)
{
    const struct mqtt_copies copies = {s->settings, &s->filters, &s->retiring};
    return s->has_identifiers && mqtt_copies_is_spare(&copies, message, properties);
}
