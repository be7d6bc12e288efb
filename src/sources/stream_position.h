#pragma once
/*
 * How far a Redis Stream was read: the id of the last entry, and where it is known how many entries
 * the stream had had by then. That number tells whether entries were trimmed before they were read.
 * Its text, "<ms>-<seq>" or "<ms>-<seq>/<count>", is what the log keeps as a mark. Pure.
 */

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct redis_reply;

struct stream_id {
    uint64_t ms, seq;
};

struct stream_position {
    struct stream_id id; /* 0-0: before the first entry */
    uint64_t count;
    bool is_counted;
};

enum { STREAM_ID_SIZE_MAX = 42, STREAM_POSITION_SIZE_MAX = 64 }; /* with the terminator */

/* "<ms>", "<ms>-<seq>". ERR_SYNTAX. */
MUST_CHECK int stream_id_parse(struct str text, struct stream_id *ret_id);
struct str stream_id_format(struct stream_id id, char ret_text[static STREAM_ID_SIZE_MAX]);
bool stream_id_is_later(struct stream_id a, struct stream_id b);

/* ERR_SYNTAX. */
MUST_CHECK int stream_position_parse(struct str text, struct stream_position *ret_position);
void stream_position_format(const struct stream_position *p,
                            char ret_text[static STREAM_POSITION_SIZE_MAX]);

/* What XINFO STREAM says. A stream that does not exist is all zero, and counted. */
struct stream_info {
    struct stream_id last;  /* ever given out */
    struct stream_id first; /* of the entries that are there; unused where length is 0 */
    uint64_t length;
    uint64_t added; /* since it exists */
    bool is_counted;
    bool is_known;        /* false: nobody has looked yet */
    uint64_t first_print; /* of the first entry, whole: tells it from another of the same id */
};

/* ERR_PROTOCOL. Redis before 7 does not count. */
MUST_CHECK int stream_info_read(const struct redis_reply *reply, struct stream_info *ret_info);

/* The end of the stream, and its beginning as of now: what is already trimmed is not counted. */
struct stream_position stream_info_end(const struct stream_info *info);
struct stream_position stream_info_begin(const struct stream_info *info);

enum stream_change {
    STREAM_IS_WHOLE,
    STREAM_HAS_LOST,   /* entries behind the position are gone, trimmed or deleted */
    STREAM_IS_ANOTHER, /* deleted, made anew, or restored: at least `*ret_lost` are gone with it */
};

/*
 * Compares a position with the stream as it is, and counts the position where that is possible. A
 * loss is found once. `seen` is how the stream was when somebody last looked, if known.
 *
 * Another stream is read from its beginning, unless it still begins with the entry that was seen
 * there: then it was set back, and what it has was read. Taken for whole, as nothing tells it: one
 * made anew with at least as many entries as were read, if as many are gone from its beginning, or
 * if its ids were read and it begins with the entry that was seen, or nothing was; without counts
 * also any that nothing was seen of before, or that has higher ids.
 */
enum stream_change stream_position_check(struct stream_position *p,
                                         const struct stream_info *seen,
                                         const struct stream_info *info,
                                         uint64_t *ret_lost);
