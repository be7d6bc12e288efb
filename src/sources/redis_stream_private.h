#pragma once
/*
 * The source's own struct, shared by redis_stream.c and its steps only: stream_marks.c asks the log,
 * stream_look.c looks at the streams, stream_read.c reads them, stream_held.c keeps what is read until they were
 * looked at. Ingest loop.
 */

#include "base/backoff.h"
#include "event/loop.h"
#include "event/timer.h"
#include "redis/client.h"
#include "sources/redis_stream.h"
#include "sources/status.h"
#include "sources/stream_intake.h"
#include "sources/stream_list.h"

enum { STREAM_LOOKS_AT_ONCE = 256 }; /* chosen: XINFO under way */

struct redis_stream {
    struct source source; /* first */
    struct source_settings settings;
    struct status status;
    struct stream_intake intake;
    struct stream_list list;
    struct stream_list planned;  /* empty where there is no plan */
    bool is_changing;            /* the plan is carried out when no command is under way */
    struct redis_client *client; /* owned; NULL: stopped */
    struct loop_task pump;
    struct timer retry; /* runs: nothing else is done */
    struct backoff backoff;
    size_t under_way; /* commands */
    uint64_t look_began_ms;
    uint64_t look_due_ms;     /* the next one */
    uint64_t look_again_ms;   /* not before, also where something has come */
    struct redis_reply *held; /* owned; used when the streams were looked at; NULL: none */
    size_t looked;            /* streams that were asked about in this one */
    bool is_looking;
    bool must_look;                 /* from the beginning */
    bool is_look_too_large;         /* the reply that ended the connection */
    bool is_asking;                 /* the log was asked for a mark */
    size_t read_count;              /* COUNT of the next XREAD */
    size_t read_streams;            /* which names so many at most */
    size_t read_first, read_end;    /* from the one to before the other, modulo their number */
    uint64_t stored;                /* as the log told it */
    uint64_t taken_before;          /* what the sink had taken when the last reply came */
    uint64_t gate;                  /* the log must have this before more is read */
    char bad[STATUS_TEXT_SIZE_MAX]; /* what is wrong with a stream; "": nothing */
};

/* What comes next, at the end of the turn; or after a pause, until which nothing else is done. */
void stream_source_schedule(struct redis_stream *r);
void stream_source_pause(struct redis_stream *r);

/* stream_marks.c: the first stream of which the log was not asked yet, or NULL; asks about it. */
const struct stream *stream_source_find_unknown(const struct redis_stream *r);
void stream_source_ask(struct redis_stream *r, const struct stream *s);

/* stream_marks.c: the log's answer, or its refusal. */
void stream_source_on_mark(struct source *source, const struct mark *mark, bool is_refused);

/* stream_marks.c: what was refused is asked again, once the log has told of all that was delivered. */
bool stream_source_is_refused(const struct redis_stream *r);
void stream_source_ask_again(struct redis_stream *r);

/* stream_look.c: whether there are streams to be looked at first; looks at them. */
bool stream_source_looks(struct redis_stream *r);
void stream_source_look(struct redis_stream *r);

/* stream_read.c: the next XREAD, of all streams that can be read, or of those whose turn it is. */
void stream_source_read(struct redis_stream *r);

/* stream_read.c: one stream of a reply of XREAD. ERR_PROTOCOL. */
MUST_CHECK int stream_source_read_part(const struct redis_stream *r,
                                       const struct redis_reply *part,
                                       struct stream **ret_stream,
                                       const struct redis_reply **ret_entries);
/* stream_read.c: all of the reply is used; not all, as stream_intake_entries() said why. */
void stream_source_note_used(struct redis_stream *r, const struct redis_reply *reply);
void stream_source_note_unused(struct redis_stream *r, int result);

/* stream_held.c: keeps a copy of the reply and asks for a look. False: it has to be used now. */
bool stream_source_hold(struct redis_stream *r, const struct redis_reply *reply);
/* stream_held.c: what a look says of a stream, and what is held of it, each in its place. */
void
stream_source_compare(struct redis_stream *r, struct stream *s, const struct stream_info *info);
/* stream_held.c: the look is over: uses the rest; forgets it, to be read again. */
void stream_source_release(struct redis_stream *r);
void stream_source_drop_held(struct redis_stream *r);

/* stream_read.c: the reply was too large. */
void stream_source_read_less(struct redis_stream *r);
