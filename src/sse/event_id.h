#pragma once
/*
 * Event ids: `<ms>-<seq>`, one total order over all channels of a log.
 *
 * Inside the process an id is one integer: 44 bits of milliseconds since the epoch (until the year
 * 2527), 20 bits of sequence. The replay log never gives out more than 2^20 ids in one ms: it takes
 * the next ms. 0 is "before everything" and never the id of an event.
 */

#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

typedef uint64_t event_id;

enum { EVENT_ID_SEQ_BITS = 20, EVENT_ID_TEXT_SIZE_MAX = 32 };

#define EVENT_ID_MAX UINT64_MAX

static inline event_id
event_id_make(uint64_t ms, uint64_t seq)
{
    return (ms << EVENT_ID_SEQ_BITS) | seq;
}

static inline uint64_t
event_id_ms(event_id id)
{
    return id >> EVENT_ID_SEQ_BITS;
}

static inline uint64_t
event_id_seq(event_id id)
{
    return id & ((UINT64_C(1) << EVENT_ID_SEQ_BITS) - 1);
}

/*
 * The next id of a log: max(now, last's ms), next seq in the same ms. Always > last, which must be
 * less than EVENT_ID_MAX.
 */
event_id event_id_next(event_id last, uint64_t now_ms);

/* Writes `<ms>-<seq>`, not terminated; returns its size. */
size_t event_id_format(event_id id, char ret_text[static EVENT_ID_TEXT_SIZE_MAX]);

/* The cursor's one parser: strictly `<digits>-<digits>` in range. ERR_SYNTAX. */
MUST_CHECK int event_id_parse(struct str text, event_id *ret_id);
