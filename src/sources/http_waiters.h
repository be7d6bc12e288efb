#pragma once
/*
 * The requests whose message the log does not have yet: each is answered when it does, or when it
 * took too long. A client that goes away in between is forgotten. Ingest loop.
 */

#include "base/err.h"
#include "base/list.h"
#include "event/timer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct evhttp_request;
struct http_waiter;
struct loop;

enum {
    HTTP_WAITERS_MAX = 1024,        /* chosen: a request that waits costs evhttp about 4 KiB */
    HTTP_WAITERS_LONGEST_MS = 30000 /* chosen: HTTP clients give up at about that */
};

/* Fields are private to http_waiters.c. */
struct http_waiters {
    struct loop *loop;
    struct list list; /* in the order of their tickets */
    size_t length;
    uint64_t stored_ticket;
    struct timer timer; /* of the first that waits */
};

void http_waiters_init(struct http_waiters *w, struct loop *loop);

/* Nothing waits, and no place is taken. */
bool http_waiters_is_empty(const struct http_waiters *w);

/* Answers what waits: 503. */
void http_waiters_fini(struct http_waiters *w);

/*
 * A place for a request, taken before its message is given to the sink. NULL: HTTP_WAITERS_MAX
 * wait, or no memory.
 */
struct http_waiter *http_waiters_reserve(struct http_waiters *w);
void http_waiters_cancel(struct http_waiters *w, struct http_waiter *waiter);

/* Takes the place and the request, which is answered when the log has `ticket`: maybe at once. */
void http_waiters_add(struct http_waiters *w,
                      struct http_waiter *waiter,
                      struct evhttp_request *request,
                      uint64_t ticket,
                      uint32_t events);

/* The log will never have this ticket: the request that waits for it gets an error in the end. */
void http_waiters_drop(struct http_waiters *w, uint64_t ticket);

/* The log has everything up to `ticket`. */
void http_waiters_store(struct http_waiters *w, uint64_t ticket);
