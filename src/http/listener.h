#pragma once
/*
 * The listener of one worker: accepts in batches, non-blocking, TCP_NODELAY. Where the process runs
 * out of file descriptors it gives away one that it kept for this, so that the client can be told,
 * and pauses until that one is back: no spinning. Worker's loop.
 */

#include "base/address.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct listener;
struct loop;

/* `fd` moves. `is_last`: it is the spare descriptor; close it soon, then call listener_resume(). */
typedef void (*listener_on_accept_fn)(void *arg, int fd, const struct address *peer, bool is_last);

/* `fd` is a listening socket; it moves, also on failure. NULL on failure. */
struct listener *
listener_new(struct loop *loop, int fd, listener_on_accept_fn on_accept, void *arg);
void listener_free(struct listener *l); /* NULL is fine */

/* The listening socket, for its options. */
int listener_fd(const struct listener *l);

/* Takes what has connected already, then no more: from now on connections are refused. */
void listener_close(struct listener *l);

/* A descriptor was closed: goes on if it had to pause. */
void listener_resume(struct listener *l);
