#pragma once
/*
 * The end of the process, one step after the other:
 *
 *     SIGTERM --> NOTICE ----------> STREAMS --------> SOURCES ---------> the loop stops
 *                 not ready; all     each ends, with   take no more; the
 *                 is served as ever  its own retry     log gets the rest
 *
 * NOTICE is for those who send connections here to find out (stream.drain_delay). The sources go
 * last: what they take meanwhile reaches the streams that are still open, and from the log those
 * that came back elsewhere. The log has 2 s from each event that it confirmed to the next, and 10 s
 * in all. Another signal stops the loop at once. Ingest loop.
 */

#include "config/config.h"

#include <stdbool.h>

struct drain;
struct loop;

struct drain_steps {
    void *arg;
    void (*unready)(void *arg);
    void (*end_streams)(void *arg, uint32_t over_ms); /* then drain_on_streams_ended() */
    void (*stop_sources)(void *arg);
    uint64_t (*left)(void *arg); /* events that the log has not confirmed */
    bool (*is_idle)(void *arg);  /* the log has all that the sources took, and they said so */
    void (*give_up)(void *arg);  /* it took too long: what is not in the log by now is left */
};

/* NULL on OOM. */
struct drain *drain_new(struct loop *loop, const struct drain_steps *steps);
void drain_free(struct drain *d); /* NULL is fine */

/*
 * SIGTERM and its like. `is_noticed`: those who send connections here are to be waited for; false
 * where a human pressed Ctrl-C.
 */
void drain_on_signal(struct drain *d, const struct config_stream *config, bool is_noticed);

/* No stream is left. */
void drain_on_streams_ended(struct drain *d);
