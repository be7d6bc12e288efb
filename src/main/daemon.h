#pragma once
/*
 * The daemon: every part made, wired and started in the right order, and taken down in the reverse
 * one; and changed to other settings while it runs. Main thread, which runs the ingest loop.
 *
 * A snapshot of the settings is counted, on this thread alone. Workers get the next one by mail and answer when
 * nothing of the last one is used any more; each source keeps those that it was made of, and those by which its
 * messages are routed (source_set.h).
 */

#include "base/err.h"

struct daemon;
struct settings;

/*
 * Binds the ports, makes workers and sources; nothing runs yet. The reference to the settings moves, also on
 * failure. `path` is where they are from, for reloads; NULL: there are none. Borrowed. What fails is logged.
 */
MUST_CHECK int daemon_new(struct settings *settings, const char *path, struct daemon **ret_daemon);

/*
 * Runs until SIGTERM or SIGINT and the drain that follows; a second signal ends at once. SIGHUP reloads; without a
 * file it ends like the others.
 */
MUST_CHECK int daemon_run(struct daemon *d);

void daemon_free(struct daemon *d);
