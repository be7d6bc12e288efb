#include "base/map.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>
#include <xxhash.h>

enum {
    MAP_BUCKETS_MIN = 8,
    MAP_SECRET_BYTES = 192, /* XXH3's own default; one getrandom() of up to 256 is never short */
};

/* A whole random secret, not only a seed: long keys would hide behind XXH3's public one. */
static uint8_t map_secret[MAP_SECRET_BYTES];
static pthread_once_t map_secret_once = PTHREAD_ONCE_INIT;

static void
map_secret_draw(void)
{
    if (getrandom(map_secret, sizeof map_secret, 0) != (ssize_t)sizeof map_secret) {
        abort(); /* a kernel without getrandom(2): guessable maps are worse than none */
    }
}

uint64_t
map_hash(struct str key)
{
    pthread_once(&map_secret_once, map_secret_draw);
    return XXH3_64bits_withSecret(key.data, key.size, map_secret, sizeof map_secret);
}

void
map_init(struct map *m)
{
    *m = (struct map){0};
}

void
map_fini(struct map *m)
{
    free(m->buckets);
    map_init(m);
}

static struct map_node **
map_bucket(const struct map *m, uint64_t hash)
{
    return &m->buckets[hash & (m->bucket_count - 1)];
}

struct map_node *
map_find_hashed(const struct map *m, struct str key, uint64_t hash)
{
    if (m->bucket_count == 0) {
        return NULL;
    }
    struct map_node *node = *map_bucket(m, hash);
    while (node != NULL && (node->hash != hash || !str_equal(node->key, key))) {
        node = node->next;
    }
    return node;
}

struct map_node *
map_find(const struct map *m, struct str key)
{
    return map_find_hashed(m, key, map_hash(key));
}

static void
map_link(struct map *m, struct map_node *node)
{
    struct map_node **bucket = map_bucket(m, node->hash);
    node->next = *bucket;
    *bucket = node;
}

static int
map_resize(struct map *m, size_t bucket_count)
{
    struct map bigger = {.bucket_count = bucket_count, .length = m->length};
    bigger.buckets = calloc(bucket_count, sizeof(struct map_node *));
    if (bigger.buckets == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < m->bucket_count; i++) {
        for (struct map_node *node = m->buckets[i], *next; node != NULL; node = next) {
            next = node->next;
            map_link(&bigger, node);
        }
    }
    free(m->buckets);
    *m = bigger;
    return 0;
}

int
map_add(struct map *m, struct map_node *node)
{
    if (m->length >= m->bucket_count) {
        int err = map_resize(m, m->bucket_count == 0 ? MAP_BUCKETS_MIN : m->bucket_count * 2);
        if (err != 0 && m->bucket_count == 0) {
            return err; /* a map that has buckets goes on with longer chains */
        }
    }
    node->hash = map_hash(node->key);
    assert(map_find_hashed(m, node->key, node->hash) == NULL);
    map_link(m, node);
    m->length++;
    return 0;
}

void
map_remove(struct map *m, struct map_node *node)
{
    assert(m->bucket_count > 0);
    struct map_node **link = map_bucket(m, node->hash);
    while (*link != node) {
        assert(*link != NULL);
        link = &(*link)->next;
    }
    *link = node->next;
    node->next = NULL;
    m->length--;
}

void
map_each(struct map *m, void (*visit)(void *arg, struct map_node *node), void *arg)
{
    for (size_t i = 0; i < m->bucket_count; i++) {
        for (struct map_node *node = m->buckets[i], *next; node != NULL; node = next) {
            next = node->next;
            visit(arg, node);
        }
    }
}
