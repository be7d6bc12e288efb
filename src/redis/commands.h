#pragma once
/*
 * The commands that wait for their replies, in the order in which they were sent. A fixed ring:
 * its size is the bound on the pipeline.
 */

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct redis_reply;

/*
 * Called exactly once for each command that was taken. status 0: `reply` is borrowed for the call
 * (and may be an error that the server sent). Negative: there is no reply, the command may or may
 * not have been carried out.
 */
typedef void (*redis_on_reply_fn)(void *arg, int status, const struct redis_reply *reply);

struct command {
    redis_on_reply_fn on_reply;
    void *arg;
    uint64_t sent_ms;
    uint64_t end_bytes; /* of all that the connection was given to send */
};

struct commands {
    struct command *ring; /* owned */
    size_t capacity;
    size_t first;
    size_t length;
};

/* ERR_MEMORY. */
MUST_CHECK int commands_init(struct commands *c, size_t capacity);
void commands_fini(struct commands *c);

/* There must be room. */
void commands_push(struct commands *c, const struct command *command);

/* NULL where there is none. */
const struct command *commands_oldest(const struct commands *c);

/* False where there is none. */
bool commands_pop(struct commands *c, struct command *ret_command);
