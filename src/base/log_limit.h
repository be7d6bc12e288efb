#pragma once
/*
 * How many lines a second each event name may write. A fixed table without locks: event names are
 * literals of the source, so their number is bounded; those that find no place share one.
 */

#include <stdbool.h>
#include <stdint.h>

enum {
    LOG_LIMIT_PER_SECOND = 20, /* chosen: a reader follows it, a disk does not notice it */
    LOG_LIMIT_NAMES = 256,
};

/*
 * Any thread. `event` lives for ever. True where the line may be written; then *ret_suppressed is
 * the number of lines of that name that were not, since the last one that was.
 */
bool log_limit_take(const char *event, uint64_t now_s, uint32_t *ret_suppressed);
