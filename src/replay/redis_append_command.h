#pragma once
/* The command that sends a batch: lua/append.lua with its keys and arguments. Pure. */

#include "replay/redis_batches.h"
#include "sse/event_id.h"

struct redis_keys;
struct redis_script;

enum {
    APPEND_MARKS_MAX = BATCH_DRAFTS_MAX,
    APPEND_NUMBERS_MAX = 10 + 2 * APPEND_MARKS_MAX + 4 * REPLAY_MARKED_MAX,
    APPEND_WORDS_MAX = 3 + 2 + 9 + 5 * APPEND_MARKS_MAX + 6 * REPLAY_MARKED_MAX
};

struct append_request {
    const struct redis_script *script;
    const struct redis_keys *keys;
    const struct batch *batch;
    event_id seen;
    uint64_t span_ms;     /* newest ids are remembered for so long */
    uint64_t confirmed;   /* newest batch whose reply came */
    bool is_script_known; /* on this connection */
};

/* Marks of one name, each going on from the one before: one mark with the events of all. */
struct append_mark {
    struct mark mark;
    size_t first; /* event, index from 1 */
    size_t events;
};

/* Scratch: borrows from the request until the next one. */
struct append_command {
    struct str words[APPEND_WORDS_MAX];
    size_t length;
    struct append_mark marks[APPEND_MARKS_MAX];
    size_t marks_length;
    char numbers[APPEND_NUMBERS_MAX][STR_U64_SIZE_MAX];
    size_t numbers_length;
};

void append_command_build(struct append_command *c, const struct append_request *request);
