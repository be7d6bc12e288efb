#pragma once
/*
 * Finds the addresses of a host without blocking the loop (hosts file, then name servers). One
 * look-up at a time. Loop's thread.
 */

#include "base/err.h"

#include <stddef.h>

struct loop;
struct resolve_job;

/* Chosen: more than any broker's name has; and an IPv6 address with a zone ("%eth0") fits. */
enum { RESOLVE_ADDRESSES_MAX = 8, RESOLVE_ADDRESS_SIZE_MAX = 64 };

struct resolve_result {
    size_t length;
    char addresses[RESOLVE_ADDRESSES_MAX][RESOLVE_ADDRESS_SIZE_MAX]; /* numeric, terminated */
};

/* `why` is NULL and the result not empty, or it is a sentence and the result NULL. */
typedef void (*resolve_on_done_fn)(void *arg, const struct resolve_result *result, const char *why);

struct resolve {
    struct loop *loop; /* borrowed; fields are private to resolve.c */
    resolve_on_done_fn on_done;
    void *arg;
    struct resolve_job *job; /* NULL while nothing is looked up */
};

void resolve_init(struct resolve *r, struct loop *loop, resolve_on_done_fn on_done, void *arg);

/* on_done is called once, for a numeric host before this returns. ERR_MEMORY, ERR_RESOLVE. */
MUST_CHECK int resolve_start(struct resolve *r, const char *host);

/* on_done is not called any more. Nothing to do is fine. */
void resolve_cancel(struct resolve *r);
