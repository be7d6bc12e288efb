#include "sources/pubsub_filters.h"

#include "base/map.h"

#include <stdlib.h>

struct pubsub_filter {
    struct map_node node;
    size_t index;
};

/* A filter that is a channel and one that is a pattern may read alike: hence two maps. */
struct pubsub_filters {
    struct pubsub_filter *items; /* owned, as the lists below; as the source's subscriptions */
    struct map channels;
    struct map patterns;
    struct redis_subscription *all, *added, *removed;
    struct redis_resubscription change; /* those lists */
};

static const struct map *
filters_map(const struct pubsub_filters *f, bool is_pattern)
{
    return is_pattern ? &f->patterns : &f->channels;
}

static bool
filters_have(const struct pubsub_filters *f, const struct redis_subscription *s)
{
    return f != NULL && map_find(filters_map(f, s->is_pattern), str_from(s->filter)) != NULL;
}

static int
filters_add(struct pubsub_filters *f, const struct source_subscription *from, size_t index)
{
    struct pubsub_filter *item = &f->items[index];
    f->all[index] = (struct redis_subscription){from->filter, from->is_pattern};
    *item = (struct pubsub_filter){.node = {.key = str_from(from->filter)}, .index = index};
    return map_add(from->is_pattern ? &f->patterns : &f->channels, &item->node);
}

/* Those of the list that `others` do not have; how many. */
static size_t
list_without(const struct redis_subscription *list,
             size_t length,
             const struct pubsub_filters *others,
             struct redis_subscription *to)
{
    size_t kept = 0;
    for (size_t i = 0; i < length; i++) {
        if (!filters_have(others, &list[i])) {
            to[kept++] = list[i];
        }
    }
    return kept;
}

static int
filters_fill(struct pubsub_filters *f,
             const struct source_subscription *subscriptions,
             size_t length,
             const struct pubsub_filters *old)
{
    size_t old_length = old != NULL ? old->change.all_length : 0;
    f->items = calloc(length + 1, sizeof *f->items);
    f->all = calloc(length + 1, sizeof *f->all);
    f->added = calloc(length + 1, sizeof *f->added);
    f->removed = calloc(old_length + 1, sizeof *f->removed);
    if (f->items == NULL || f->all == NULL || f->added == NULL || f->removed == NULL) {
        return ERR_MEMORY;
    }
    int err = 0;
    for (size_t i = 0; i < length && err == 0; i++) {
        err = filters_add(f, &subscriptions[i], i);
    }
    f->change = (struct redis_resubscription){
        .all = f->all,
        .all_length = length,
        .added = f->added,
        .added_length = list_without(f->all, length, old, f->added),
        .removed = f->removed,
        .removed_length = old_length > 0 ? list_without(old->all, old_length, f, f->removed) : 0,
    };
    return err;
}

struct pubsub_filters *
pubsub_filters_new(const struct source_subscription *subscriptions,
                   size_t length,
                   const struct pubsub_filters *old)
{
    struct pubsub_filters *f = calloc(1, sizeof *f);
    if (f == NULL) {
        return NULL;
    }
    map_init(&f->channels);
    map_init(&f->patterns);
    if (filters_fill(f, subscriptions, length, old) != 0) {
        pubsub_filters_free(f);
        return NULL;
    }
    return f;
}

void
pubsub_filters_free(struct pubsub_filters *f)
{
    if (f != NULL) {
        map_fini(&f->channels);
        map_fini(&f->patterns);
        free(f->items);
        free(f->all);
        free(f->added);
        free(f->removed);
        free(f);
    }
}

bool
pubsub_filters_find(const struct pubsub_filters *f,
                    struct str filter,
                    bool is_pattern,
                    size_t *ret_index)
{
    struct map_node *node = map_find(filters_map(f, is_pattern), filter);
    if (node == NULL) {
        return false;
    }
    *ret_index = MAP_ITEM(node, struct pubsub_filter, node)->index;
    return true;
}

const struct redis_resubscription *
pubsub_filters_change(const struct pubsub_filters *f)
{
    return &f->change;
}
