#include "config/route.h"

#include "config/section.h"

#define SOURCE_UNKNOWN UINT32_MAX

/* After its keys are read: what the routing table could not work with. */
static void
route_settle(struct reader *r, struct config_route *route)
{
    bool has_source = route->source != SOURCE_UNKNOWN && !r->source_is_broken[route->source];
    bool has_topic = route->topic.value != NULL && route->topic.value[0] != '\0';
    route->is_broken = !has_source || !has_topic;
    if (route->channel.value != NULL && route->channel.value[0] == '\0') {
        route->channel = (struct config_text){reader_text(r, STR("x")), route->mark};
    }
}

static void
route_read(struct reader *r, struct config_route *route, const yaml_node_t *node)
{
    struct section s;
    section_init(&s, r, TABLE_ROUTE, route);
    route->mark = reader_mark(node);
    route->source = SOURCE_UNKNOWN;
    if (node->type != YAML_MAPPING_NODE) {
        reader_wrong_kind(r, node, "", "a map with source, topic and channel");
    } else {
        section_read(&s, r, node, "");
        section_require(&s, r, route->mark);
    }
    route_settle(r, route);
}

void
route_read_all(struct reader *r)
{
    const yaml_node_t *list = r->routes;
    if (list == NULL || reader_is_nothing(list)) {
        return;
    }
    if (list->type != YAML_SEQUENCE_NODE) {
        reader_wrong_kind(r, list, "routes", "a list of routes");
        return;
    }
    size_t length = reader_length(list);
    if (length > READER_ROUTES_MAX) {
        problems_add(r->problems, reader_mark(list), "routes", "too many (expected at most %d)",
                     READER_ROUTES_MAX);
        length = READER_ROUTES_MAX;
    }
    r->config->routes = reader_alloc(r, length, sizeof(*r->config->routes));
    r->config->routes_length = r->config->routes == NULL ? 0 : length;
    for (size_t i = 0; i < r->config->routes_length && r->failure == 0; i++) {
        const yaml_node_t *node = reader_item(r, list, i);
        size_t before = reader_enter_item(r, "routes", i);
        if (node != NULL) {
            route_read(r, &r->config->routes[i], node);
        }
        reader_leave(r, before);
    }
}
