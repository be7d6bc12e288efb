#include "observability/health.h"

#include "base/list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct health_component {
    struct list node;
    bool is_up;
    char why[HEALTH_WHY_SIZE_MAX]; /* terminated */
    char name[];                   /* terminated */
};

struct health {
    struct list components;
    bool was_ready;
    bool is_draining;
    bool is_incomplete; /* a component did not fit into memory: nobody can say that it is up */
};

struct health *
health_new(void)
{
    struct health *h = calloc(1, sizeof(*h));
    if (h != NULL) {
        list_init(&h->components);
    }
    return h;
}

void
health_free(struct health *h)
{
    if (h == NULL) {
        return;
    }
    LIST_FOR_EACH_SAFE (node, following, &h->components) {
        free(LIST_ITEM(node, struct health_component, node));
    }
    free(h);
}

static struct health_component *
health_find(const struct health *h, const char *name)
{
    LIST_FOR_EACH_SAFE (node, following, &h->components) {
        struct health_component *c = LIST_ITEM(node, struct health_component, node);
        if (strcmp(c->name, name) == 0) {
            return c;
        }
    }
    return NULL;
}

static struct health_component *
health_add(struct health *h, const char *name)
{
    size_t size = strlen(name) + 1;
    struct health_component *c = calloc(1, sizeof(*c) + size);
    if (c == NULL) {
        h->is_incomplete = true;
        return NULL;
    }
    memcpy(c->name, name, size);
    list_push_back(&h->components, &c->node);
    return c;
}

bool
health_is_ready(const struct health *h)
{
    LIST_FOR_EACH_SAFE (node, following, &h->components) {
        if (!LIST_ITEM(node, struct health_component, node)->is_up) {
            return false;
        }
    }
    return !h->is_draining && !h->is_incomplete;
}

void
health_set(struct health *h, const char *name, bool is_up, const char *why)
{
    struct health_component *c = health_find(h, name);
    if (c == NULL) {
        c = health_add(h, name);
    }
    if (c != NULL) {
        c->is_up = is_up;
        (void)snprintf(c->why, sizeof(c->why), "%s", why);
    }
    h->was_ready = h->was_ready || health_is_ready(h);
}

void
health_remove(struct health *h, const char *name)
{
    struct health_component *c = health_find(h, name);
    if (c != NULL) {
        list_remove(&c->node);
        free(c);
    }
}

void
health_set_draining(struct health *h)
{
    h->is_draining = true;
}

bool
health_is_serving(const struct health *h)
{
    return h->was_ready && !h->is_draining;
}

static int
health_render_component(const struct health_component *c, struct buf *out)
{
    return buf_printf(out, "%s %s%s%s\n", c->is_up ? "ok" : "down", c->name,
                      c->why[0] != '\0' ? ": " : "", c->why);
}

int
health_render(const struct health *h, struct buf *out)
{
    int rc = 0;
    if (h->is_draining) {
        rc = buf_append_str(out, STR("down process: draining\n"));
    }
    if (rc == 0 && h->is_incomplete) {
        rc = buf_append_str(out, STR("down process: out of memory\n"));
    }
    LIST_FOR_EACH_SAFE (node, following, &h->components) {
        if (rc == 0) {
            rc = health_render_component(LIST_ITEM(node, struct health_component, node), out);
        }
    }
    return rc;
}
