#include "sources/redis_pubsub.h"

#include "base/map.h"
#include "event/loop.h"
#include "observability/metrics.h"
#include "redis/client.h"
#include "sources/loss.h"
#include "sources/status.h"

#include <stdlib.h>

enum {
    PUBSUB_OUTPUT_MAX = 16 * 1024 * 1024, /* all SUBSCRIBEs at once */
    PUBSUB_MESSAGE_MAX = 64 * 1024 * 1024 /* routes bound what they take; this bounds memory */
};

/* A subscription's place in the settings, found by its filter. */
struct pubsub_filter {
    struct map_node node;
    size_t index;
};

struct redis_pubsub {
    struct source source; /* first */
    struct source_settings settings;
    struct status status;
    struct redis_subscription *subscriptions; /* owned; as the settings have them */
    struct pubsub_filter *filters;            /* owned; likewise */
    struct map channels;                      /* of filters that are channels */
    struct map patterns;                      /* and of those that are patterns */
    struct redis_client *client;              /* owned; NULL: not started, or stopped */
};

/* --- messages --- */

/*
 * A message that several subscriptions match comes several times. It counts when it comes by the
 * first of them.
 */
static bool
pubsub_is_wanted(const struct redis_pubsub *p, const struct redis_message *m)
{
    const struct source_dedup *dedup = &p->settings.dedup;
    if (dedup->is_first == NULL) {
        return true;
    }
    struct map_node *node = map_find(m->is_pattern ? &p->patterns : &p->channels, m->filter);
    if (node == NULL) {
        return false; /* nothing that was asked for */
    }
    const struct pubsub_filter *filter = MAP_ITEM(node, struct pubsub_filter, node);
    return dedup->is_first(dedup->arg, p->settings.index, filter->index, m->channel);
}

static void
pubsub_on_message(void *arg, const struct redis_message *m)
{
    const struct redis_pubsub *p = arg;
    const struct sink *sink = &p->settings.sink;
    uint64_t ticket;
    if (!pubsub_is_wanted(p, m)) {
        return;
    }
    const struct message message = {.source = p->settings.index,
                                    .topic = m->channel,
                                    .payload = m->payload,
                                    .received_ms = loop_wall_ms(p->settings.loop)};
    int result = sink->on_message(sink->arg, &message, &ticket);
    if (result == 0) {
        metrics_series_add(p->settings.series, METRIC_SOURCE_MESSAGES, 0, 1);
    } else {
        loss_tell(&p->settings, loss_reason(result), 1);
    }
}

/* --- the connection --- */

static void
pubsub_on_up(void *arg)
{
    struct redis_pubsub *p = arg;
    status_set(&p->status, STATUS_UP, "");
}

static void
pubsub_on_down(void *arg, int status, const char *why)
{
    struct redis_pubsub *p = arg;
    bool is_refused = status == ERR_AUTH || status == ERR_REFUSED;
    if (p->status.kind == STATUS_UP) {
        metrics_series_add(p->settings.series, METRIC_SOURCE_RECONNECTS, 0, 1);
    }
    status_set(&p->status, is_refused ? STATUS_REFUSED : STATUS_DOWN, why);
}

static int
pubsub_start(struct source *s)
{
    struct redis_pubsub *p = (struct redis_pubsub *)s;
    const struct config_broker *broker = &p->settings.config->broker;
    const struct redis_settings settings = {
        .broker = broker,
        .listener = {.arg = p,
                     .on_up = pubsub_on_up,
                     .on_down = pubsub_on_down,
                     .on_message = pubsub_on_message},
        .subscriptions = p->subscriptions,
        .subscriptions_length = p->settings.subscriptions_length,
        .commands_limit = 1,
        .output_limit_bytes = PUBSUB_OUTPUT_MAX,
        .reply_limit_bytes = PUBSUB_MESSAGE_MAX,
        .command_timeout_ms = broker->connect_timeout_ms,
    };
    p->client = redis_client_new(p->settings.loop, &settings);
    if (p->client == NULL) {
        return broker->tls.is_on ? ERR_TLS : ERR_MEMORY;
    }
    return 0;
}

static void
pubsub_stop(struct source *s)
{
    struct redis_pubsub *p = (struct redis_pubsub *)s;
    redis_client_free(p->client);
    p->client = NULL;
}

/* Redis has no acknowledgements. */
static void
pubsub_on_stored(struct source *s, uint64_t ticket)
{
    (void)s;
    (void)ticket;
}

static void
pubsub_free(struct source *s)
{
    struct redis_pubsub *p = (struct redis_pubsub *)s;
    pubsub_stop(s);
    map_fini(&p->channels);
    map_fini(&p->patterns);
    free(p->filters);
    free(p->subscriptions);
    free(p);
}

static int
pubsub_add_filter(struct redis_pubsub *p, size_t index)
{
    const struct source_subscription *from = &p->settings.subscriptions[index];
    struct pubsub_filter *filter = &p->filters[index];
    struct map *map = from->is_pattern ? &p->patterns : &p->channels;
    p->subscriptions[index] =
        (struct redis_subscription){.filter = from->filter, .is_pattern = from->is_pattern};
    *filter = (struct pubsub_filter){.node = {.key = str_from(from->filter)}, .index = index};
    return map_add(map, &filter->node);
}

static int
pubsub_init(struct redis_pubsub *p)
{
    size_t length = p->settings.subscriptions_length;
    map_init(&p->channels);
    map_init(&p->patterns);
    p->subscriptions = calloc(length + 1, sizeof *p->subscriptions);
    p->filters = calloc(length + 1, sizeof *p->filters);
    int err = p->subscriptions != NULL && p->filters != NULL ? 0 : ERR_MEMORY;
    for (size_t i = 0; i < length && err == 0; i++) {
        err = pubsub_add_filter(p, i);
    }
    return err;
}

struct source *
redis_pubsub_new(const struct source_settings *settings)
{
    static const struct source_ops ops = {.start = pubsub_start,
                                          .stop = pubsub_stop,
                                          .free = pubsub_free,
                                          .on_stored = pubsub_on_stored};
    struct redis_pubsub *p = calloc(1, sizeof *p);
    if (p == NULL) {
        return NULL;
    }
    p->source.ops = &ops;
    p->settings = *settings;
    if (pubsub_init(p) != 0) {
        pubsub_free(&p->source);
        return NULL;
    }
    status_init(&p->status, &p->settings);
    return &p->source;
}
