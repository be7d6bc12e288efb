#include "sources/redis_pubsub.h"

#include "event/loop.h"
#include "observability/metrics.h"
#include "redis/client.h"
#include "sources/loss.h"
#include "sources/pubsub_filters.h"
#include "sources/status.h"

#include <stdlib.h>

enum {
    PUBSUB_OUTPUT_MAX = 16 * 1024 * 1024, /* all SUBSCRIBEs at once */
    PUBSUB_MESSAGE_MAX = 64 * 1024 * 1024 /* routes bound what they take; this bounds memory */
};

struct redis_pubsub {
    struct source source; /* first */
    struct source_settings settings;
    struct status status;
    struct pubsub_filters *filters; /* owned */
    struct pubsub_filters *planned; /* owned; NULL: no plan */
    struct redis_client *client;    /* owned; NULL: stopped */
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
    size_t index;
    if (!pubsub_filters_find(p->filters, m->filter, m->is_pattern, &index)) {
        return false; /* not asked for any more, or not yet */
    }
    return dedup->is_first == NULL || dedup->is_first(dedup->arg, index, m->channel);
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
    const struct message message = {
        .topic = m->channel, .payload = m->payload, .received_ms = loop_wall_ms(p->settings.loop)};
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
    status_set_connected(&p->status);
    status_set(&p->status, STATUS_UP, "");
}

static void
pubsub_on_down(void *arg, int status, const char *why)
{
    struct redis_pubsub *p = arg;
    status_set_down(&p->status, status, why);
}

/* Between two messages: from here on the planned ones hold. */
static void
pubsub_on_resubscribed(void *arg)
{
    struct redis_pubsub *p = arg;
    pubsub_filters_free(p->filters);
    p->filters = p->planned;
    p->planned = NULL;
    p->settings.owner.on_resubscribed(p->settings.owner.arg);
}

/* --- the source --- */

static void
pubsub_start(struct source *s)
{
    status_publish(&((struct redis_pubsub *)s)->status);
}

static void
pubsub_stop(struct source *s)
{
    struct redis_pubsub *p = (struct redis_pubsub *)s;
    redis_client_free(p->client);
    p->client = NULL;
}

static int
pubsub_plan(struct source *s, const struct source_subscription *subscriptions, size_t length)
{
    struct redis_pubsub *p = (struct redis_pubsub *)s;
    pubsub_filters_free(p->planned);
    p->planned = pubsub_filters_new(subscriptions, length, p->filters);
    return p->planned != NULL ? 0 : ERR_MEMORY;
}

static void
pubsub_resubscribe(struct source *s)
{
    struct redis_pubsub *p = (struct redis_pubsub *)s;
    redis_client_resubscribe(p->client, pubsub_filters_change(p->planned));
}

static void
pubsub_free(struct source *s)
{
    struct redis_pubsub *p = (struct redis_pubsub *)s;
    pubsub_stop(s);
    pubsub_filters_free(p->filters);
    pubsub_filters_free(p->planned);
    free(p);
}

static int
pubsub_init(struct redis_pubsub *p)
{
    const struct config_broker *broker = &p->settings.config->broker;
    p->filters =
        pubsub_filters_new(p->settings.subscriptions, p->settings.subscriptions_length, NULL);
    if (p->filters == NULL) {
        return ERR_MEMORY;
    }
    const struct redis_resubscription *all = pubsub_filters_change(p->filters);
    const struct redis_settings settings = {
        .broker = broker,
        .listener = {.arg = p,
                     .on_up = pubsub_on_up,
                     .on_down = pubsub_on_down,
                     .on_message = pubsub_on_message,
                     .on_resubscribed = pubsub_on_resubscribed},
        .subscriptions = all->all,
        .subscriptions_length = all->all_length,
        .commands_limit = 1,
        .output_limit_bytes = PUBSUB_OUTPUT_MAX,
        .reply_limit_bytes = PUBSUB_MESSAGE_MAX,
        .command_timeout_ms = broker->connect_timeout_ms,
    };
    return redis_client_new(p->settings.loop, &settings, &p->client);
}

int
redis_pubsub_new(const struct source_settings *settings, struct source **ret_source)
{
    static const struct source_ops ops = {.start = pubsub_start,
                                          .stop = pubsub_stop,
                                          .free = pubsub_free,
                                          .plan = pubsub_plan,
                                          .resubscribe = pubsub_resubscribe};
    struct redis_pubsub *p = calloc(1, sizeof *p);
    if (p == NULL) {
        return ERR_MEMORY;
    }
    p->source.ops = &ops;
    p->settings = *settings;
    status_init(&p->status, &p->settings);
    int err = pubsub_init(p);
    if (err != 0) {
        pubsub_free(&p->source);
        return err;
    }
    *ret_source = &p->source;
    return 0;
}
