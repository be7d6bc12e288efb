#include "sources/mqtt_filters.h"

#include "base/map.h"
#include "sources/mqtt_retiring.h"

#include <mosquitto.h>

#include <stdlib.h>

enum {
    MQTT_FILTER_UNANSWERED = 0xff, /* no code of SUBACK's */
    MQTT_FILTER_QOS_MAX = 2        /* above are the refusals */
};

bool
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
mqtt_filter_matches(const struct mqtt_filter *f, const char *topic)
{
    bool is_match = false;
    return mosquitto_topic_matches_sub(f->text, topic, &is_match) == MOSQ_ERR_SUCCESS && is_match;
}

static void
mqtt_filters_forget_plan(struct mqtt_filters *f)
{
    for (size_t i = 0; i < f->planned_length; i++) {
        if (!f->planned[i].stays) {
            free(f->planned[i].text);
        }
    }
    free(f->planned);
    f->planned = NULL;
    f->planned_length = 0;
}

void
mqtt_filters_fini(struct mqtt_filters *f)
{
    mqtt_filters_forget_plan(f);
    for (size_t i = 0; i < f->length; i++) {
        free(f->items[i].text);
    }
    free(f->items);
    f->items = NULL;
    f->length = 0;
}

/* --- the plan --- */

struct mqtt_filters_name {
    struct map_node node;
    size_t index;
    bool is_known;
};

static int
mqtt_filters_check(const struct source_subscription *subscriptions, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (mosquitto_sub_topic_check(subscriptions[i].filter) != MOSQ_ERR_SUCCESS) {
            return ERR_SYNTAX;
        }
    }
    return 0;
}

/* The subscriptions by their text. */
static int
mqtt_filters_name_all(struct map *names,
                      struct mqtt_filters_name *items,
                      const struct source_subscription *subscriptions,
                      size_t length)
{
    int err = 0;
    for (size_t i = 0; i < length && err == 0; i++) {
        items[i] = (struct mqtt_filters_name){.node = {.key = str_from(subscriptions[i].filter)},
                                              .index = i};
        err = map_add(names, &items[i].node);
    }
    return err;
}

/* As they stand, in their order. */
static void
mqtt_filters_plan_known(struct mqtt_filters *f, const struct map *names)
{
    for (size_t i = 0; i < f->length; i++) {
        struct mqtt_filter *item = &f->items[i];
        struct map_node *node = map_find(names, str_from(item->text));
        item->stays = node != NULL;
        if (node != NULL) {
            struct mqtt_filters_name *name = MAP_ITEM(node, struct mqtt_filters_name, node);
            name->is_known = true;
            f->planned[f->planned_length] = *item;
            f->planned[f->planned_length++].index = name->index;
        }
    }
}

static int
mqtt_filters_plan_new(struct mqtt_filters *f, const struct mqtt_filters_name *names, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (names[i].is_known) {
            continue;
        }
        char *text = str_dup(names[i].node.key);
        if (text == NULL) {
            return ERR_MEMORY;
        }
        f->planned[f->planned_length++] = (struct mqtt_filter){.text = text,
                                                               .index = i,
                                                               .identifier = ++f->last_identifier,
                                                               .code = MQTT_FILTER_UNANSWERED};
    }
    return 0;
}

static int
mqtt_filters_plan_all(struct mqtt_filters *f,
                      struct mqtt_filters_name *items,
                      const struct source_subscription *subscriptions,
                      size_t length)
{
    struct map names;
    map_init(&names);
    int err = mqtt_filters_name_all(&names, items, subscriptions, length);
    if (err == 0) {
        mqtt_filters_plan_known(f, &names);
        err = mqtt_filters_plan_new(f, items, length);
    }
    map_fini(&names);
    return err;
}

int
mqtt_filters_plan(struct mqtt_filters *f,
                  const struct source_subscription *subscriptions,
                  size_t length)
{
    struct mqtt_filters_name *items = calloc(length + 1, sizeof *items);
    mqtt_filters_forget_plan(f);
    f->planned = calloc(length + 1, sizeof *f->planned);
    int err = mqtt_filters_check(subscriptions, length);
    if (items == NULL || f->planned == NULL) {
        err = ERR_MEMORY;
    }
    if (err == 0) {
        err = mqtt_filters_plan_all(f, items, subscriptions, length);
    }
    free(items);
    return err;
}

static void
mqtt_filters_retire(struct mqtt_filters *f, struct mqtt_retiring *retiring)
{
    mqtt_retiring_begin_round(retiring);
    for (size_t i = 0; i < f->length; i++) {
        if (!f->items[i].stays) {
            mqtt_retiring_add(retiring, f->items[i].text, f->items[i].identifier);
        }
    }
}

void
mqtt_filters_adopt(struct mqtt_filters *f, struct mqtt_retiring *retiring)
{
    mqtt_filters_retire(f, retiring);
    free(f->items);
    f->items = f->planned;
    f->length = f->planned_length;
    f->planned = NULL;
    f->planned_length = 0;
    f->is_in_order = false;
    for (size_t i = 0; i < f->length; i++) {
        struct mqtt_filter *item = &f->items[i];
        item->is_wanted = !item->stays;
        if (item->is_wanted) {
            mqtt_retiring_remove(retiring, item->text);
        }
    }
}

void
mqtt_filters_settle(struct mqtt_filters *f)
{
    f->is_in_order = true;
    for (size_t i = 0; i < f->length; i++) {
        f->is_in_order = f->is_in_order && f->items[i].index == i;
    }
}

/* --- what the broker answers --- */

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

/* --- by which one a message came --- */

bool
mqtt_filters_match(const struct mqtt_filters *f, const char *topic)
{
    for (size_t i = 0; i < f->length; i++) {
        if (mqtt_filter_matches(&f->items[i], topic)) {
            return true;
        }
    }
    return false;
}

/* The identifiers rise from place to place. */
size_t
mqtt_filters_find(const struct mqtt_filters *f, uint32_t identifier)
{
    size_t low = 0;
    size_t high = f->length;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (f->items[middle].identifier < identifier) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < f->length && f->items[low].identifier == identifier ? low : f->length;
}
