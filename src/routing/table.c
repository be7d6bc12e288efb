#include "routing/table.h"

#include "routing/pattern_index.h"
#include "routing/report.h"
#include "routing/route.h"
#include "routing/subscriptions.h"

#include <assert.h>
#include <stdlib.h>

/* The routes of one source. */
struct table_source {
    struct pattern_index *index;
    struct subscriptions *subscriptions;
    uint32_t first_route; /* whose shared group all others must have */
    bool has_routes;
};

struct table {
    const struct config *config;
    struct route *routes;
    size_t routes_length; /* those that were initialized */
    struct table_source *sources;
    struct payload payload;
    struct route_scratch scratch;
    uint64_t *rows;       /* of pattern_match() */
    uint32_t *candidates; /* of pattern_index_find() */
};

const char *
table_miss_text(enum table_miss why)
{
    static const char *const words[TABLE_MISS_COUNT] = {
        [TABLE_MISS_WHEN] = "when", [TABLE_MISS_EXTRACT] = "extract", [TABLE_MISS_UTF8] = "utf8",
        [TABLE_MISS_SIZE] = "size", [TABLE_MISS_CHANNEL] = "channel", [TABLE_MISS_EVENT] = "event",
    };
    return words[why];
}

void
table_free(struct table *t)
{
    if (t == NULL) {
        return;
    }
    for (size_t i = 0; t->sources != NULL && i < t->config->sources_length; i++) {
        pattern_index_free(t->sources[i].index);
        subscriptions_free(t->sources[i].subscriptions);
    }
    for (size_t i = 0; i < t->routes_length; i++) {
        route_fini(&t->routes[i]);
    }
    free(t->sources);
    free(t->routes);
    free(t->rows);
    free(t->candidates);
    payload_fini(&t->payload);
    route_scratch_fini(&t->scratch);
    free(t);
}

static int
compile_routes(struct table *t, struct problems *problems)
{
    int ret = 0;
    for (size_t i = 0; i < t->config->routes_length; i++) {
        int err = route_init(&t->routes[i], t->config, (uint32_t)i, problems);
        t->routes_length = i + 1;
        if (err == ERR_MEMORY) {
            return err;
        }
        ret = err != 0 ? err : ret;
    }
    return ret;
}

/* All topics of a source are in one shared group or in none. */
static int
check_share(struct table *t, const struct route *r, struct problems *problems)
{
    const struct config_route *c = &t->config->routes[r->index];
    struct table_source *s = &t->sources[c->source];
    if (!s->has_routes) {
        s->has_routes = true;
        s->first_route = r->index;
        return 0;
    }
    const struct pattern *first = t->routes[s->first_route].pattern;
    assert(first != NULL);
    if (str_equal(first->share, r->pattern->share)) {
        return 0;
    }
    const struct report root = {.problems = problems, .mark = c->mark};
    const struct report route = report_item(&root, "routes", r->index);
    const struct report topic = report_below(&route, c->topic.mark, ".topic");
    report_add(
        &topic,
        "differs from routes[%u] in its $share group: a source has all its topics in one group "
        "or in none, so give it a source of its own",
        s->first_route);
    return ERR_CONFIG;
}

static int
check_shares(struct table *t, struct problems *problems)
{
    int ret = 0;
    for (size_t i = 0; i < t->routes_length; i++) {
        int err = check_share(t, &t->routes[i], problems);
        ret = err != 0 ? err : ret;
    }
    return ret;
}

static int
build_indexes(struct table *t)
{
    for (size_t i = 0; i < t->config->sources_length; i++) {
        t->sources[i].index = pattern_index_new(route_syntax(t->config->sources[i].type));
        if (t->sources[i].index == NULL) {
            return ERR_MEMORY;
        }
    }
    for (size_t i = 0; i < t->routes_length; i++) {
        struct route *r = &t->routes[i];
        int err = pattern_index_add(t->sources[r->config->source].index, r->pattern, r->index);
        if (err != 0) {
            return err;
        }
    }
    return 0;
}

