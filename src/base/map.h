#pragma once
/*
 * Intrusive hash map from byte strings to nodes embedded in the caller's structs. The map owns
 * nothing but its bucket array; keys are borrowed from the nodes. Seeded per process, so that names
 * chosen by clients cannot be aimed at one bucket. One thread at a time.
 */

#include "base/err.h"
#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

struct map_node {
    struct map_node *next;
    uint64_t hash;
    struct str key; /* owned by the struct around the node; must not change while in the map */
};

struct map {
    struct map_node **buckets; /* private to map.c */
    size_t bucket_count;
    size_t length; /* nodes */
};

#define MAP_ITEM(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

/* Any thread. The hash that every map of this process uses; compute once, use in many maps. */
uint64_t map_hash(struct str key);

void map_init(struct map *m);
void map_fini(struct map *m); /* frees the buckets, not the nodes */

/* NULL where there is none. */
struct map_node *map_find(const struct map *m, struct str key);
struct map_node *map_find_hashed(const struct map *m, struct str key, uint64_t hash);

/* The key must not be in the map. node->key must be set; hash is filled in. ERR_MEMORY. */
MUST_CHECK int map_add(struct map *m, struct map_node *node);

/* The node must be in the map. */
void map_remove(struct map *m, struct map_node *node);

/* Visits every node; `visit` may remove the node that it is given. */
void map_each(struct map *m, void (*visit)(void *arg, struct map_node *node), void *arg);
