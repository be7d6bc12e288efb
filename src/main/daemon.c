/*
 *     sources --message--> pipeline --drafts--> replay log --frames--> broadcast --mail--> workers'
 * hubs
 *
 * What is made first is freed last: the workers' readers need the log, the sources the pipeline.
 */

#include "main/daemon.h"

#include "base/log.h"
#include "event/loop.h"
#include "event/mailbox.h"
#include "http/admin.h"
#include "http/admission.h"
#include "main/broadcast.h"
#include "main/drain.h"
#include "main/labels.h"
#include "main/notify.h"
#include "main/pipeline.h"
#include "main/worker.h"
#include "observability/health.h"
#include "observability/metrics.h"
#include "routing/table.h"
#include "sources/http.h"
#include "sources/source.h"

#include <event2/event.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    CONTROL_MAX = 1024,
    DAEMON_SIGNALS = 3,
};

struct daemon {
    const struct config *config;
    struct table *table;
    struct loop *loop;
    struct labels *labels;
    struct metrics *metrics;
    struct health *health;
    struct broadcast *broadcast;
    struct pipeline *pipeline;
    struct replay *log;
    struct admin *admin;
    struct admission *admission;
    struct worker **workers;
    size_t workers_length, workers_drained;
    struct source **sources;
    size_t sources_length;
    struct source_subscription **subscriptions; /* of each source */
    struct mailbox *drained;                    /* from the workers: one mail each */
    struct event *signals[DAEMON_SIGNALS];      /* NULL: not caught */
    struct drain *drain;
    struct notify_watchdog watchdog;
};

/* A worker's thread. */
static void
daemon_on_worker_drained(void *arg)
{
    struct daemon *d = arg;
    struct mail mail = {.type = 0};
    if (mailbox_post_urgent(d->drained, &mail) < 0) {
        abort(); /* 32 bytes: the process cannot be saved */
    }
}

static void
daemon_on_drained(void *arg, const struct mail *mails, size_t length)
{
    struct daemon *d = arg;
    (void)mails;
    d->workers_drained += length;
    if (d->workers_drained == d->workers_length) {
        drain_on_streams_ended(d->drain);
    }
}

static void
daemon_unready(void *arg)
{
    struct daemon *d = arg;
    health_set_draining(d->health);
}

static void
daemon_end_streams(void *arg, uint32_t over_ms)
{
    struct daemon *d = arg;
    for (size_t i = 0; i < d->workers_length; i++) {
        worker_drain(d->workers[i], over_ms, daemon_on_worker_drained, d);
    }
}

static void
daemon_stop_sources(void *arg)
{
    struct daemon *d = arg;
    for (size_t i = 0; i < d->sources_length; i++) {
        source_stop(d->sources[i]);
    }
}

static bool
daemon_is_idle(void *arg)
{
    const struct daemon *d = arg;
    uint64_t events = 0;
    uint64_t bytes = 0;
    replay_queue(d->log, &events, &bytes);
    for (size_t i = 0; i < d->sources_length; i++) {
        if (!source_is_idle(d->sources[i])) {
            return false;
        }
    }
    return events == 0;
}

static void
daemon_on_signal(evutil_socket_t signal, short what, void *arg)
{
    struct daemon *d = arg;
    (void)what;
    drain_on_signal(d->drain, &d->config->stream, signal != SIGINT);
}

/* nohup: a hangup is not meant for this process. */
static bool
daemon_is_hangup_ignored(int signal)
{
    struct sigaction action;
    return signal == SIGHUP && sigaction(SIGHUP, NULL, &action) == 0 &&
           action.sa_handler == SIG_IGN;
}

static int
daemon_catch_signals(struct daemon *d)
{
    static const int signals[DAEMON_SIGNALS] = {SIGTERM, SIGINT, SIGHUP};
    for (size_t i = 0; i < DAEMON_SIGNALS; i++) {
        if (daemon_is_hangup_ignored(signals[i])) {
            continue;
        }
        d->signals[i] = evsignal_new(loop_base(d->loop), signals[i], daemon_on_signal, d);
        if (d->signals[i] == NULL || event_add(d->signals[i], NULL) < 0) {
            return ERR_MEMORY;
        }
    }
    return 0;
}

