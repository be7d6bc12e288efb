#pragma once
/*
 * Bytes into a subscriber's socket. What the socket takes only in part is kept to the end of the event, so that the
 * stream never breaks within one; that rest is the only memory a slow client has, and all clients of a worker share a
 * bound on it (stream.unsent_bytes). Changes no state and closes nothing: the outcome says what is to be done.
 */

#include "base/str.h"
#include "streaming/tail.h"

#include <stddef.h>

struct subscriber;

enum transfer {
    TRANSFER_DONE,
    TRANSFER_BLOCKED, /* the socket is full; what was begun is kept */
    TRANSFER_GONE,    /* the peer closed */
    TRANSFER_FAILED,  /* the network did */
    TRANSFER_MEMORY,  /* no room for the rest: out of memory, or the bound is reached */
};

/* What a send() comes to that failed with `error` and sent nothing. */
enum transfer transfer_of_errno(int error);

/* Events. The cursor follows what the socket takes, in whole or in part. */
enum transfer transfer_run(struct subscriber *s, const struct tail_run *run);

/* The same after a send() of the run that took `sent` bytes, and is counted. */
enum transfer transfer_run_taken(struct subscriber *s, const struct tail_run *run, size_t sent);

/* One event that is not in a run, or several framed ones; they go out whole, now or later. */
enum transfer transfer_event(struct subscriber *s, struct str event);
enum transfer transfer_bytes(struct subscriber *s, struct str bytes);

/* What the last transfer left; there must be some. */
enum transfer transfer_unsent(struct subscriber *s);

/* Forgets it. */
void transfer_drop_unsent(struct subscriber *s);

/*
 * Puts an event in this stream's transfer framing, at `to`, where there is room for
 * wire_chunk_size(event.size). Returns the size.
 */
size_t transfer_frame(const struct subscriber *s, char *to, struct str event);
