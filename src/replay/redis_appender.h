#pragma once
/*
 * The append side of the Redis log: queued drafts, cut into numbered batches, several in flight, in
 * order, each sent until the log has it and applied once. Ingest loop.
 *
 *     away -> ready <-> failing (a batch was refused: the replies of those behind it are awaited)
 *       ^                  |
 *       '---- paused <-----'  (then all of them are sent again)
 */

#include "base/err.h"
#include "replay/replay.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct appender;
struct loop;
struct metrics_slot;
struct redis_client;
struct redis_keys;
struct redis_script;

struct appender_settings {
    struct loop *loop;
    struct redis_client *client; /* borrowed; its owner tells on_up and on_down */
    const struct redis_keys *keys;
    const struct redis_script *script;
    uint64_t queue_events, queue_bytes; /* bounds */
    struct replay_keep keep;            /* where a draft says nothing */
    uint64_t span_ms;                   /* how long a channel's newest id is remembered */
    uint64_t retry_min_ms, retry_max_ms;
    event_id *seen; /* the highest id of the log that this process knows; shared with the feed */
    struct metrics_slot *metrics;
    void *arg;
    void (*on_stored)(void *arg, uint64_t ticket);
    void (*on_dropped)(void *arg, uint64_t ticket);
    /* As replay.h's on_mark. */
    void (*on_refused)(void *arg, const struct mark *mark);
    /* The log refuses appends, or takes them again. */
    void (*on_change)(void *arg);
};

struct appender *appender_new(const struct appender_settings *settings); /* NULL on failure */
void appender_free(struct appender *a);                                  /* NULL is fine */

/* Other bounds, and what is kept by default; what waits already stays as it is. */
void appender_set_limits(struct appender *a,
                         uint64_t queue_events,
                         uint64_t queue_bytes,
                         struct replay_keep keep,
                         uint64_t span_ms);

/* The client's connection. */
void appender_on_up(struct appender *a);
void appender_on_down(struct appender *a);

/* As replay.h says; `mark` is NULL for none. */
MUST_CHECK int appender_append(struct appender *a,
                               const struct replay_draft *drafts,
                               size_t length,
                               const struct mark *mark,
                               uint64_t *ret_ticket);
void appender_note_loss(struct appender *a);
void appender_queue(const struct appender *a, uint64_t *ret_length, uint64_t *ret_bytes);

/* What the log said when it refused the last batch; NULL where it takes them. */
const char *appender_problem(const struct appender *a);
