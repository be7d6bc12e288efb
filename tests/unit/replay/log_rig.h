#pragma once
/*
 * A replay log with everything around it that a test needs: its loop, one reader, and what the listener and the reader
 * were told. Fails the test at once where the feed breaks its order.
 */

#include "config/config.h"
#include "replay/replay.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;

enum { RIG_WHY_SIZE = 256, RIG_DIARY_SIZE = 4096 };

/* Like replay_memory_new() and replay_redis_new(). */
typedef struct replay *(*log_rig_new_fn)(const struct config_replay *config,
                                         struct loop *ingest,
                                         const struct replay_listener *listener,
                                         struct metrics *metrics);

struct log_rig {
    struct loop *loop; /* borrowed: several rigs may share one */
    struct config_replay config;
    struct metrics *metrics;
    struct replay *log;
    struct replay_reader *reader;

    struct frame **frames; /* of the feed, in order */
    size_t frames_length;
    size_t frames_capacity;
    size_t starts;
    event_id first_position; /* of the first feed start */
    event_id position;       /* where the feed stands */
    uint64_t stored;         /* newest ticket that on_stored() told */
    uint64_t dropped;        /* newest ticket that on_dropped() told */
    size_t dropped_length;
    uint64_t ticket; /* newest ticket that an append gave */
    bool is_up;
    size_t changes; /* calls of on_state */
    char why[RIG_WHY_SIZE];
    /* What on_mark told: "name=position ", or "name:before!=position " where refused. */
    char marks[RIG_DIARY_SIZE];
    char told[RIG_DIARY_SIZE];
    size_t answers;

    struct replay_page *page; /* of the last read; the rig's */
    int page_status;
    size_t pages;
    size_t wanted;
};

/* `config` without a broker is fine for a memory log. */
void log_rig_open(struct log_rig *r,
                  struct loop *loop,
                  log_rig_new_fn new_log,
                  const struct config_replay *config);
void log_rig_close(struct log_rig *r);

/* Sizes and times that a test need not care about. */
struct config_replay log_rig_config(void);

/* Turns the loop until it holds. */
void log_rig_wait_up(struct log_rig *r);
void log_rig_wait_down(struct log_rig *r);
void log_rig_wait_starts(struct log_rig *r, size_t starts);
void log_rig_wait_frames(struct log_rig *r, size_t frames);
void log_rig_wait_stored(struct log_rig *r); /* all that was appended */
void log_rig_wait_pages(struct log_rig *r, size_t pages);

/* One event whose data is `text`; the log's own keep. */
void log_rig_append(struct log_rig *r, const char *channel, const char *text);
void log_rig_append_kept(struct log_rig *r,
                         const char *channel,
                         const char *text,
                         struct replay_keep keep);
int log_rig_try_append(struct log_rig *r,
                       const char *channel,
                       struct str text,
                       struct replay_keep keep);

/* One event, moving a mark; `text` NULL: only the mark. */
void log_rig_append_marked(struct log_rig *r,
                           const char *channel,
                           const char *text,
                           const struct mark *mark);

#define MARK(text, from, to)                                                                       \
    (&(const struct mark){.name = STR(text), .before = STR(from), .position = STR(to)})

/* Asks for a mark and waits for an answer; what on_mark has told since the last call. Borrowed. */
const char *log_rig_read_mark(struct log_rig *r, const char *name);

/* Appends and waits until the feed has brought it and the log has confirmed it; its frame, borrowed. */
const struct frame *log_rig_put(struct log_rig *r, const char *channel, const char *text);

/* Reads and waits, for the reader's connection too; the page is the rig's until the next read. */
const struct replay_page *log_rig_read(struct log_rig *r, const char *channel, event_id after);
const struct replay_page *log_rig_read_request(struct log_rig *r,
                                               const struct replay_page_request *request);

/* For reads that a test makes itself; `arg` is the rig. */
void log_rig_on_page(void *arg, int status, struct replay_page *page);

/* What a frame carries behind its id, and when the event was received. */
struct str log_rig_body(const struct frame *frame);
uint64_t log_rig_received_ms(const struct frame *frame);

/* The data of a frame that log_rig_append() made. */
struct str log_rig_text(const struct frame *frame);

/* The texts of the page's frames, a blank between them. */
void log_rig_expect_texts(const struct replay_page *page, const char *texts);

/* Has a client that stands at `cursor` missed something before this page? */
static inline bool
log_rig_has_gap(const struct replay_page *page, event_id cursor)
{
    return cursor < page->floor;
}
