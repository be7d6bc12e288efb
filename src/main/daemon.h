#pragma once
/*
 * The daemon: every part made, wired and started in the right order, and taken down in the reverse
 * one. Main thread, which runs the ingest loop.
 */

#include "base/err.h"
#include "config/config.h"

struct daemon;
struct table;

/* Binds the ports, makes workers and sources; nothing runs yet. Borrows both. What fails is logged.
 */
MUST_CHECK int
daemon_new(const struct config *config, struct table *table, struct daemon **ret_daemon);

/* Runs until SIGTERM, SIGINT or SIGHUP and the drain that follows; a second signal ends at once. */
MUST_CHECK int daemon_run(struct daemon *d);

void daemon_free(struct daemon *d);