/* The patterns of a source's routes into `patterns`; how many. */
static size_t
collect_patterns(const struct table *t, size_t source, const struct pattern **patterns)
{
    size_t length = 0;
    for (size_t i = 0; i < t->routes_length; i++) {
        if (t->routes[i].config->source == source) {
            patterns[length++] = t->routes[i].pattern;
        }
    }
    return length;
}

static int
build_subscriptions(struct table *t)
{
    const struct pattern **patterns = calloc(t->routes_length + 1, sizeof(struct pattern *));
    int err = patterns == NULL ? ERR_MEMORY : 0;
    for (size_t i = 0; i < t->config->sources_length && err == 0; i++) {
        bool has_broker = t->config->sources[i].type != SOURCE_HTTP;
        size_t length = has_broker ? collect_patterns(t, i, patterns) : 0;
        err = subscriptions_new(patterns, length, &t->sources[i].subscriptions);
    }
    free(patterns);
    return err;
}

static int
allocate_scratch(struct table *t)
{
    size_t runs = 0;
    for (size_t i = 0; i < t->routes_length; i++) {
        size_t count = t->routes[i].pattern->run_count;
        runs = runs > count ? runs : count;
    }
    t->rows = calloc(runs + 1, PATTERN_SCRATCH_WORDS * sizeof(*t->rows));
    t->candidates = calloc(t->routes_length + 1, sizeof(*t->candidates));
    return t->rows != NULL && t->candidates != NULL ? 0 : ERR_MEMORY;
}

static int
table_fill(struct table *t, struct problems *problems)
{
    int err = payload_init(&t->payload);
    t->routes = calloc(t->config->routes_length + 1, sizeof(*t->routes));
    t->sources = calloc(t->config->sources_length + 1, sizeof(*t->sources));
    if (err != 0 || t->routes == NULL || t->sources == NULL) {
        return ERR_MEMORY;
    }
    err = compile_routes(t, problems);
    err = err != 0 ? err : check_shares(t, problems);
    err = err != 0 ? err : build_indexes(t);
    err = err != 0 ? err : build_subscriptions(t);
    return err != 0 ? err : allocate_scratch(t);
}

int
table_new(const struct config *config, struct problems *problems, struct table **ret_table)
{
    struct table *t = calloc(1, sizeof(*t));
    if (t == NULL) {
        return ERR_MEMORY;
    }
    t->config = config;
    route_scratch_init(&t->scratch);
    int err = table_fill(t, problems);
    if (err != 0) {
        table_free(t);
        return err;
    }
    *ret_table = t;
    return 0;
}

static int
visit(struct table *t,
      const struct route *r,
      struct scope *scope,
      const struct table_visitor *visitor)
{
    struct table_event event;
    enum table_miss why;
    int err = route_make(r, scope, &t->scratch, &event, &why);
    if (err == 0) {
        visitor->on_event(visitor->arg, &event);
    } else if (err == ROUTE_E_MISS && visitor->on_miss != NULL) {
        visitor->on_miss(visitor->arg, r->index, why);
    }
    return err == ROUTE_E_MISS ? 0 : err;
}

int
table_route(struct table *t, const struct message *m, const struct table_visitor *visitor)
{
    struct pattern_captures captures;
    struct scope scope = {
        .captures = &captures,
        .topic = m->topic,
        .source = str_from(t->config->sources[m->source].name),
        .payload = &t->payload,
    };
    payload_set(&t->payload, m->payload);
    size_t count = pattern_index_find(t->sources[m->source].index, m->topic, t->candidates);
    int matched = 0;
    for (size_t i = 0; i < count; i++) {
        const struct route *r = &t->routes[t->candidates[i]];
        if (!pattern_match(r->pattern, m->topic, t->rows, &captures)) {
            continue;
        }
        int err = visit(t, r, &scope, visitor);
        if (err != 0) {
            return err;
        }
        matched++;
    }
    return matched;
}

const struct table_subscription *
table_subscriptions(const struct table *t, uint32_t source, size_t *ret_length)
{
    return subscriptions_list(t->sources[source].subscriptions, ret_length);
}

bool
table_subscription_is_first(const struct table *t,
                            uint32_t source,
                            size_t subscription,
                            struct str topic)
{
    return subscriptions_is_first(t->sources[source].subscriptions, subscription, topic);
}
