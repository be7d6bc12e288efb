/* Label values. */

#include "main/labels.h"

#include <stdio.h>
#include <stdlib.h>

struct labels {
    const char **sources;
    char **routes; /* each owned */
    size_t routes_length;
};

struct labels *
labels_new(const struct config *config)
{
    struct labels *l = calloc(1, sizeof *l);
    if (l == NULL) {
        return NULL;
    }
    l->sources = calloc(config->sources_length + 1, sizeof(char *));
    l->routes = calloc(config->routes_length + 1, sizeof(char *));
    if (l->sources == NULL || l->routes == NULL) {
        labels_free(l);
        return NULL;
    }
    for (size_t i = 0; i < config->sources_length; i++) {
        l->sources[i] = config->sources[i].name;
    }
    for (size_t i = 0; i < config->routes_length; i++) {
        if (asprintf(&l->routes[i], "%zu %s", i, config->routes[i].topic.value) < 0) {
            labels_free(l);
            return NULL;
        }
        l->routes_length++;
    }
    return l;
}

void
labels_free(struct labels *l)
{
    if (l == NULL) {
        return;
    }
    for (size_t i = 0; i < l->routes_length; i++) {
        free(l->routes[i]);
    }
    free(l->routes);
    free(l->sources);
    free(l);
}

const char *const *
labels_sources(const struct labels *l)
{
    return l->sources;
}

const char *const *
labels_routes(const struct labels *l)
{
    return (const char *const *)l->routes;
}
