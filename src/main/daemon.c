/*
 *     sources --message--> pipeline --drafts--> replay log --frames--> broadcast --mail--> hubs
 *
 * The hubs are the workers'. What is made first is freed last: the workers' readers need the log, the sources the pipeline.
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
#include "main/reload.h"
#include "main/settings.h"
#include "main/source_set.h"
#include "main/worker.h"
#include "observability/health.h"
#include "observability/metrics.h"

#include <event2/event.h>

#include <signal.h>
#include <stdlib.h>

enum {
    CONTROL_MAX = 1024,
    DAEMON_SIGNALS = 3,
};

enum worker_mail { WORKER_DRAINED, WORKER_CONFIGURED };

struct daemon {
    struct settings *settings; /* references: what is served */
    struct settings *started;  /* what was at the start: the log is connected by it */
    struct settings *replaced; /* what workers may still use; NULL: nothing */
    size_t applying;           /* who has not taken the settings over yet */
    struct loop *loop;
    struct metrics *metrics;
    struct health *health;
    struct broadcast *broadcast;
    struct pipeline *pipeline;
    struct replay *log;
    struct admin *admin;
    struct admission *admission;
    struct worker **workers;
    size_t workers_length, workers_drained;
    struct source_set *sources;
    struct reload *reload;                 /* NULL: without a file */
    struct mailbox *from_workers;          /* of enum worker_mail */
    struct event *signals[DAEMON_SIGNALS]; /* NULL: not caught */
    struct drain *drain;
    struct notify_watchdog watchdog;
};

/* --- from the workers --- */

/* A worker's thread. */
static void
daemon_post(struct daemon *d, enum worker_mail type)
{
    struct mail mail = {.type = type};
    if (mailbox_post_urgent(d->from_workers, &mail) < 0) {
        abort(); /* 32 bytes: the process cannot be saved */
    }
}

static void
daemon_on_worker_drained(void *arg)
{
    daemon_post(arg, WORKER_DRAINED);
}

static void
daemon_on_worker_configured(void *arg)
{
    daemon_post(arg, WORKER_CONFIGURED);
}

static void
daemon_note_drained(struct daemon *d)
{
    if (++d->workers_drained == d->workers_length) {
        drain_on_streams_ended(d->drain);
    }
}

/* Of the settings before nothing is left but what sources that stay are connected by; they know. */
static void
daemon_note_applied(struct daemon *d)
{
    if (--d->applying > 0) {
        return;
    }
    if (d->replaced != NULL) { /* else it was the start */
        labels_release_routes(d->replaced->labels);
        settings_unref(d->replaced);
        d->replaced = NULL;
        reload_on_applied(d->reload);
    }
}

static void
daemon_on_worker_mail(void *arg, const struct mail *mails, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        switch ((enum worker_mail)mails[i].type) {
        case WORKER_DRAINED:
            daemon_note_drained(arg);
            break;
        case WORKER_CONFIGURED:
            daemon_note_applied(arg);
            break;
        }
    }
}

/* --- reload --- */

static void
daemon_tell_limits(struct daemon *d)
{
    metrics_set(metrics_slot(d->metrics, 0), METRIC_STREAMS_LIMIT, 0,
                (int64_t)d->settings->config->http.connections);
}

static int
daemon_plan(void *arg, struct settings *settings)
{
    struct daemon *d = arg;
    int r = settings_serve(settings, d->metrics);
    return r != 0 ? r : source_set_plan(d->sources, settings);
}

/* What is for another store than the one that runs waits with it for a restart. */
static void
daemon_set_log_config(struct daemon *d)
{
    const struct config_replay *config = &d->settings->config->replay;
    if (config->store == d->started->config->replay.store) {
        replay_set_config(d->log, config);
    }
}

static void
daemon_apply(void *arg, struct settings *settings)
{
    struct daemon *d = arg;
    struct config *config = settings->config;
    d->replaced = d->settings;
    d->settings = settings_ref(settings);
    d->applying = d->workers_length + 1;
    log_configure(config->log.level, config->log.format);
    daemon_tell_limits(d);
    daemon_set_log_config(d);
    if (d->admin != NULL) {
        admin_set_config(d->admin, &config->admin);
    }
    for (size_t i = 0; i < d->workers_length; i++) {
        worker_set_config(d->workers[i], config, daemon_on_worker_configured, d);
    }
    source_set_apply(d->sources);
}

/* --- signals --- */

static void
daemon_unready(void *arg)
{
    struct daemon *d = arg;
    reload_stop(d->reload);
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
    source_set_stop(d->sources);
}

static bool
daemon_is_idle(void *arg)
{
    const struct daemon *d = arg;
    uint64_t events = 0;
    uint64_t bytes = 0;
    replay_queue(d->log, &events, &bytes);
    return events == 0 && source_set_is_idle(d->sources);
}

static void
daemon_give_up(void *arg)
{
    const struct daemon *d = arg;
    uint64_t events = 0;
    uint64_t bytes = 0;
    replay_queue(d->log, &events, &bytes);
    log_warn("serve.log_incomplete",
             LOG_TEXT("problem", events > 0 ? "the replay log does not answer"
                                            : "a source's broker does not answer"),
             LOG_U64("events", events), LOG_U64("bytes", bytes));
}

