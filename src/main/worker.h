#pragma once
/*
 * A worker: a thread with its own loop, hub, reader of the log and HTTP front end. With the others it
 * shares only the limits of admission.
 */

#include "base/err.h"
#include "config/config.h"

#include <stdint.h>

struct admission;
struct mailbox;
struct metrics_slot;
struct replay;
struct worker;

struct worker_parts {
    const struct config *config;
    uint32_t index; /* from 0 */
    uint16_t port;  /* as for server_new() */
    struct replay *log;
    struct metrics_slot *metrics;
    struct admission *admission;
};

/* Main thread, before it runs. Logs what failed. */
MUST_CHECK int worker_new(const struct worker_parts *parts, struct worker **ret_worker);

uint16_t worker_port(const struct worker *w);
struct mailbox *worker_hub_mailbox(struct worker *w);

/* Main thread. Starts the thread. */
MUST_CHECK int worker_start(struct worker *w);

/*
 * Main thread. From on_configured on, which is called on the worker's thread, nothing of the config before is
 * used, and this one until the next. One at a time.
 */
void worker_set_config(struct worker *w,
                       struct config *config,
                       void (*on_configured)(void *arg),
                       void *arg);

/*
 * Main thread, once. Refuses connections and ends the open streams within over_ms; on_drained is
 * called on the worker's thread when none is left.
 */
void worker_drain(struct worker *w, uint32_t over_ms, void (*on_drained)(void *arg), void *arg);

/* Main thread. Stops the loop and joins the thread. */
void worker_stop(struct worker *w);

/* Main thread, stopped, as is the ingest loop. NULL is fine. */
void worker_free(struct worker *w);
