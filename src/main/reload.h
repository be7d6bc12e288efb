#pragma once
/*
 * Reloading the config file: on request, or when the file has changed. It is read and checked whole before
 * anything else happens, the difference is applied, and what came of it is told to the log, to metrics and to
 * readiness, which stays as it is. One reload at a time; what is asked for meanwhile is one more afterwards.
 *
 *     IDLE ─request─> LOADING ─good─> APPLYING ─reload_on_applied─> IDLE
 *       ^                 └───────────── bad ──────────────────────┘
 *
 * What stands under a key that needs a restart is compared with what the process was started by. Ingest loop.
 */

#include "base/err.h"

struct health;
struct loop;
struct metrics_slot;
struct reload;
struct settings;

struct reload_parts {
    struct loop *loop;
    const char *path;         /* outlives it */
    struct settings *started; /* by which the process was; borrowed */
    struct health *health;
    struct metrics_slot *metrics;
    void *arg;
    /* Everything that can fail; nothing is changed then, and what the error does not say is logged. */
    int (*plan)(void *arg, struct settings *settings);
    /* What was planned; reload_on_applied() is due once, maybe from inside. */
    void (*apply)(void *arg, struct settings *settings);
    void (*on_end)(void *arg); /* well or not */
};

struct reload *reload_new(const struct reload_parts *parts); /* NULL on failure */
void reload_free(struct reload *r);                          /* NULL is fine */

void reload_request(struct reload *r);
void reload_on_applied(struct reload *r);

/* The process ends: no more of it. NULL is fine. */
void reload_stop(struct reload *r);
