/* What to send next: the merge of a subscriber's channels by id. */

#include "streaming/batch.h"

#include "streaming/control.h"
#include "streaming/hub_private.h"
#include "streaming/subscriber.h"
#include "streaming/wire.h"

#include <stdlib.h>
#include <string.h>

static enum batch_outcome
batch_gap(struct link *l, event_id resumes, enum metric_gap why, struct batch *ret_batch)
{
    struct hub *h = channel_hub(l->channel);
    event_id after = l->subscriber->told;
    struct buf *control = &h->scratch.control;
    buf_clear(control);
    const char *reason = metrics_label_text(METRIC_LABEL_GAP, why);
    if (control_gap(control, channel_name(l->channel), after, resumes, reason) < 0) {
        return BATCH_MEMORY;
    }
    metrics_add(h->metrics, METRIC_GAPS, why, 1);
    *ret_batch = (struct batch){.control = buf_str(control)};
    return BATCH_READY;
}

/* True where the floor speaks of a gap that this link was not told yet. */
static bool
link_has_gap(struct link *l, event_id floor)
{
    if (l->vouched == EVENT_ID_MAX) {
        l->vouched = floor; /* it asked for what there is */
        return false;
    }
    return floor > l->vouched;
}

enum link_outcome { LINK_RUN, LINK_HEAD, LINK_MISS, LINK_GAP };

/* Where one link stands. LINK_GAP: ret_batch carries the gap. */
static enum link_outcome
link_next(struct link *l,
          struct tail_run *ret_run,
          struct batch *ret_batch,
          enum batch_outcome *ret_outcome)
{
    event_id cursor = link_cursor(l);
    if (l->newest > 0 || l->is_asking) {
        return LINK_MISS;
    }
    event_id after = 0;
    event_id floor = 0;
    enum tail_outcome outcome = tail_next(&l->channel->tail, cursor, ret_run, &after, &floor);
    event_id resumes = outcome == TAIL_RUN ? ret_run->entries[0].id : after;
    if (l->lost != METRIC_GAP_COUNT && outcome != TAIL_MISS) {
        *ret_outcome = batch_gap(l, resumes, l->lost, ret_batch);
        l->lost = METRIC_GAP_COUNT;
        l->vouched = floor;
        return LINK_GAP;
    }
    if ((outcome != TAIL_MISS || floor > 0) && l->lost == METRIC_GAP_COUNT &&
        link_has_gap(l, floor)) {
        l->vouched = floor;
        *ret_outcome = batch_gap(l, resumes, METRIC_GAP_EXPIRED, ret_batch);
        return LINK_GAP;
    }
    if (after > cursor) {
        l->from = after;
    }
    switch (outcome) {
    case TAIL_RUN:
        return LINK_RUN;
    case TAIL_HEAD:
        return LINK_HEAD;
    case TAIL_MISS:
        break;
    }
    return LINK_MISS;
}

static bool
scratch_reserve_runs(struct hub *h, size_t length)
{
    if (length <= h->scratch.runs_capacity) {
        return true;
    }
    struct tail_run *runs = realloc(h->scratch.runs, length * sizeof *runs);
    if (runs == NULL) {
        return false;
    }
    h->scratch.runs = runs;
    h->scratch.runs_capacity = length;
    return true;
}

/* The bytes of a run's first event, as this subscriber gets them. */
static struct str
event_bytes(const struct subscriber *s, const struct tail_run *run)
{
    struct str chunk = {run->bytes, tail_run_size(run, 1)};
    return s->is_chunked ? chunk : wire_chunk_payload(chunk);
}

static struct tail_run *
oldest_run(struct tail_run *runs, size_t length)
{
    struct tail_run *oldest = &runs[0];
    for (size_t i = 1; i < length; i++) {
        if (runs[i].entries[0].id < oldest->entries[0].id) {
            oldest = &runs[i];
        }
    }
    return oldest;
}

static void
run_drop_first(struct tail_run *run)
{
    run->bytes += tail_run_size(run, 1);
    run->origin = run->entries[0].end;
    run->entries++;
    run->length--;
}

/* The oldest event alone, from where it lies: for one that is larger than the scratch memory. */
static struct tail_run
batch_single(struct hub *h, struct tail_run *run, struct str bytes)
{
    h->scratch.entries[0] = run->entries[0];
    h->scratch.entries[0].end = (uint32_t)bytes.size;
    return (struct tail_run){.bytes = bytes.data, .entries = h->scratch.entries, .length = 1};
}

/* Several runs into one, by id, up to `bound`. They are used up. */
static struct tail_run
batch_gather(struct subscriber *s, struct tail_run *runs, size_t length, event_id bound)
{
    struct hub *h = s->hub;
    size_t size = 0;
    size_t events = 0;
    while (length > 0 && events < BATCH_EVENTS_MAX) {
        struct tail_run *run = oldest_run(runs, length);
        if (run->entries[0].id > bound) {
            break;
        }
        struct str bytes = event_bytes(s, run);
        if (bytes.size > BATCH_BYTES_MAX - size) {
            if (events == 0) {
                return batch_single(h, run, bytes);
            }
            break;
        }
        memcpy(h->scratch.bytes + size, bytes.data, bytes.size);
        size += bytes.size;
        h->scratch.entries[events] = run->entries[0];
        h->scratch.entries[events++].end = (uint32_t)size;
        run_drop_first(run);
        if (run->length == 0) {
            *run = runs[--length];
        }
    }
    return (struct tail_run){
        .bytes = h->scratch.bytes, .entries = h->scratch.entries, .length = events};
}

