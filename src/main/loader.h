#pragma once
/*
 * Reads the config file on a thread of its own: a large one takes longer than the loop may stand still. Ingest loop.
 */

#include "base/err.h"

struct loader;
struct loop;
struct problems;
struct settings;

/* What settings_load() said: the settings move, the problems are borrowed; NULL where memory is out. */
typedef void (*loader_on_done_fn)(void *arg,
                                  int err,
                                  struct settings *settings,
                                  struct problems *problems);

/* `path` is borrowed. NULL on failure. */
struct loader *
loader_new(struct loop *loop, const char *path, loader_on_done_fn on_done, void *arg);

/* Waits for the thread; on_done is not called any more. NULL is fine. */
void loader_free(struct loader *l);

/* One at a time; on_done is called once, never from inside. ERR_SYSTEM. */
MUST_CHECK int loader_start(struct loader *l);
