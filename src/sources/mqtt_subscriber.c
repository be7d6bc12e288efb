#include "sources/mqtt_subscriber.h"

#include "base/map.h"
#include "event/loop.h"

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

static int
mqtt_subscriber_check(const struct source_subscription *subscriptions, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (mosquitto_sub_topic_check(subscriptions[i].filter) != MOSQ_ERR_SUCCESS) {
            return ERR_SYNTAX;
        }
    }
    return 0;
}

static void
mqtt_subscriber_forget_plan(struct mqtt_subscriber *s)
{
    for (size_t i = 0; i < s->planned_length; i++) {
        if (!s->planned[i].stays) {
            free(s->planned[i].text);
        }
    }
    free(s->planned);
    s->planned = NULL;
    s->planned_length = 0;
}

int
mqtt_subscriber_init(struct mqtt_subscriber *s, const struct source_settings *settings)
{
    *s = (struct mqtt_subscriber){
        .settings = settings, .qos = settings->config->mqtt.qos, .is_in_order = true};
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
    mqtt_subscriber_forget_plan(s);
    mqtt_retiring_fini(&s->retiring);
    for (size_t i = 0; i < s->length; i++) {
        free(s->filters[i].text);
    }
    free(s->filters);
    s->filters = NULL;
    s->length = 0;
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

/* --- other filters --- */

struct mqtt_subscriber_name {
    struct map_node node;
    size_t index;
    bool is_known;
};

/* The subscriptions by their text. */
static int
mqtt_subscriber_name_all(struct map *names,
                         struct mqtt_subscriber_name *items,
                         const struct source_subscription *subscriptions,
                         size_t length)
{
    int err = 0;
    for (size_t i = 0; i < length && err == 0; i++) {
        items[i] = (struct mqtt_subscriber_name){.node = {.key = str_from(subscriptions[i].filter)},
                                                 .index = i};
        err = map_add(names, &items[i].node);
    }
    return err;
}

/* As they stand, in their order. */
static void
mqtt_subscriber_plan_known(struct mqtt_subscriber *s, const struct map *names)
{
    for (size_t i = 0; i < s->length; i++) {
        struct mqtt_subscriber_filter *f = &s->filters[i];
        struct map_node *node = map_find(names, str_from(f->text));
        f->stays = node != NULL;
        if (node != NULL) {
            struct mqtt_subscriber_name *name = MAP_ITEM(node, struct mqtt_subscriber_name, node);
            name->is_known = true;
            s->planned[s->planned_length] = *f;
            s->planned[s->planned_length++].index = name->index;
        }
    }
}

static int
mqtt_subscriber_plan_new(struct mqtt_subscriber *s,
                         const struct mqtt_subscriber_name *names,
                         size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (names[i].is_known) {
            continue;
        }
        char *text = str_dup(names[i].node.key);
        if (text == NULL) {
            return ERR_MEMORY;
        }
        s->planned[s->planned_length++] =
            (struct mqtt_subscriber_filter){.text = text,
                                            .index = i,
                                            .identifier = ++s->last_identifier,
                                            .code = MQTT_SUBSCRIBER_UNKNOWN};
    }
    return 0;
}

static int
mqtt_subscriber_plan_filters(struct mqtt_subscriber *s,
                             struct mqtt_subscriber_name *items,
                             const struct source_subscription *subscriptions,
                             size_t length)
{
    struct map names;
    map_init(&names);
    int err = mqtt_subscriber_name_all(&names, items, subscriptions, length);
    if (err == 0) {
        mqtt_subscriber_plan_known(s, &names);
        err = mqtt_subscriber_plan_new(s, items, length);
    }
    map_fini(&names);
    return err != 0 ? err : mqtt_retiring_reserve(&s->retiring, s->length);
}

int
mqtt_subscriber_plan(struct mqtt_subscriber *s,
                     const struct source_subscription *subscriptions,
                     size_t length)
{
    struct mqtt_subscriber_name *items = calloc(length + 1, sizeof *items);
    mqtt_subscriber_forget_plan(s);
    s->planned = calloc(length + 1, sizeof *s->planned);
    int err = mqtt_subscriber_check(subscriptions, length);
    if (items == NULL || s->planned == NULL) {
        err = ERR_MEMORY;
    }
    if (err == 0) {
        err = mqtt_subscriber_plan_filters(s, items, subscriptions, length);
    }
    free(items);
    return err;
}

void
mqtt_subscriber_adopt(struct mqtt_subscriber *s)
{
    mqtt_retiring_begin_round(&s->retiring);
    for (size_t i = 0; i < s->length; i++) {
        if (!s->filters[i].stays) {
            mqtt_retiring_add(&s->retiring, s->filters[i].text, s->filters[i].identifier);
        }
    }
    free(s->filters);
    s->filters = s->planned;
    s->length = s->planned_length;
    s->planned = NULL;
    s->planned_length = 0;
    s->is_in_order = false;
    for (size_t i = 0; i < s->length; i++) {
        struct mqtt_subscriber_filter *f = &s->filters[i];
        f->is_wanted = !f->stays;
        if (f->is_wanted) {
            mqtt_retiring_remove(&s->retiring, f->text);
        }
    }
}

