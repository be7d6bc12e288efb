#pragma once
/*
 * What travels with an event beside its bytes: into the log, through the feed, to every worker.
 *
 * The slow rule says how far a client may fall behind the event's channel, as its route has it, in
 * one number: bits 0 and 1 what happens then (0: as the serving process's stream.slow says, else 1 +
 * enum config_slow), the bits above after how many ms (0: as its stream.slow_after says).
 *
 * The delay leads back to the receipt by a source: both are of one wall clock, that of the process
 * with the source. Who compares it with a clock of its own, on another machine, takes the two clocks
 * for one. It may be negative: the id's ms is the log's clock, which may be behind. Pure.
 */

#include "base/str.h"
#include "sse/event_id.h"

#include <assert.h>
#include <stdint.h>

struct event_traits {
    uint32_t slow;    /* the rule; 0: none of its own */
    int32_t delay_ms; /* from the receipt to the id's ms; 0 where it is not known */
};

enum { SLOW_RULE_WHAT_BITS = 2 };

#define SLOW_RULE_AFTER_MAX (UINT32_MAX >> SLOW_RULE_WHAT_BITS) /* 12 days */

/* `what` < 4, `after_ms` <= SLOW_RULE_AFTER_MAX. */
static inline uint32_t
slow_rule_make(uint32_t what, uint64_t after_ms)
{
    assert(what >> SLOW_RULE_WHAT_BITS == 0 && after_ms <= SLOW_RULE_AFTER_MAX);
    return (uint32_t)after_ms << SLOW_RULE_WHAT_BITS | what;
}

static inline uint32_t
slow_rule_what(uint32_t rule)
{
    return rule & ((1u << SLOW_RULE_WHAT_BITS) - 1);
}

static inline uint32_t
slow_rule_after_ms(uint32_t rule)
{
    return rule >> SLOW_RULE_WHAT_BITS;
}

/* As the log keeps them, in decimal. What is no such number counts as 0: the event is good all the
 * same. */
struct event_traits event_traits_read(struct str delay, struct str slow);

/* The delay of an event that was received at `received_ms` (0: not known) and has this id. */
int32_t event_delay_ms(event_id id, uint64_t received_ms);

/* When a source received the event: ms of its wall clock. */
static inline uint64_t
event_received_ms(event_id id, int32_t delay_ms)
{
    return event_id_ms(id) - (uint64_t)(int64_t)delay_ms;
}