static void
daemon_on_signal(evutil_socket_t signal, short what, void *arg)
{
    struct daemon *d = arg;
    (void)what;
    if (signal == SIGHUP && d->reload != NULL) {
        reload_request(d->reload);
    } else {
        drain_on_signal(d->drain, &d->settings->config->stream, signal != SIGINT);
    }
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
    const struct config *c = d->settings->config;
    d->loop = loop_new("ingest");
    if (d->loop == NULL) {
        return ERR_MEMORY;
    }
    d->metrics = metrics_new(c->http.workers + 1, c->admin.metrics_routes);
    d->health = health_new();
    d->from_workers = mailbox_new(d->loop, CONTROL_MAX, daemon_on_worker_mail, d);
    d->drain = drain_new(d->loop, &(struct drain_steps){.arg = d,
                                                        .unready = daemon_unready,
                                                        .end_streams = daemon_end_streams,
                                                        .stop_sources = daemon_stop_sources,
                                                        .is_idle = daemon_is_idle,
                                                        .give_up = daemon_give_up});
    if (d->metrics == NULL || d->health == NULL || d->from_workers == NULL || d->drain == NULL) {
        return ERR_MEMORY;
    }
    daemon_tell_limits(d);
    int r = settings_serve(d->settings, d->metrics);
    return r != 0 ? r : daemon_catch_signals(d);
}

static int
daemon_build_log(struct daemon *d)
{
    const struct config_replay *config = &d->started->config->replay;
    d->broadcast = broadcast_new(d->loop, metrics_slot(d->metrics, 0));
    d->pipeline = pipeline_new(&(struct pipeline_parts){
        .broadcast = d->broadcast,
        .health = d->health,
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
    const struct config *config = d->settings->config;
    uint32_t length = config->http.workers;
    uint16_t port = 0; /* the first one binds what the config says */
    d->workers = calloc(length, sizeof(struct worker *));
    d->admission = admission_new(&config->http);
    if (d->workers == NULL || d->admission == NULL) {
        return ERR_MEMORY;
    }
    for (uint32_t i = 0; i < length; i++) {
        struct worker_parts parts = {
            .config = config,
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

static void
daemon_on_sources_applied(void *arg)
{
    daemon_note_applied(arg);
}

static int
daemon_build_sources(struct daemon *d)
{
    const struct config *c = d->settings->config;
    if (c->admin.is_on) {
        int r = admin_new(c, d->loop, d->health, d->metrics, &d->admin);
        if (r < 0) {
            return r;
        }
    }
    d->sources = source_set_new(&(struct source_set_parts){
        .loop = d->loop,
        .pipeline = d->pipeline,
        .health = d->health,
        .admin = d->admin,
        .arg = d,
        .on_applied = daemon_on_sources_applied,
    });
    if (d->sources == NULL) {
        return ERR_MEMORY;
    }
    pipeline_set_sources(d->pipeline, d->sources);
    return source_set_plan(d->sources, d->settings);
}

static const char *
daemon_host_text(const struct config *c)
{
    return c->http.listen.host[0] != '\0' ? c->http.listen.host : "*";
}

static void
daemon_notify_ready(const struct daemon *d)
{
    char status[128];
    const struct config *c = d->settings->config;
    snprintf(status, sizeof(status), "Serving %s port %u, %zu sources, %zu routes",
             daemon_host_text(c), worker_port(d->workers[0]), c->sources_length, c->routes_length);
    notify_ready(status);
}

static void
daemon_on_reload_end(void *arg)
{
    daemon_notify_ready(arg);
}

/* Without a file there is nothing to read again. */
static int
daemon_build_reload(struct daemon *d, const char *path)
{
    if (path == NULL) {
        return 0;
    }
    d->reload = reload_new(&(struct reload_parts){
        .loop = d->loop,
        .path = path,
        .started = d->started,
        .health = d->health,
        .metrics = metrics_slot(d->metrics, 0),
        .arg = d,
        .plan = daemon_plan,
        .apply = daemon_apply,
        .on_end = daemon_on_reload_end,
    });
    return d->reload != NULL ? 0 : ERR_MEMORY;
}

static int
daemon_build(struct daemon *d, const char *path)
{
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
    return r != 0 ? r : daemon_build_reload(d, path);
}

int
daemon_new(struct settings *settings, const char *path, struct daemon **ret_daemon)
{
    struct daemon *d = calloc(1, sizeof *d);
    if (d == NULL) {
        settings_unref(settings);
        return ERR_MEMORY;
    }
    d->settings = settings;
    d->started = settings_ref(settings);
    int r = daemon_build(d, path);
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
    if (r == 0) {
        d->applying = 1;
        source_set_apply(d->sources);
    }
    return r;
}

static void
daemon_announce(const struct daemon *d)
{
    const struct config *c = d->settings->config;
    log_info("serve.started", LOG_TEXT("http_host", daemon_host_text(c)),
             LOG_U64("http_port", worker_port(d->workers[0])),
             LOG_U64("admin_port", d->admin != NULL ? admin_port(d->admin) : 0),
             LOG_U64("workers", d->workers_length), LOG_U64("sources", c->sources_length),
             LOG_U64("routes", c->routes_length),
             LOG_TEXT("replay", c->replay.store == REPLAY_REDIS ? "redis" : "memory"));
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
daemon_free_loop(struct daemon *d)
{
    for (size_t i = 0; i < DAEMON_SIGNALS; i++) {
        if (d->signals[i] != NULL) {
            event_free(d->signals[i]);
        }
    }
    mailbox_free(d->from_workers);
    drain_free(d->drain);
    loop_free(d->loop);
}

void
daemon_free(struct daemon *d)
{
    if (d == NULL) {
        return;
    }
    reload_free(d->reload);
    admin_free(d->admin);
    source_set_free(d->sources);
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
    settings_unref(d->replaced);
    settings_unref(d->started);
    settings_unref(d->settings);
    metrics_free(d->metrics);
    free(d);
}
