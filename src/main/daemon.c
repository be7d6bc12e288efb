#include "main/daemon.h"

#include "base/log.h"
#include "event/loop.h"
#include "event/mailbox.h"
#include "http/admin.h"
#include "http/admission.h"
#include "main/broadcast.h"
#include "main/daemon_private.h"
#include "main/drain.h"
#include "main/labels.h"
#include "main/pipeline.h"
#include "main/reload.h"
#include "main/settings.h"
#include "main/source_set.h"
#include "main/worker.h"
#include "observability/health.h"
#include "observability/metrics.h"

#include <event2/event.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum worker_mail { WORKER_DRAINED, WORKER_CONFIGURED };

/* --- from the workers --- */

/* A worker's thread. */
static void
daemon_post(struct daemon *d, enum worker_mail type)
{
    struct mail mail = {.type = type};
    if (mailbox_post_urgent(d->from_workers, &mail) < 0) {
        abort(); /* a few bytes: the process cannot be saved */
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

void
daemon_on_sources_applied(void *arg)
{
    daemon_note_applied(arg);
}

void
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

void
daemon_tell_limits(struct daemon *d)
{
    metrics_set(metrics_slot(d->metrics, 0), METRIC_STREAMS_LIMIT, 0,
                (int64_t)d->settings->config->http.connections);
}

int
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

void
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

void
daemon_unready(void *arg)
{
    struct daemon *d = arg;
    reload_stop(d->reload);
    health_set_draining(d->health);
}

void
daemon_end_streams(void *arg, uint32_t over_ms)
{
    struct daemon *d = arg;
    for (size_t i = 0; i < d->workers_length; i++) {
        worker_drain(d->workers[i], over_ms, daemon_on_worker_drained, d);
    }
}

void
daemon_stop_sources(void *arg)
{
    struct daemon *d = arg;
    source_set_stop(d->sources);
}

uint64_t
daemon_left(void *arg)
{
    const struct daemon *d = arg;
    uint64_t events = 0;
    uint64_t bytes = 0;
    replay_queue(d->log, &events, &bytes);
    return events;
}

bool
daemon_is_idle(void *arg)
{
    const struct daemon *d = arg;
    return daemon_left(arg) == 0 && source_set_is_idle(d->sources);
}

void
daemon_give_up(void *arg)
{
    const struct daemon *d = arg;
    uint64_t events = 0;
    uint64_t bytes = 0;
    replay_queue(d->log, &events, &bytes);
    log_warn("serve.log_incomplete",
             LOG_TEXT("problem", events > 0 ? "the replay log did not store them in time"
                                            : "a source's broker does not answer"),
             LOG_U64("events", events), LOG_U64("bytes", bytes));
}

void
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

void
daemon_on_reload_end(void *arg)
{
    daemon_notify_ready(arg);
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
    int r = 0;
    replay_start(d->log);
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
