#pragma once
/*
 * The redis-stream source: an application's own Redis Streams, read by XREAD.
 *
 *     ask the log for its marks -> look at the streams (XINFO) -> read (XREAD BLOCK) -> deliver
 *                  ^                     ^-- once a second, and ------'
 *                  |                         before delivering, where that is cheap
 *                  '--- the log refused a mark
 *
 * Each entry goes to the log with a mark that says how far the stream was read: what the log has it
 * knows it has, wherever runnel, the log or the broker dies. So every entry comes once, also where
 * several processes read the same stream: whoever moves the mark first wins, the others go on behind
 * it.
 *
 * Nothing is read that the log does not take: at most two replies wait to be stored. Entries that
 * were trimmed or deleted before they were read are counted and told as a loss (Redis 7 and later;
 * older ones do not say). A stream that was deleted and made anew is read from its beginning, where
 * that can be known: see stream_position_check().
 */

#include "sources/source.h"

/* As source_new(). */
MUST_CHECK int redis_stream_new(const struct source_settings *settings, struct source **ret_source);