void
mqtt_subscriber_settle(struct mqtt_subscriber *s)
{
    mqtt_retiring_forget_taken(&s->retiring);
    s->is_in_order = true;
    for (size_t i = 0; i < s->length; i++) {
        s->is_in_order = s->is_in_order && s->filters[i].index == i;
    }
}

void
mqtt_subscriber_forget(struct mqtt_subscriber *s)
{
    mqtt_retiring_clear(&s->retiring);
    s->unsubscribing = 0;
}

/* MQTT 5, with a subscription identifier: those belong to a packet, so that is one filter. */
static int
mqtt_subscriber_ask_for_one(const struct mqtt_subscriber *s,
                            struct mosquitto *client,
                            struct mqtt_subscriber_packet *packet)
{
    mosquitto_property *properties = NULL;
    int result = mosquitto_property_add_varint(&properties, MQTT_PROP_SUBSCRIPTION_IDENTIFIER,
                                               s->filters[packet->first].identifier);
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
    s->unsubscribing = 0;
    mqtt_retiring_restart(&s->retiring);
    s->has_identifiers = has_identifiers;
    s->options = options;
    s->next = 0;
    for (size_t i = 0; i < s->length; i++) {
        s->filters[i].is_wanted = true;
    }
    return mqtt_subscriber_ask(s, client);
}

int
mqtt_subscriber_add(struct mqtt_subscriber *s, struct mosquitto *client)
{
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

/* 0: there is none. */
static uint32_t
mqtt_subscriber_identifier(const struct mqtt_subscriber *s,
                           const struct mqtt5__property *properties)
{
    uint32_t identifier = 0;
    if (s->has_identifiers) {
        (void)mosquitto_property_read_varint(properties, MQTT_PROP_SUBSCRIPTION_IDENTIFIER,
                                             &identifier, false);
    }
    return identifier;
}

/*
 * The place of the filter that has the identifier, `length` where none does, or it is an older process's. The
 * identifiers rise from place to place.
 */
static size_t
mqtt_subscriber_which(const struct mqtt_subscriber *s, const char *topic, uint32_t identifier)
{
    size_t low = 0;
    size_t high = s->length;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->filters[middle].identifier < identifier) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool is_ours = low < s->length && s->filters[low].identifier == identifier &&
                   mqtt_subscriber_matches(&s->filters[low], topic);
    return is_ours ? low : s->length;
}

/*
 * Whether an older filter gets the message too. The table that answers is_first() does not know which filters the
 * broker refused, so that only its yes counts.
 */
static bool
mqtt_subscriber_is_younger(const struct mqtt_subscriber *s, const char *topic, size_t which)
{
    const struct source_dedup *dedup = &s->settings->dedup;
    if (s->is_in_order && dedup->is_first != NULL &&
        dedup->is_first(dedup->arg, which, str_from(topic))) {
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

static bool
mqtt_subscriber_is_wanted(const struct mqtt_subscriber *s, const char *topic)
{
    for (size_t i = 0; i < s->length; i++) {
        if (mqtt_subscriber_matches(&s->filters[i], topic)) {
            return true;
        }
    }
    return false;
}

/* One that came by a filter on its way out. */
static bool
mqtt_subscriber_is_retired_copy(struct mqtt_subscriber *s,
                                const struct mqtt_retiring_filter *by,
                                const struct mosquitto_message *message)
{
    s->retiring.heard_ms = loop_now_ms(s->settings->loop);
    return mqtt_retiring_is_younger(&s->retiring, by, message->topic) ||
           (mqtt_subscriber_is_wanted(s, message->topic) &&
            mqtt_retiring_is_copy(&s->retiring, true, message));
}

/* Where in doubt, no copy: a message twice is better than none. */
bool
mqtt_subscriber_is_copy(struct mqtt_subscriber *s,
                        const struct mosquitto_message *message,
                        const struct mqtt5__property *properties)
{
    uint32_t identifier = mqtt_subscriber_identifier(s, properties);
    const struct mqtt_retiring_filter *retired = mqtt_retiring_find(&s->retiring, identifier);
    if (retired != NULL) {
        return mqtt_subscriber_is_retired_copy(s, retired, message);
    }
    size_t which = mqtt_subscriber_which(s, message->topic, identifier);
    if (which == s->length) {
        return false;
    }
    if (mqtt_subscriber_is_younger(s, message->topic, which)) {
        return true;
    }
    if (!mqtt_retiring_matches(&s->retiring, message->topic)) {
        return false;
    }
    /* A retained one came by the other filter long ago. */
    return message->retain || mqtt_retiring_is_copy(&s->retiring, false, message);
}
