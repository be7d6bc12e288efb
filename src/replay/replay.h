#pragma once
/*
 * The replay log: append-only, bounded, one total order of ids over all channels.
 *
 *     append (ingest loop) --> log --> feed (ingest loop) --> every worker
 *                               ^-- read a page after an id (each worker, through its reader)
 *
 * Two backends with one promise: memory (this process) and Redis Streams (any number of processes).
 * Events reach the workers only through the feed, in id order, also in the process that appended
 * them.
 */

#include "base/err.h"
#include "base/mark.h"
#include "base/str.h"
#include "sse/event_id.h"
#include "sse/frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config_replay;
struct loop;
struct replay;
struct replay_reader;

/* How much of a channel to keep. 0 means the log's default. */
struct replay_keep {
    uint64_t events;
    uint64_t for_ms;
};

/* An event that has no id yet. Borrowed for the call. */
struct replay_draft {
    struct str channel; /* channel_name_is_valid */
    struct str body;    /* sse_encode_body's output */
    struct replay_keep keep;
    uint32_t slow;        /* the route's slow rule (event_traits.h); 0: none of its own */
    uint64_t received_ms; /* wall clock at the receipt by the source; 0: not known */
};

/* What the log tells its owner; all on the ingest loop. */
struct replay_listener {
    void *arg;
    /* Every draft with a ticket <= `ticket` is in the log, but for those that on_dropped() told. */
    void (*on_stored)(void *arg, uint64_t ticket);
    /*
     * The draft with this ticket will never be in the log, which is counted, and a gap of its channel;
     * before on_stored() tells its ticket. (Nobody hears of it where the log's reply was lost.)
     */
    void (*on_dropped)(void *arg, uint64_t ticket);
    /* The next event of the feed, in id order. Borrowed: frame_ref() to keep it. */
    void (*on_frame)(void *arg, struct frame *frame);
    /*
     * The feed begins, or begins again after a loss: it carries every event with an id > `position`
     * from here on. Whoever stands before `position` has to read from the log.
     */
    void (*on_feed_start)(void *arg, event_id position);
    /* The log can (cannot) be used. `why` is a static or borrowed sentence, for health. */
    void (*on_state)(void *arg, bool is_up, const char *why);
    /*
     * Where the log's mark of that name stands; empty where it has none. The answer to
     * replay_read_mark(), `before` empty; or is_refused: an append that expected `before` was not
     * stored, nor were those behind it that built on it. Borrowed. NULL where nobody has marks.
     */
    void (*on_mark)(void *arg, const struct mark *mark, bool is_refused);
};

enum { REPLAY_E_FULL = 1 };
enum { REPLAY_MARKED_MAX = 1024 }; /* drafts of one append with a mark */

/*
 * Ingest loop. Queues `length` drafts for the log, in order, all or nothing. `*ret_ticket` is the
 * last draft's ticket; tickets rise by one a draft. The drafts are copied. REPLAY_E_FULL where the
 * queue's bound (entries or bytes) is reached, ERR_LIMIT where one is larger than the log can take:
 * nothing was queued.
 */
MUST_CHECK int replay_append(struct replay *r,
                             const struct replay_draft *drafts,
                             size_t length,
                             uint64_t *ret_ticket);

/*
 * The same, and the mark moves in the same step: all drafts and the mark, or, where the log's mark
 * is not `mark->before` by then, nothing (on_mark says so, before on_stored counts the ticket as
 * done). The mark takes a ticket too. `length` may be 0; ERR_LIMIT above REPLAY_MARKED_MAX too.
 */
MUST_CHECK int replay_append_marked(struct replay *r,
                                    const struct replay_draft *drafts,
                                    size_t length,
                                    const struct mark *mark,
                                    uint64_t *ret_ticket);

/*
 * Ingest loop. Asks for a mark; on_mark answers, never from inside this call. ERR_CONNECT,
 * ERR_LIMIT, ERR_MEMORY: no answer will come. Neither does one where the log goes away meanwhile:
 * who waits asks again.
 */
MUST_CHECK int replay_read_mark(struct replay *r, struct str name);

/*
 * Ingest loop. Something that should have been appended here was lost (a full queue): every cursor
 * that is older than this point has a gap, and is told, also where no append follows.
 */
void replay_note_loss(struct replay *r);

/*
 * Ingest loop. The bounds and what is kept by default are those of `config` from now on; the rest of it is
 * not looked at. A channel notices at its next event.
 */
void replay_set_config(struct replay *r, const struct config_replay *config);

/* Ingest loop. How many drafts and bytes wait. */
void replay_queue(const struct replay *r, uint64_t *ret_length, uint64_t *ret_bytes);

/* Ingest loop. Starts the feed; the listener is called from the next turn on. */
void replay_start(struct replay *r);

/* Ingest loop, after every reader was freed. NULL is fine. */
void replay_free(struct replay *r);

/* --- reading: one reader a worker loop --- */

struct replay_page_request {
    struct str channel; /* borrowed for the call */
    event_id after;     /* events with an id > after, oldest first; unused where newest > 0 */
    uint32_t newest;    /* > 0: the newest N events instead, still oldest first */
    uint32_t limit_events;
    uint32_t limit_bytes; /* of wire; at least one event comes even where it is larger */
};

struct replay_page {
    struct frame **frames; /* oldest first; each a reference of the page */
    size_t length;
    event_id after; /* what the page covers: every event that the log has in (after, upto] */
    event_id upto;
    bool is_end; /* nothing after `upto` was in the log when it was read: upto is the log's head */
    /* A cursor < floor has a gap before the first frame of the page (or before upto, where it is
     * empty). */
    event_id floor;
};

/*
 * Reader's loop. status 0: `page` is the callee's, replay_page_free() it. Negative: the read
 * failed, page is NULL; trying again later is the callee's business.
 */
typedef void (*replay_on_page_fn)(void *arg, int status, struct replay_page *page);

/* Called before the loops run, or on `loop`. NULL on failure. */
struct replay_reader *replay_reader_new(struct replay *r, struct loop *loop);

/* When both loops, the reader's and the ingest loop, have stopped. Reads under way are answered
 * with ERR_CLOSED. */
void replay_reader_free(struct replay_reader *reader);

/* Reader's loop. on_page is called exactly once, never from inside this call. Failure: never
 * called. */
MUST_CHECK int replay_reader_read(struct replay_reader *reader,
                                  const struct replay_page_request *request,
                                  replay_on_page_fn on_page,
                                  void *arg);

void replay_page_free(struct replay_page *page); /* drops its references; NULL is fine */

/* --- the backends --- */

struct metrics;

/* NULL on failure. `config` must outlive the log. `metrics` may be NULL (tests). */
struct replay *replay_memory_new(const struct config_replay *config,
                                 struct loop *ingest,
                                 const struct replay_listener *listener,
                                 struct metrics *metrics);
struct replay *replay_redis_new(const struct config_replay *config,
                                struct loop *ingest,
                                const struct replay_listener *listener,
                                struct metrics *metrics);
