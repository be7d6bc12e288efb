#pragma once
/*
 * Finds the addresses of a host without blocking the loop (hosts file, then name servers), and hands
 * them out one after another. One look-up at a time. Loop's thread.
 */

#include "base/err.h"

#include <event2/util.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct resolve_job;

/* `why` is NULL where there is an address at least, or it is a sentence. */
typedef void (*resolve_on_done_fn)(void *arg, const char *why);

struct resolve {
    struct loop *loop; /* borrowed; fields are private to resolve.c */
    resolve_on_done_fn on_done;
    void *arg;
    struct resolve_job *job;            /* NULL while nothing is looked up */
    struct evutil_addrinfo *found;      /* owned */
    const struct evutil_addrinfo *next; /* one of them */
    size_t left;                        /* not handed out yet */
    size_t tried;                       /* handed out since the look-up, or resolve_skip_tried() */
    size_t first;                       /* which one is handed out first */
};

void resolve_init(struct resolve *r, struct loop *loop, resolve_on_done_fn on_done, void *arg);

/* on_done is called once, for a numeric host before this returns. ERR_MEMORY, ERR_RESOLVE. */
MUST_CHECK int resolve_start(struct resolve *r, const char *host, uint16_t port);

/* Whether resolve_next() has one. */
bool resolve_has_next(const struct resolve *r);

/* TCP, with the port. Good until resolve_cancel() or the next look-up; NULL: each was handed out. */
const struct evutil_addrinfo *resolve_next(struct resolve *r);

/*
 * What was handed out did not serve: the next look-up begins behind it, also after resolve_cancel().
 * A dead first address blocks nobody.
 */
void resolve_skip_tried(struct resolve *r);

/* on_done is not called any more, and no address is left. Nothing to do is fine. */
void resolve_cancel(struct resolve *r);
