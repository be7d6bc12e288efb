#pragma once
/*
 * What a config file says, as a command works with it: the config and the routing table made of it; for the daemon
 * the metrics of its sources and routes too. Counted: who runs by one keeps it, and after a reload that may be an
 * older one. Main thread, but for settings_load().
 */

#include "base/err.h"

#include <stddef.h>

struct config;
struct labels;
struct metrics;
struct problems;
struct table;

struct settings {
    struct config *config;
    struct table *table;   /* borrows the config */
    struct labels *labels; /* NULL before settings_serve() */
    size_t refs;
};

/*
 * Any thread. Reads `path`; NULL is the built-in config. Every problem, of keys and of patterns, is added to
 * `problems`; other failures are the result alone. With one reference.
 */
MUST_CHECK int
settings_load(const char *path, struct problems *problems, struct settings **ret_settings);

/* The same for a command: what is wrong is printed to stderr. NULL where something is. */
struct settings *settings_load_or_explain(const char *path);

/* Before messages are routed by it. ERR_MEMORY. */
MUST_CHECK int settings_serve(struct settings *s, struct metrics *metrics);

struct settings *settings_ref(struct settings *s);
void settings_unref(struct settings *s); /* NULL is fine */