/* What everybody counts on. */
static int
daemon_build_base(struct daemon *d)
{
    const struct config *c = d->config;
    d->loop = loop_new("ingest");
    if (d->loop == NULL) {
        return ERR_MEMORY;
    }
    d->metrics = metrics_new(c->http.workers + 1, c->admin.metrics_routes);
    d->labels = d->metrics != NULL ? labels_new(c, d->metrics) : NULL;
    metrics_set(d->metrics != NULL ? metrics_slot(d->metrics, 0) : NULL, METRIC_STREAMS_LIMIT, 0,
                (int64_t)c->http.connections);
    d->health = health_new();
    d->drained = mailbox_new(d->loop, CONTROL_MAX, daemon_on_drained, d);
    d->drain = drain_new(d->loop, &(struct drain_steps){.arg = d,
                                                        .unready = daemon_unready,
                                                        .end_streams = daemon_end_streams,
                                                        .stop_sources = daemon_stop_sources,
                                                        .is_idle = daemon_is_idle});
    if (d->labels == NULL || d->health == NULL || d->drained == NULL || d->drain == NULL) {
        return ERR_MEMORY;
    }
    return daemon_catch_signals(d);
}

static int
daemon_build_log(struct daemon *d)
{
    const struct config_replay *config = &d->config->replay;
    d->broadcast = broadcast_new(d->loop, metrics_slot(d->metrics, 0));
    d->pipeline = pipeline_new(&(struct pipeline_parts){
        .config = d->config,
        .table = d->table,
        .broadcast = d->broadcast,
        .health = d->health,
        .labels = d->labels,
    });
    if (d->broadcast == NULL || d->pipeline == NULL) {
        return ERR_MEMORY;
    }
    health_set(d->health, "replay log", false, "not started yet");
    struct replay_listener listener = pipeline_listener(d->pipeline);
    d->log = config->store == REPLAY_REDIS
                 ? replay_redis_new(config, d->loop, &listener, d->metrics)
                 : replay_memory_new(config, d->loop, &listener, d->metrics);
    if (d->log == NULL) {
        return ERR_MEMORY;
    }
    pipeline_set_log(d->pipeline, d->log);
    return 0;
}

