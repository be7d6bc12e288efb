#pragma once
/*
 * Looks after the config file: tells when it has become another one and stayed so for a moment, so that a file that
 * is half written is not read. Written in place, renamed over, or reached through links of which one is changed, as
 * Kubernetes does for a ConfigMap: what counts is what the path leads to. Ingest loop.
 */

#include <stdbool.h>

struct loop;
struct watch;

/* NULL on failure: nobody looks. `path` is borrowed. */
struct watch *
watch_new(struct loop *loop, const char *path, void (*on_change)(void *arg), void *arg);
void watch_free(struct watch *w); /* NULL is fine */

/* The file is about to be read: only what it becomes after this is news. NULL is fine. */
void watch_note_read(struct watch *w);

/* It was read: whether it is still what it was then. Where it is not, that is told when it has settled, as every change
 * is. True for NULL: nobody knows better. */
bool watch_confirm_read(struct watch *w);
