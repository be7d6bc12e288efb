#include "main/worker.h"

#include "base/log.h"
#include "event/loop.h"
#include "event/mailbox.h"
#include "event/timer.h"
#include "http/server.h"
#include "main/thread.h"
#include "replay/replay.h"
#include "streaming/hub.h"

#include <pthread.h>
#include <stdlib.h>

enum {
    CONTROL_MAX = 16,
    DRAINED_POLL_MS = 20,
};

enum control_mail {
    CONTROL_DRAIN,  /* number: ms */
    CONTROL_CONFIG, /* object: struct config *, borrowed until the next one */
    CONTROL_STOP,
};

struct worker {
    struct loop *loop;
    struct replay_reader *reader;
    struct hub *hub;
    struct server *server;
    struct mailbox *control;
    struct timer drained; /* looks whether the last stream is gone */
    void (*on_drained)(void *arg);
    void *on_drained_arg;
    void (*on_configured)(void *arg);
    void *on_configured_arg;
    pthread_t thread;
    bool is_running; /* main thread: there is a thread to join */
};

static void
worker_on_drained_timer(void *arg)
{
    struct worker *w = arg;
    if (hub_streams(w->hub) == 0) {
        w->on_drained(w->on_drained_arg);
    } else {
        timer_start(&w->drained, DRAINED_POLL_MS);
    }
}

static void
worker_take_config(struct worker *w, const struct config *config)
{
    server_set_config(w->server, config);
    hub_set_config(w->hub, &config->stream);
    w->on_configured(w->on_configured_arg);
}

static void
worker_on_control(void *arg, const struct mail *mails, size_t length)
{
    struct worker *w = arg;
    for (size_t i = 0; i < length; i++) {
        switch ((enum control_mail)mails[i].type) {
        case CONTROL_DRAIN:
            server_drain(w->server);
            hub_drain(w->hub, (uint32_t)mails[i].number);
            worker_on_drained_timer(w);
            break;
        case CONTROL_CONFIG:
            worker_take_config(w, mails[i].object);
            break;
        case CONTROL_STOP:
            loop_stop(w->loop);
            break;
        }
    }
}

static int
worker_build(struct worker *w, const struct worker_parts *parts)
{
    w->loop = loop_new("worker");
    if (w->loop == NULL) {
        return ERR_MEMORY;
    }
    timer_init(&w->drained, w->loop, worker_on_drained_timer, w);
    w->control = mailbox_new(w->loop, CONTROL_MAX, worker_on_control, w);
    w->reader = replay_reader_new(parts->log, w->loop);
    w->hub = w->reader != NULL ? hub_new(w->loop, &parts->config->stream, w->reader, parts->metrics)
                               : NULL;
    if (w->control == NULL || w->hub == NULL) {
        return ERR_MEMORY;
    }
    struct server_parts server = {
        .config = parts->config,
        .port = parts->port,
        .loop = w->loop,
        .hub = w->hub,
        .metrics = parts->metrics,
        .admission = parts->admission,
    };
    return server_new(&server, &w->server);
}

int
worker_new(const struct worker_parts *parts, struct worker **ret_worker)
{
    struct worker *w = calloc(1, sizeof *w);
    if (w == NULL) {
        return ERR_MEMORY;
    }
    int r = worker_build(w, parts);
    if (r < 0) {
        log_error("worker.failed", LOG_U64("worker", parts->index), LOG_TEXT("error", err_text(r)));
        worker_free(w);
        return r;
    }
    *ret_worker = w;
    return 0;
}

uint16_t
worker_port(const struct worker *w)
{
    return server_port(w->server);
}

struct mailbox *
worker_hub_mailbox(struct worker *w)
{
    return hub_mailbox(w->hub);
}

static void *
worker_run(void *arg)
{
    struct worker *w = arg;
    int r = loop_run(w->loop);
    if (r < 0) {
        log_error("worker.stopped", LOG_TEXT("error", err_text(r)));
    }
    return NULL;
}

int
worker_start(struct worker *w)
{
    int r = thread_start(&w->thread, worker_run, w);
    w->is_running = r == 0;
    return r;
}

/* Control mail is rare and small; where there is no memory for it the process cannot be saved. */
static void
worker_post(struct worker *w, struct mail mail)
{
    if (mailbox_post_urgent(w->control, &mail) < 0) {
        abort();
    }
}

void
worker_set_config(struct worker *w,
                  struct config *config,
                  void (*on_configured)(void *arg),
                  void *arg)
{
    w->on_configured = on_configured;
    w->on_configured_arg = arg;
    worker_post(w, (struct mail){.type = CONTROL_CONFIG, .object = config});
}

void
worker_drain(struct worker *w, uint32_t over_ms, void (*on_drained)(void *arg), void *arg)
{
    w->on_drained = on_drained;
    w->on_drained_arg = arg;
    worker_post(w, (struct mail){.type = CONTROL_DRAIN, .number = over_ms});
}

void
worker_stop(struct worker *w)
{
    if (w->is_running) {
        worker_post(w, (struct mail){.type = CONTROL_STOP});
        pthread_join(w->thread, NULL);
        w->is_running = false;
    }
}

void
worker_free(struct worker *w)
{
    if (w == NULL) {
        return;
    }
    server_free(w->server);
    replay_reader_free(w->reader);
    hub_free(w->hub);
    mailbox_free(w->control);
    if (w->loop != NULL) {
        timer_stop(&w->drained);
    }
    loop_free(w->loop);
    free(w);
}
