#include "sources/mqtt_filters.h"
#include "sources/mqtt_retiring.h"

#include <mosquitto.h>

#include <stdlib.h>
#include <xxhash.h>

enum { MQTT_FILTER_IDENTIFIERS = 268435455 }; /* MQTT 5, 3.8.2.1.2: from 1 on */

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
    map_fini(&f->planned_by_identifier);
    map_init(&f->planned_by_identifier);
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
    map_fini(&f->by_identifier);
}

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

uint32_t
mqtt_filter_identifier(const char *text)
{
    struct str bytes = str_from(text);
    return (uint32_t)(XXH3_64bits(bytes.data, bytes.size) % MQTT_FILTER_IDENTIFIERS) + 1;
}

static struct str
mqtt_filters_key(const uint32_t *identifier)
{
    return (struct str){(const char *)identifier, sizeof *identifier};
}

/* The next in the plan. ERR_MEMORY, and it is not in it. */
static int
mqtt_filters_plan_one(struct mqtt_filters *f, struct mqtt_filter filter)
{
    struct mqtt_filter *item = &f->planned[f->planned_length];
    while (map_find(&f->planned_by_identifier, mqtt_filters_key(&filter.identifier)) != NULL) {
        filter.identifier = filter.identifier % MQTT_FILTER_IDENTIFIERS + 1;
    }
    *item = filter;
    item->node = (struct map_node){.key = mqtt_filters_key(&item->identifier)};
    int err = map_add(&f->planned_by_identifier, &item->node);
    f->planned_length += err == 0;
    return err;
}

/* As they stand, in their order. */
static int
mqtt_filters_plan_known(struct mqtt_filters *f, const struct map *names)
{
    int err = 0;
    for (size_t i = 0; i < f->length && err == 0; i++) {
        struct mqtt_filter *item = &f->items[i];
        struct map_node *node = map_find(names, str_from(item->text));
        item->stays = node != NULL;
        if (node != NULL) {
            struct mqtt_filters_name *name = MAP_ITEM(node, struct mqtt_filters_name, node);
            struct mqtt_filter planned = *item;
            planned.index = name->index;
            name->is_known = true;
            err = mqtt_filters_plan_one(f, planned);
        }
    }
    return err;
}

static int
mqtt_filters_plan_text(struct mqtt_filters *f, struct str text, size_t index)
{
    char *copy = str_dup(text);
    if (copy == NULL) {
        return ERR_MEMORY;
    }
    int err =
        mqtt_filters_plan_one(f, (struct mqtt_filter){.text = copy,
                                                      .index = index,
                                                      .identifier = mqtt_filter_identifier(copy),
                                                      .code = MQTT_FILTER_UNANSWERED});
    if (err != 0) {
        free(copy);
    }
    return err;
}

static int
mqtt_filters_plan_new(struct mqtt_filters *f, const struct mqtt_filters_name *names, size_t length)
{
    int err = 0;
    for (size_t i = 0; i < length && err == 0; i++) {
        if (!names[i].is_known) {
            err = mqtt_filters_plan_text(f, names[i].node.key, i);
        }
    }
    return err;
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
        err = mqtt_filters_plan_known(f, &names);
    }
    if (err == 0) {
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
        struct mqtt_filter *item = &f->items[i];
        if (!item->stays) {
            mqtt_retiring_add(retiring, item->text, item->identifier, mqtt_filter_has_qos(item));
        }
    }
}

void
mqtt_filters_adopt(struct mqtt_filters *f, struct mqtt_retiring *retiring)
{
    mqtt_filters_retire(f, retiring);
    free(f->items);
    map_fini(&f->by_identifier);
    f->items = f->planned;
    f->length = f->planned_length;
    f->by_identifier = f->planned_by_identifier;
    f->planned = NULL;
    f->planned_length = 0;
    map_init(&f->planned_by_identifier);
    f->is_in_order = false;
    f->begins_session = false;
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
