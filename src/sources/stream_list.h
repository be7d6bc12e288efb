#pragma once
/* The streams of a redis-stream source, found by key, and what a command needs that names them all. No I/O. */

#include "sources/source.h"
#include "sources/stream.h"

#include <stddef.h>

enum { STREAM_LIST_HEAD = 6 }; /* words of XREAD before the keys */

struct stream_list {
    struct stream *streams; /* owned, as the next two */
    struct str *words;      /* scratch: STREAM_LIST_HEAD, and two for each stream */
    char (*ids)[STREAM_ID_SIZE_MAX];
    size_t length;
    struct map by_key;
};

/* A stream for each subscription, whose text is borrowed. ERR_MEMORY: stream_list_fini() is still due. */
MUST_CHECK int stream_list_init(struct stream_list *l,
                                void *owner,
                                const char *source_name,
                                const struct source_subscription *subscriptions,
                                size_t length);
void stream_list_fini(struct stream_list *l);

/* NULL where there is none. */
struct stream *stream_list_find(const struct stream_list *l, struct str key);

/* What both lists have goes on where it stands in `old`. */
void stream_list_continue(struct stream_list *l, const struct stream_list *old);
