/* The series of sources and routes, by name. Ingest loop, so their cells need no atomics. */

#include "observability/metrics_private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { METRICS_LABELS_SIZE_MAX = 16 * 1024 * 1024 }; /* a config has 8 MiB */

void
metrics_series_init(struct metrics *m, size_t routes_max)
{
    map_init(&m->series);
    m->routes_max = routes_max;
    for (enum metrics_owner owner = 0; owner < METRICS_OWNERS; owner++) {
        list_init(&m->used[owner]);
        list_init(&m->unused[owner]);
    }
}

static void
metrics_series_free(struct metrics_series *s)
{
    if (!list_is_unlinked(&s->node)) {
        map_remove(&s->metrics->series, &s->by_key);
        list_remove(&s->node);
    }
    buf_fini(&s->labels);
    free(s->cells);
    free(s);
}

static void
metrics_series_free_node(void *arg, struct map_node *node)
{
    (void)arg;
    metrics_series_free(MAP_ITEM(node, struct metrics_series, by_key));
}

void
metrics_series_fini(struct metrics *m)
{
    map_each(&m->series, metrics_series_free_node, NULL);
    map_fini(&m->series);
}

/* Writes source, its end, and the route. */
static struct str
metrics_series_write_key(char *key, const char *source, const char *route)
{
    size_t size = strlen(source) + 1;
    memcpy(key, source, size);
    if (route != NULL) {
        memcpy(key + size, route, strlen(route) + 1);
        size += strlen(route) + 1;
    }
    return (struct str){key, size};
}

static size_t
metrics_series_key_size(const char *source, const char *route)
{
    return strlen(source) + 1 + (route != NULL ? strlen(route) + 1 : 0);
}

/* Backslash, quote and line feed are the format's own; everything else stands as it is. */
static int
metrics_write_value(struct buf *out, const char *value)
{
    int rc = 0;
    for (const char *c = value; *c != '\0' && rc == 0; c++) {
        if (*c == '\\' || *c == '"') {
            rc = buf_append_char(out, '\\');
        }
        if (rc == 0) {
            rc = *c == '\n' ? buf_append_str(out, STR("\\n")) : buf_append_char(out, *c);
        }
    }
    return rc == 0 ? buf_append_char(out, '"') : rc;
}

static int
metrics_series_write_labels(struct metrics_series *s, const char *source, const char *route)
{
    int rc = buf_append_str(&s->labels, STR("source=\""));
    rc = rc == 0 ? metrics_write_value(&s->labels, source) : rc;
    if (rc == 0 && route != NULL) {
        rc = buf_append_str(&s->labels, STR(",route=\""));
        rc = rc == 0 ? metrics_write_value(&s->labels, route) : rc;
    }
    return rc;
}

/* With no reference yet. NULL on OOM. */
static struct metrics_series *
metrics_series_new(struct metrics *m, const char *source, const char *route)
{
    struct metrics_series *s = calloc(1, sizeof(*s) + metrics_series_key_size(source, route));
    if (s == NULL) {
        return NULL;
    }
    s->metrics = m;
    s->owner = route != NULL ? METRICS_ROUTE : METRICS_SOURCE;
    s->is_shared = route != NULL && strcmp(route, METRICS_OTHER) == 0;
    s->by_key.key = metrics_series_write_key(s->key, source, route);
    list_init(&s->node);
    buf_init(&s->labels, METRICS_LABELS_SIZE_MAX);
    s->cells = calloc(m->lengths[s->owner], sizeof(*s->cells));
    if (s->cells == NULL || metrics_series_write_labels(s, source, route) < 0 ||
        map_add(&m->series, &s->by_key) < 0) {
        metrics_series_free(s);
        return NULL;
    }
    list_push_back(&m->unused[s->owner], &s->node);
    return s;
}

/* NULL where there is none, and on OOM. */
static struct metrics_series *
metrics_series_find(struct metrics *m, const char *source, const char *route)
{
    char *key = malloc(metrics_series_key_size(source, route));
    if (key == NULL) {
        return NULL;
    }
    struct map_node *node = map_find(&m->series, metrics_series_write_key(key, source, route));
    free(key);
    return node != NULL ? MAP_ITEM(node, struct metrics_series, by_key) : NULL;
}

/* True where one more route may have a series of its own. */
static bool
metrics_series_make_room(struct metrics *m)
{
    if (m->routes_length < m->routes_max) {
        return true;
    }
    LIST_FOR_EACH_SAFE (node, following, &m->unused[METRICS_ROUTE]) {
        struct metrics_series *s = LIST_ITEM(node, struct metrics_series, node);
        if (!s->is_shared) {
            metrics_series_free(s);
            m->routes_length--;
            return true;
        }
    }
    return false;
}

static struct metrics_series *
metrics_series_get(struct metrics *m, const char *source, const char *route)
{
    struct metrics_series *s = metrics_series_find(m, source, route);
    if (s != NULL) {
        return s;
    }
    if (route == NULL || strcmp(route, METRICS_OTHER) == 0) {
        return metrics_series_new(m, source, route);
    }
    if (!metrics_series_make_room(m)) {
        return metrics_series_get(m, source, METRICS_OTHER);
    }
    s = metrics_series_new(m, source, route);
    m->routes_length += s != NULL;
    return s;
}

struct metrics_series *
metrics_series_ref(struct metrics *m, const char *source, const char *route)
{
    struct metrics_series *s = metrics_series_get(m, source, route);
    if (s != NULL && s->refs++ == 0) {
        list_remove(&s->node);
        list_push_back(&m->used[s->owner], &s->node);
    }
    return s;
}

void
metrics_series_unref(struct metrics_series *s)
{
    if (s != NULL && --s->refs == 0) {
        list_remove(&s->node);
        list_push_back(&s->metrics->unused[s->owner], &s->node);
    }
}

static int64_t *
metrics_series_cell(const struct metrics_series *s, enum metric metric, size_t label)
{
    assert(metrics_table[metric].owner == s->owner);
    assert(label < metrics_labels[metrics_table[metric].label].length);
    return &s->cells[s->metrics->offsets[metric] + label];
}

void
metrics_series_add(struct metrics_series *s, enum metric metric, size_t label, uint64_t n)
{
    if (s != NULL) {
        *metrics_series_cell(s, metric, label) += (int64_t)n;
    }
}

void
metrics_series_set(struct metrics_series *s, enum metric metric, size_t label, int64_t value)
{
    if (s != NULL) {
        *metrics_series_cell(s, metric, label) = value;
    }
}

int64_t
metrics_series_read(const struct metrics_series *s, enum metric metric, size_t label)
{
    return s != NULL ? *metrics_series_cell(s, metric, label) : 0;
}