/* What all links together know. */
struct survey {
    size_t length;  /* of the runs */
    event_id bound; /* nothing unknown lies up to here: the oldest place of a link that misses
                       something, or end of a run that its channel goes on behind */
    event_id first; /* the oldest event of the runs; EVENT_ID_MAX: none */
    event_id last;  /* their newest */
};

static event_id
earlier(event_id a, event_id b)
{
    return a < b ? a : b;
}

static void
survey_add_run(struct survey *survey, struct link *l, const struct tail_run *run)
{
    event_id first = run->entries[0].id;
    event_id last = run->entries[run->length - 1].id;
    survey->length++;
    survey->first = earlier(survey->first, first);
    survey->last = last > survey->last ? last : survey->last;
    if (last < l->channel->tail.newest) {
        survey->bound = earlier(survey->bound, last);
    }
    l->from = first - 1;
}

/*
 * The first link from `i` on that is to be asked. A live subscriber's only where its channel has news: of many few
 * have. It counts as served, and stays in the list if the subscriber stays live.
 */
static size_t
batch_find_news(struct subscriber *s, size_t i)
{
    event_id cursor = s->cursor;
    for (; s->state == SUBSCRIBER_LIVE && i < s->links_length; i++) {
        event_id newest = s->links[i].channel->tail.newest;
        if (newest > cursor && newest > s->links[i].from) {
            link_make_ready(&s->links[i]);
            break;
        }
    }
    return i;
}

/*
 * Asks every link. A run's link remembers that nothing lies before it, so that progress needs only
 * one channel's page in memory at a time, however small the tails' bound. BATCH_READY: a gap is due
 * first; else BATCH_HEAD.
 */
static enum batch_outcome
batch_survey(struct subscriber *s,
             struct tail_run *runs,
             struct survey *ret_survey,
             struct batch *ret_batch)
{
    struct survey survey = {.bound = EVENT_ID_MAX, .first = EVENT_ID_MAX};
    for (size_t i = batch_find_news(s, 0); i < s->links_length; i = batch_find_news(s, i + 1)) {
        struct link *l = &s->links[i];
        enum batch_outcome gap = BATCH_HEAD;
        enum link_outcome next = link_next(l, &runs[survey.length], ret_batch, &gap);
        if (next == LINK_GAP) {
            return gap;
        }
        l->is_missing = next == LINK_MISS;
        if (next == LINK_RUN) {
            survey_add_run(&survey, l, &runs[survey.length]);
        } else if (next == LINK_MISS) {
            survey.bound = earlier(survey.bound, l->newest > 0 ? 0 : link_cursor(l));
        }
    }
    *ret_survey = survey;
    return BATCH_HEAD;
}

/* A page is wanted only where it may hold something older than what is known. */
static void
batch_mark_missing(struct subscriber *s, event_id first)
{
    for (size_t i = 0; i < s->links_length; i++) {
        struct link *l = &s->links[i];
        l->is_missing = l->is_missing && (l->newest > 0 || link_cursor(l) < first);
    }
}

/* A cursor ahead of the feed: the log is asked about it through the first link. */
static bool
batch_must_verify(struct subscriber *s)
{
    s->is_unverified = s->is_unverified && s->cursor > s->hub->position;
    if (s->is_unverified) {
        for (size_t i = 0; i < s->links_length; i++) {
            s->links[i].is_missing = i == 0;
        }
    }
    return s->is_unverified;
}

enum batch_outcome
batch_next(struct subscriber *s, struct batch *ret_batch)
{
    struct hub *h = s->hub;
    struct survey survey = {.length = 0};
    if (batch_must_verify(s)) {
        return BATCH_MISS;
    }
    if (!scratch_reserve_runs(h, s->links_length)) {
        return BATCH_MEMORY;
    }
    struct tail_run *runs = h->scratch.runs;
    enum batch_outcome outcome = batch_survey(s, runs, &survey, ret_batch);
    if (outcome != BATCH_HEAD) {
        return outcome;
    }
    if (survey.length == 0 && survey.bound == EVENT_ID_MAX) {
        return BATCH_HEAD;
    }
    if (survey.first > survey.bound) {
        batch_mark_missing(s, survey.first);
        return BATCH_MISS;
    }
    /* Nothing of any channel lies between the cursor and the oldest event: the merge is safe. */
    if (survey.first - 1 > s->cursor) {
        s->cursor = survey.first - 1;
    }
    bool is_direct = survey.length == 1 && s->is_chunked && survey.bound >= survey.last;
    struct tail_run run = is_direct ? runs[0] : batch_gather(s, runs, survey.length, survey.bound);
    bool is_whole = run.entries[run.length - 1].id == survey.last;
    *ret_batch = (struct batch){.run = run, .is_all = is_whole && survey.bound == EVENT_ID_MAX};
    return BATCH_READY;
}
