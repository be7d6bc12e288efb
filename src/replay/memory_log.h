#pragma once
/*
 * The memory log's data: channels of frames, bounded by count, age and bytes. Pure: no loop, no
 * threads; the caller brings the time.
 *
 * Frames are in their channel's list and in one list of all by id, so that a full log forgets its
 * oldest events first, whatever their channel. A channel that has lost its last event is remembered
 * by name and last id for as long as there is room, so its floor stays exact; when that goes too,
 * the log only vouches for what came after it.
 */

#include "base/err.h"
#include "base/str.h"
#include "replay/replay.h"
#include "sse/event_id.h"
#include "sse/frame.h"

#include <stddef.h>
#include <stdint.h>

struct memory_log;

struct memory_limits {
    struct replay_keep keep; /* where a draft says nothing; both set */
    uint64_t bytes;          /* of all channels */
    uint64_t channel_bytes;  /* of one */
};

/* `birth`: the log vouches for nothing before it. NULL on OOM. */
struct memory_log *memory_log_new(const struct memory_limits *limits, event_id birth);
void memory_log_free(struct memory_log *log);

/* For what is appended from now on; what is too much goes then. */
void memory_log_set_limits(struct memory_log *log, const struct memory_limits *limits);

/* The id of the newest event; the birth where there is none. */
event_id memory_log_head(const struct memory_log *log);

/* Appends one event. The frame is the log's; ref it to keep it. ERR_MEMORY. */
MUST_CHECK int memory_log_append(struct memory_log *log,
                                 const struct replay_draft *draft,
                                 uint64_t now_ms,
                                 struct frame **ret_frame);

/* Something was lost before this point: no cursor older than the id that is returned is vouched
 * for. */
event_id memory_log_note_loss(struct memory_log *log, uint64_t now_ms);

/* NULL on OOM. */
struct replay_page *
memory_log_read(struct memory_log *log, const struct replay_page_request *request, uint64_t now_ms);

/* Forgets what is older than its channel keeps, a bounded number of events a call. */
void memory_log_expire(struct memory_log *log, uint64_t now_ms);

/* What it holds, with overheads; never more than limits.bytes but for one event. */
uint64_t memory_log_bytes(const struct memory_log *log);
