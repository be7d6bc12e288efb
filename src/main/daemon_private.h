#pragma once
/*
 * The daemon's own struct, for the files that are its parts: daemon_build.c makes and wires what is in it, daemon.c
 * has what happens from then on. Main thread.
 */

#include "base/err.h"
#include "main/daemon.h"
#include "main/notify.h"

#include <event2/util.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mail;

enum { DAEMON_SIGNALS = 3 };

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

/* Makes all parts, in the order of their fields; what fails stays for daemon_free(). `path` as in daemon_new(). */
MUST_CHECK int daemon_build(struct daemon *d, const char *path);

/* --- what the parts call; `arg` is the daemon --- */

/* From the workers: they have ended their streams, or use the new settings. */
void daemon_on_worker_mail(void *arg, const struct mail *mails, size_t length);

/* The sources use the new settings. */
void daemon_on_sources_applied(void *arg);

void daemon_on_signal(evutil_socket_t signal, short what, void *arg);

/* The steps of a drain, as in struct drain_steps. */
void daemon_unready(void *arg);
void daemon_end_streams(void *arg, uint32_t over_ms);
void daemon_stop_sources(void *arg);
bool daemon_is_idle(void *arg);
uint64_t daemon_left(void *arg);
void daemon_give_up(void *arg);

/* Of a reload, as in struct reload_parts. */
int daemon_plan(void *arg, struct settings *settings);
void daemon_apply(void *arg, struct settings *settings);
void daemon_on_reload_end(void *arg);

/* The gauge of what http.connections allows. */
void daemon_tell_limits(struct daemon *d);
