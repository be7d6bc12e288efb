#pragma once
/*
 * The sources that run, and those that end: made of settings, and changed to those of another config. What a source
 * was connected by and what its messages are routed by may be two different settings; it keeps both. Ingest loop.
 *
 *     plan ─> apply:  gone, or connected otherwise ─> stopped, ends when it is idle: many are at once
 *                     connected as before          ─> stays, resubscribes, and changes its table
 *                     new                          ─> started
 *
 * A broker would give the session of an MQTT source that ends to the next one before all is acknowledged, and send
 * again what is not: so one with the same client_id is started when that one has ended, and is not ready until then.
 * What the log has and that one could not acknowledge any more it is told, where the broker's address is the same.
 */

#include "base/err.h"
#include "base/mark.h"

#include <stdbool.h>
#include <stdint.h>

struct admin;
struct health;
struct loop;
struct pipeline;
struct settings;
struct source_set;

struct source_set_parts {
    struct loop *loop;
    struct pipeline *pipeline;
    struct health *health;
    struct admin *admin; /* for an http source; NULL: none */
    void *arg;
    /* The last source has changed its table; maybe inside of apply. */
    void (*on_applied)(void *arg);
};

struct source_set *source_set_new(const struct source_set_parts *parts); /* NULL on OOM */
void source_set_free(struct source_set *set);                            /* NULL is fine */

/*
 * What can fail: makes the new sources, and asks those that stay. Nothing has changed when it fails, and what is
 * wrong with a source is logged: ERR_TLS, ERR_SYNTAX, ERR_SYSTEM; or ERR_MEMORY. A plan is forgotten by the next one.
 */
MUST_CHECK int source_set_plan(struct source_set *set, struct settings *settings);

/* Carries the plan out. Not before on_applied for the last one. */
void source_set_apply(struct source_set *set);

/* All of them, for good. */
void source_set_stop(struct source_set *set);

/* All are stopped: the log has what they took, and their brokers know. */
bool source_set_is_idle(const struct source_set *set);

/* From the log: for those that run and those that end; a mark only for those that run. */
void source_set_on_stored(struct source_set *set, uint64_t ticket);
void source_set_on_dropped(struct source_set *set, uint64_t ticket);
void source_set_on_mark(struct source_set *set, const struct mark *mark, bool is_refused);
