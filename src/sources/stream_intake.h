#pragma once
/*
 * What a redis-stream source tells the sink: entries with the marks that say how far they are, where
 * a stream begins, what of it is lost. No I/O. Ingest loop.
 */

#include "sources/source.h"
#include "sources/stream.h"

struct redis_reply;

struct stream_intake {
    const struct source_settings *settings; /* borrowed */
    struct buf payload;                     /* scratch */
    uint64_t taken;                         /* ticket of what the sink took last */
};

void stream_intake_init(struct stream_intake *in, const struct source_settings *settings);
void stream_intake_fini(struct stream_intake *in);

/* A PLACING stream becomes READY, unless the sink takes nothing now: what comes from here on is not
 * missed, whatever dies. */
void
stream_intake_place(struct stream_intake *in, struct stream *s, const struct stream_info *info);

/* Tells what is missing behind the position, and takes the mark past it: it is not told again. */
enum stream_change
stream_intake_compare(struct stream_intake *in, struct stream *s, const struct stream_info *info);

/* ERR_PROTOCOL: not an entry with an id. */
MUST_CHECK int stream_entry_id(const struct redis_reply *entry, struct stream_id *ret_id);

enum { STREAM_INTAKE_E_FULL = 1 };

/*
 * Entries as XREAD has them. STREAM_INTAKE_E_FULL: the sink took those before s->at only.
 * ERR_PROTOCOL.
 */
MUST_CHECK int stream_intake_entries(struct stream_intake *in,
                                     struct stream *s,
                                     const struct redis_reply *entries);
