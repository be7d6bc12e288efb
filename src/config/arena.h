#pragma once
/*
 * Memory that is freed together: all of one config. Bounded, so that aliases and variables of a
 * small file cannot ask for all there is. One thread.
 */

#include "base/str.h"

struct arena_block;

struct arena {
    struct arena_block *blocks; /* private to arena.c */
    size_t left_bytes;
    bool is_full; /* something was beyond the limit */
};

void arena_init(struct arena *a, size_t limit_bytes);
void arena_fini(struct arena *a);

/* Zeroed; NULL beyond the limit or on OOM. */
void *arena_alloc(struct arena *a, size_t count, size_t size);

/* A terminated copy. */
char *arena_text(struct arena *a, struct str text);
