/*
 *     sources --message--> pipeline --drafts--> replay log --frames--> broadcast --mail--> hubs
 *
 * The hubs are the workers'. What is made first is freed last: the workers' readers need the log, the sources the pipeline.
 */

#include "base/clock.h"
#include "event/loop.h"
#include "event/mailbox.h"
#include "http/admin.h"
#include "http/admission.h"
#include "main/broadcast.h"
#include "main/daemon_private.h"
#include "main/drain.h"
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

enum { CONTROL_MAX = 1024 };

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

/* As a reload says it of the next ones; so it is also where there is no file to read again. */
static void
daemon_tell_config(const struct daemon *d)
{
    struct metrics_slot *m = metrics_slot(d->metrics, 0);
    metrics_set(m, METRIC_CONFIG_LAST_RELOAD_SUCCESSFUL, 0, 1);
    metrics_set(m, METRIC_CONFIG_LAST_RELOAD_TIME, 0, (int64_t)(clock_wall_ms() / 1000));
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
                                                        .left = daemon_left,
                                                        .give_up = daemon_give_up});
    if (d->metrics == NULL || d->health == NULL || d->from_workers == NULL || d->drain == NULL) {
        return ERR_MEMORY;
    }
    daemon_tell_limits(d);
    daemon_tell_config(d);
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

int
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
