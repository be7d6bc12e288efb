#pragma once
/*
 * One stream of a redis-stream source: where it is read on, and where the log's mark of it stands.
 * No I/O.
 *
 *     ASKING --mark--> READY <-- place -- PLACING <-- no mark -- ASKING
 *        ^---------------'  (the log refused what was delivered: somebody else was there)
 */

#include "base/map.h"
#include "base/mark.h"
#include "sources/stream_position.h"

struct redis_reply;

enum stream_state {
    STREAM_ASKING,  /* the log, where to go on */
    STREAM_PLACING, /* the log knows nothing: the broker has to say where the stream ends */
    STREAM_READY,
};

struct stream {
    struct map_node node; /* by key */
    void *owner;
    char *mark_name; /* owned */
    enum stream_state state;
    struct stream_position at;      /* it is read on behind this */
    struct stream_info seen;        /* as it was when last looked at */
    const struct redis_reply *held; /* entries that wait for the next look; borrowed; NULL: none */
    /* Where the log's mark stands once everything that was delivered is stored; "": nowhere. */
    char stands[STREAM_POSITION_SIZE_MAX];
    /* Where to go on if the log refused what was delivered and has lost its mark; "": nowhere. */
    char resume[STREAM_POSITION_SIZE_MAX];
    bool is_refused;        /* what is delivered would be refused: the log has to be asked again */
    bool is_bad;            /* the broker does not let us read it */
    uint64_t look_pause_ms; /* after the last look, which failed; 0: it did not */
    uint64_t look_after_ms; /* loop clock; not before */
};

/* Chosen: each such look costs all streams the connection. */
enum { STREAM_LOOK_PAUSE_MIN_MS = 60 * 1000, STREAM_LOOK_PAUSE_MAX_MS = 24 * 60 * 60 * 1000 };

/* `key` is borrowed. ERR_MEMORY. */
MUST_CHECK int stream_init(struct stream *s, void *owner, const char *source_name, const char *key);
void stream_fini(struct stream *s);

/* Stands where `known` does, which has the same key. */
void stream_continue(struct stream *s, const struct stream *known);

/* The key in the name of a mark of this source; empty where it is another's. */
struct str stream_key_of_mark(const char *source_name, struct str mark_name);

/* The mark's next step: to `position`, whose text is kept in `text`. */
struct mark stream_step(const struct stream *s,
                        const struct stream_position *position,
                        char text[static STREAM_POSITION_SIZE_MAX]);
/* The sink took that step. */
void stream_advance(struct stream *s, const struct stream_position *position, const char *text);

/* The log refused a step. */
void stream_refuse(struct stream *s, const struct mark *mark);

/* All that was delivered is told: the log can be asked. */
void stream_ask_again(struct stream *s);

/* The log's answer. ERR_SYNTAX: the mark is no position. */
MUST_CHECK int stream_on_mark(struct stream *s, const struct mark *mark);

/*
 * The broker's answer about it was too large to be read: it is not asked for a while, each time for
 * twice as long. With many such streams the first one's pause would be over before the last was found.
 */
void stream_put_look_off(struct stream *s, uint64_t now_ms);

/* The answer was read. */
void stream_on_looked(struct stream *s);

/* Where it begins: `from` as in the config. */
struct stream_position stream_place(const struct stream_info *info, const char *from);
