#include "main/reload.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "config/difference.h"
#include "config/problems.h"
#include "main/loader.h"
#include "main/notify.h"
#include "main/settings.h"
#include "main/watch.h"
#include "observability/health.h"
#include "observability/metrics.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    RELOAD_PROBLEMS_LOGGED = 20, /* `runnel check` shows them all */
    RELOAD_TEXT_SIZE = 512,
};

static const char reload_component[] = "config";

enum reload_state { RELOAD_IDLE, RELOAD_LOADING, RELOAD_APPLYING, RELOAD_STOPPED };

struct reload {
    struct reload_parts parts;
    enum reload_state state;
    bool is_wanted; /* once more, when this one is done */
    struct loader *loader;
    struct watch *watch;
    struct settings *next; /* a reference; while it is applied */
};

/* --- what is said of it --- */

struct reload_keys {
    char text[RELOAD_TEXT_SIZE]; /* their paths, cut where there is no more room */
    size_t length;
};

static void
reload_note_key(void *arg, const struct key *k)
{
    struct reload_keys *waiting = arg;
    if ((k->flags & KEY_RESTART) == 0) {
        return;
    }
    size_t size = strlen(waiting->text);
    (void)snprintf(waiting->text + size, sizeof waiting->text - size, "%s%s",
                   waiting->length > 0 ? ", " : "", k->path);
    waiting->length++;
}

static struct reload_keys
reload_find_waiting(const struct reload *r, const struct settings *settings)
{
    struct reload_keys waiting = {.length = 0};
    difference_each_key(r->parts.started->config, settings->config, reload_note_key, &waiting);
    return waiting;
}

/* Readiness is up with or without this line: the config that runs serves. */
static void
reload_tell_health(const struct reload *r, const char *text)
{
    if (text[0] != '\0') {
        health_set(r->parts.health, reload_component, true, text);
    } else {
        health_remove(r->parts.health, reload_component);
    }
}

static void
reload_count(const struct reload *r, enum metric_reload result)
{
    struct metrics_slot *m = r->parts.metrics;
    metrics_add(m, METRIC_CONFIG_RELOADS, result, 1);
    metrics_set(m, METRIC_CONFIG_LAST_RELOAD_SUCCESSFUL, 0, result == METRIC_RELOAD_SUCCESS);
}

static void
reload_tell_success(const struct reload *r)
{
    const struct config *config = r->next->config;
    struct reload_keys waiting = reload_find_waiting(r, r->next);
    char text[HEALTH_WHY_SIZE_MAX] = "";
    log_info("config.reloaded", LOG_TEXT("file", r->parts.path),
             LOG_U64("sources", config->sources_length), LOG_U64("routes", config->routes_length));
    if (waiting.length > 0) {
        log_warn("config.needs_restart", LOG_TEXT("keys", waiting.text));
        (void)snprintf(text, sizeof text, "waits for a restart: %s", waiting.text);
    }
    reload_tell_health(r, text);
    metrics_set(r->parts.metrics, METRIC_CONFIG_RESTART_KEYS, 0, (int64_t)waiting.length);
    reload_count(r, METRIC_RELOAD_SUCCESS);
    metrics_set(r->parts.metrics, METRIC_CONFIG_LAST_RELOAD_TIME, 0,
                (int64_t)(clock_wall_ms() / 1000));
}

struct reload_lines {
    char first[RELOAD_TEXT_SIZE];
    size_t length;
};

static void
reload_log_problem(void *arg, const char *line)
{
    struct reload_lines *lines = arg;
    if (lines->length++ == 0) {
        (void)snprintf(lines->first, sizeof lines->first, "%s", line);
    }
    if (lines->length <= RELOAD_PROBLEMS_LOGGED) {
        log_error("config.problem", LOG_TEXT("problem", line));
    }
}

/* `problems` may be NULL, or empty: then `err` says it. */
static void
reload_tell_failure(const struct reload *r, int err, struct problems *problems)
{
    char text[HEALTH_WHY_SIZE_MAX];
    struct reload_lines lines = {.length = 0};
    if (problems != NULL) {
        problems_each_line(problems, reload_log_problem, &lines);
    }
    log_error("config.refused", LOG_TEXT("file", r->parts.path),
              LOG_U64("problems", problems != NULL ? problems_length(problems) : 0),
              LOG_TEXT("error", err_text(err)), LOG_TEXT("note", "the running config goes on"));
    (void)snprintf(text, sizeof text, "the file was refused, an older config serves: %s",
                   lines.length > 0 ? lines.first : err_text(err));
    reload_tell_health(r, text);
    reload_count(r, METRIC_RELOAD_FAILURE);
}

/* --- one reload --- */

static void reload_begin(struct reload *r);

static void
reload_end(struct reload *r)
{
    bool is_wanted = r->is_wanted;
    settings_unref(r->next);
    r->next = NULL;
    r->parts.on_end(r->parts.arg);
    r->state = RELOAD_IDLE;
    r->is_wanted = false;
    if (is_wanted) {
        reload_begin(r);
    }
}

static void
reload_fail(struct reload *r, int err, struct problems *problems)
{
    reload_tell_failure(r, err, problems);
    reload_end(r);
}

static void
reload_begin(struct reload *r)
{
    r->state = RELOAD_LOADING;
    notify_reloading();
    watch_note_read(r->watch);
    int err = loader_start(r->loader);
    if (err != 0) {
        r->is_wanted = false; /* there is no thread for another one either */
        reload_fail(r, err, NULL);
    }
}

static void
reload_on_loaded(void *arg, int err, struct settings *settings, struct problems *problems)
{
    struct reload *r = arg;
    if (r->state == RELOAD_STOPPED) {
        settings_unref(settings);
        return;
    }
    r->next = settings;
    if (!watch_confirm_read(r->watch)) { /* somebody wrote meanwhile: the watch will tell */
        reload_end(r);
        return;
    }
    if (err == 0) {
        err = r->parts.plan(r->parts.arg, settings);
    }
    if (err != 0) {
        reload_fail(r, err, problems);
        return;
    }
    r->state = RELOAD_APPLYING;
    reload_tell_health(r, "being applied: sources and workers are taking it over");
    r->parts.apply(r->parts.arg, settings);
}

void
reload_on_applied(struct reload *r)
{
    if (r->state == RELOAD_STOPPED) {
        return;
    }
    assert(r->state == RELOAD_APPLYING);
    reload_tell_success(r);
    reload_end(r);
}

void
reload_request(struct reload *r)
{
    if (r->state == RELOAD_STOPPED) {
        log_info("config.ignored", LOG_TEXT("why", "the process ends"));
    } else if (r->state == RELOAD_IDLE) {
        reload_begin(r);
    } else {
        r->is_wanted = true;
    }
}

static void
reload_on_change(void *arg)
{
    reload_request(arg);
}

/* The watch stays: to close inotify's descriptor takes the kernel a while. */
void
reload_stop(struct reload *r)
{
    if (r != NULL) {
        r->state = RELOAD_STOPPED;
    }
}

struct reload *
reload_new(const struct reload_parts *parts)
{
    struct reload *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return NULL;
    }
    r->parts = *parts;
    r->loader = loader_new(parts->loop, parts->path, reload_on_loaded, r);
    if (r->loader == NULL) {
        free(r);
        return NULL;
    }
    r->watch = watch_new(parts->loop, parts->path, reload_on_change, r);
    return r;
}

void
reload_free(struct reload *r)
{
    if (r == NULL) {
        return;
    }
    watch_free(r->watch);
    loader_free(r->loader);
    settings_unref(r->next);
    free(r);
}
