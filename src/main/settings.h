#pragma once
/* What a command works with: a config file and the routing table made of it. */

#include "base/err.h"

struct config;
struct table;

struct settings {
    struct config *config;
    struct table *table; /* borrows the config */
};

/*
 * Reads `path`; NULL is the built-in config. Every problem, of keys and of patterns, is printed to
 * stderr, as is any other failure. On failure there is nothing to free.
 */
MUST_CHECK int settings_load(const char *path, struct settings *ret_settings);
void settings_free(struct settings *s);