static int
daemon_build_workers(struct daemon *d)
{
    uint32_t length = d->config->http.workers;
    uint16_t port = 0; /* the first one binds what the config says */
    d->workers = calloc(length, sizeof(struct worker *));
    d->admission = admission_new(&d->config->http);
    if (d->workers == NULL || d->admission == NULL) {
        return ERR_MEMORY;
    }
    for (uint32_t i = 0; i < length; i++) {
        struct worker_parts parts = {
            .config = d->config,
            .index = i,
            .port = port,
            .log = d->log,
            .metrics = metrics_slot(d->metrics, i + 1),
            .admission = d->admission,
        };
        int r = worker_new(&parts, &d->workers[i]);
        if (r == 0) {
            d->workers_length++;
            port = worker_port(d->workers[i]);
            r = broadcast_add(d->broadcast, worker_hub_mailbox(d->workers[i]));
        }
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

/* The table's subscriptions in the words of the sources. */
static int
daemon_subscribe(struct daemon *d, uint32_t source, struct source_settings *settings)
{
    size_t length = 0;
    const struct table_subscription *from = table_subscriptions(d->table, source, &length);
    struct source_subscription *to = calloc(length + 1, sizeof *to);
    if (to == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < length; i++) {
        to[i] = (struct source_subscription){from[i].filter, from[i].is_pattern};
    }
    d->subscriptions[source] = to;
    settings->subscriptions = to;
    settings->subscriptions_length = length;
    return 0;
}

static bool
daemon_is_first(void *arg, uint32_t source, size_t subscription, struct str topic)
{
    struct daemon *d = arg;
    return table_subscription_is_first(d->table, source, subscription, topic);
}

static int
daemon_build_source(struct daemon *d, uint32_t index)
{
    struct source_settings settings = {
        .config = &d->config->sources[index],
        .index = index,
        .loop = d->loop,
        .sink = pipeline_sink(d->pipeline),
        .dedup = {d, daemon_is_first},
        .series = labels_source(d->labels, index),
        .health = d->health,
    };
    int r = daemon_subscribe(d, index, &settings);
    if (r < 0) {
        return r;
    }
    struct source *source = source_new(&settings);
    if (source == NULL) {
        return ERR_MEMORY;
    }
    d->sources[d->sources_length++] = source;
    if (settings.config->type == SOURCE_HTTP && d->admin != NULL) {
        return admin_add_prefix(d->admin, "/publish/", http_source_on_request, source);
    }
    return 0;
}

static int
daemon_build_sources(struct daemon *d)
{
    size_t length = d->config->sources_length;
    if (d->config->admin.is_on) {
        int r = admin_new(d->config, d->loop, d->health, d->metrics, &d->admin);
        if (r < 0) {
            return r;
        }
    }
    d->sources = calloc(length + 1, sizeof(struct source *));
    d->subscriptions = calloc(length + 1, sizeof(struct source_subscription *));
    if (d->sources == NULL || d->subscriptions == NULL) {
        return ERR_MEMORY;
    }
    for (uint32_t i = 0; i < length; i++) {
        int r = daemon_build_source(d, i);
        if (r < 0) {
            return r;
        }
    }
    pipeline_set_sources(d->pipeline, d->sources, d->sources_length);
    return 0;
}

int
daemon_new(const struct config *config, struct table *table, struct daemon **ret_daemon)
{
    struct daemon *d = calloc(1, sizeof *d);
    if (d == NULL) {
        return ERR_MEMORY;
    }
    d->config = config;
    d->table = table;
    int r = daemon_build_base(d);
    if (r == 0) {
        r = daemon_build_log(d);
    }
    if (r == 0) {
        r = daemon_build_workers(d);
    }
    if (r == 0) {
        r = daemon_build_sources(d);
    }
    if (r < 0) {
        daemon_free(d);
        return r;
    }
    *ret_daemon = d;
    return 0;
}

static int
daemon_start(struct daemon *d)
{
    int r = replay_start(d->log);
    for (size_t i = 0; r == 0 && i < d->workers_length; i++) {
        r = worker_start(d->workers[i]);
    }
    for (size_t i = 0; r == 0 && i < d->sources_length; i++) {
        r = source_start(d->sources[i]);
    }
    return r;
}

static void
daemon_announce(const struct daemon *d)
{
    const struct config *c = d->config;
    const char *host = c->http.listen.host[0] != '\0' ? c->http.listen.host : "*";
    log_info("serve.started", LOG_TEXT("http_host", host),
             LOG_U64("http_port", worker_port(d->workers[0])),
             LOG_U64("admin_port", d->admin != NULL ? admin_port(d->admin) : 0),
             LOG_U64("workers", d->workers_length), LOG_U64("sources", d->sources_length),
             LOG_U64("routes", c->routes_length),
             LOG_TEXT("replay", c->replay.store == REPLAY_REDIS ? "redis" : "memory"));
}

static void
daemon_notify_ready(const struct daemon *d)
{
    char status[128];
    const struct config *c = d->config;
    const char *host = c->http.listen.host[0] != '\0' ? c->http.listen.host : "*";
    snprintf(status, sizeof(status), "Serving %s port %u, %zu sources, %zu routes", host,
             worker_port(d->workers[0]), d->sources_length, c->routes_length);
    notify_ready(status);
}

int
daemon_run(struct daemon *d)
{
    int r = daemon_start(d);
    if (r == 0) {
        daemon_announce(d);
        notify_watchdog_start(&d->watchdog, d->loop);
        daemon_notify_ready(d);
        r = loop_run(d->loop);
        notify_watchdog_stop(&d->watchdog);
    }
    if (r < 0) {
        log_error("serve.failed", LOG_TEXT("error", err_text(r)));
    }
    for (size_t i = 0; i < d->workers_length; i++) {
        worker_stop(d->workers[i]);
    }
    log_info("serve.stopped");
    return r;
}

static void
daemon_free_sources(struct daemon *d)
{
    for (size_t i = 0; i < d->sources_length; i++) {
        source_free(d->sources[i]);
    }
    for (size_t i = 0; d->subscriptions != NULL && i < d->config->sources_length; i++) {
        free(d->subscriptions[i]);
    }
    free(d->subscriptions);
    free(d->sources);
}

static void
daemon_free_loop(struct daemon *d)
{
    for (size_t i = 0; i < DAEMON_SIGNALS; i++) {
        if (d->signals[i] != NULL) {
            event_free(d->signals[i]);
        }
    }
    mailbox_free(d->drained);
    drain_free(d->drain);
    loop_free(d->loop);
}

void
daemon_free(struct daemon *d)
{
    if (d == NULL) {
        return;
    }
    admin_free(d->admin);
    daemon_free_sources(d);
    for (size_t i = 0; i < d->workers_length; i++) {
        worker_free(d->workers[i]);
    }
    free(d->workers);
    admission_free(d->admission);
    replay_free(d->log);
    pipeline_free(d->pipeline);
    broadcast_free(d->broadcast);
    daemon_free_loop(d);
    health_free(d->health);
    labels_free(d->labels);
    metrics_free(d->metrics);
    free(d);
}
