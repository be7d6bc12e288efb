#pragma once
/*
 * The hub of one worker: its channels, their tails, its subscribers. Takes frames from the feed,
 * pages from its reader, sockets from the HTTP front end; moves every subscriber's cursor towards
 * the head.
 *
 * All on the worker's loop, but for hub_mailbox(). A subscriber has no queue: it is a cursor.
 */

#include "base/err.h"
#include "base/str.h"
#include "config/config.h"
#include "sse/event_id.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hub;
struct loop;
struct mailbox;
struct metrics_slot;
struct replay_reader;

/* `reader` is borrowed. NULL on failure. */
struct hub *hub_new(struct loop *loop,
                    const struct config_stream *config,
                    struct replay_reader *reader,
                    struct metrics_slot *metrics);

/* Closes every stream. After the reader was freed: the hub takes its last answers. NULL is fine. */
void hub_free(struct hub *h);

/*
 * From now on this config holds, for the streams that are open too; but for what their sockets have from
 * the listener (stream_socket.h). It must live until the next one comes or the hub is freed; of the last
 * one nothing is left then.
 */
void hub_set_config(struct hub *h, const struct config_stream *config);

/*
 * Where the feed posts to. Mail types below. Who posts adds the mails' bytes to METRIC_USE_MAILBOXES, from
 * which the hub takes them when it has read them.
 */
struct mailbox *hub_mailbox(struct hub *h);

enum hub_mail {
    HUB_MAIL_FRAME,      /* object: struct frame *, the reference moves */
    HUB_MAIL_FEED_START, /* number: event_id position (replay.h, on_feed_start) */
};

/* Chosen: the log reads back so many events to find where they begin. */
enum { HUB_NEWEST_MAX = 1000 };

/* Where a new stream begins. */
enum hub_start_kind {
    HUB_START_NOW,   /* the feed's position */
    HUB_START_AFTER, /* a cursor: everything after `after`; a gap is said */
    HUB_START_SINCE, /* everything kept after `after` (0: all); asks for what there is, so no gap is
                        said */
    HUB_START_NEWEST, /* the newest `newest` events of each channel, at most HUB_NEWEST_MAX */
};

struct hub_start {
    enum hub_start_kind kind;
    event_id after;
    uint32_t newest;
};

struct hub_stream {
    int fd;          /* non-blocking; moves to the hub in every case, closed on failure */
    struct str head; /* the response head; borrowed; sent first */
    bool is_chunked; /* HTTP/1.1: chunked; HTTP/1.0: bare bytes until the close */
    const struct str *channels; /* valid names without doubles, at least one; borrowed */
    size_t channels_length;
    struct hub_start start;
    uint64_t ticket; /* for on_closed; 0: nobody wants to know; moves with the fd */
};

/* Worker's loop. `on_closed` is called for each stream with a ticket whose fd has been closed. */
void hub_set_on_closed(struct hub *h, void (*on_closed)(void *arg, uint64_t ticket), void *arg);

/* Whether a stream of these channels would stay within stream.channels. */
bool hub_has_room(const struct hub *h, const struct str *channels, size_t channels_length);

/* Opens a stream. ERR_MEMORY, ERR_SYSTEM: the fd is closed. */
MUST_CHECK int hub_open(struct hub *h, const struct hub_stream *stream);

/* How many streams are open. */
size_t hub_streams(const struct hub *h);

/*
 * Ends every stream within `over_ms`, spread evenly, each with a clean end of the response and a
 * jittered `retry:`, so that the clients do not come back as one wave. What is open when it is
 * called.
 */
void hub_drain(struct hub *h, uint32_t over_ms);
