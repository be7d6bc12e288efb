#include "main/labels.h"

#include "observability/metrics.h"

#include <stdio.h>
#include <stdlib.h>

struct labels {
    struct metrics_series **sources;
    struct metrics_series **routes;
    size_t sources_length, routes_length; /* that are held */
};

static int
labels_add_route(struct labels *l, const struct config *config, struct metrics *metrics)
{
    const struct config_route *route = &config->routes[l->routes_length];
    char *made = NULL;
    if (route->name[0] == '\0' &&
        asprintf(&made, "%s -> %s", route->topic.value, route->channel.value) < 0) {
        return ERR_MEMORY;
    }
    struct metrics_series *series = metrics_series_ref(metrics, config->sources[route->source].name,
                                                       made != NULL ? made : route->name);
    free(made);
    l->routes[l->routes_length] = series;
    l->routes_length += series != NULL;
    return series != NULL ? 0 : ERR_MEMORY;
}

static int
labels_add_source(struct labels *l, const struct config *config, struct metrics *metrics)
{
    const char *name = config->sources[l->sources_length].name;
    struct metrics_series *series = metrics_series_ref(metrics, name, NULL);
    l->sources[l->sources_length] = series;
    l->sources_length += series != NULL;
    return series != NULL ? 0 : ERR_MEMORY;
}

static int
labels_fill(struct labels *l, const struct config *config, struct metrics *metrics)
{
    int r = 0;
    while (r == 0 && l->sources_length < config->sources_length) {
        r = labels_add_source(l, config, metrics);
    }
    while (r == 0 && l->routes_length < config->routes_length) {
        r = labels_add_route(l, config, metrics);
    }
    return r;
}

struct labels *
labels_new(const struct config *config, struct metrics *metrics)
{
    struct labels *l = calloc(1, sizeof *l);
    if (l == NULL) {
        return NULL;
    }
    l->sources = calloc(config->sources_length + 1, sizeof(struct metrics_series *));
    l->routes = calloc(config->routes_length + 1, sizeof(struct metrics_series *));
    if (l->sources == NULL || l->routes == NULL || labels_fill(l, config, metrics) < 0) {
        labels_free(l);
        return NULL;
    }
    return l;
}

void
labels_release_routes(struct labels *l)
{
    for (size_t i = 0; i < l->routes_length; i++) {
        metrics_series_unref(l->routes[i]);
    }
    l->routes_length = 0;
}

void
labels_free(struct labels *l)
{
    if (l == NULL) {
        return;
    }
    labels_release_routes(l);
    for (size_t i = 0; i < l->sources_length; i++) {
        metrics_series_unref(l->sources[i]);
    }
    free(l->routes);
    free(l->sources);
    free(l);
}

struct metrics_series *
labels_source(const struct labels *l, size_t source)
{
    return l->sources[source];
}

struct metrics_series *
labels_route(const struct labels *l, size_t route)
{
    return route < l->routes_length ? l->routes[route] : NULL;
}
