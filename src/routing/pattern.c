/*
 * Matching. Row k of the scratch is a set of positions of the topic: where run k may end, so that
 * all that follows fits. Rows are filled from the last to the first, then the runs are laid out
 * from the left, each as short as its row allows. No backtracking, so no topic can make it slow.
 */

#include "routing/pattern.h"

#include <stdlib.h>

void
pattern_free(struct pattern *p)
{
    if (p == NULL) {
        return;
    }
    free(p->fixed);
    free(p->runs);
    free(p->bytes);
    free(p->sets);
    free(p->byteset);
    free(p->names);
    free(p->filter);
    free(p);
}

static void
row_set(uint64_t *row, size_t at)
{
    row[at / 64] |= UINT64_C(1) << (at % 64);
}

static bool
row_has(const uint64_t *row, size_t at)
{
    return (row[at / 64] >> (at % 64)) & 1;
}

/* The caller saw to it that the topic is long enough. */
static bool
fixed_matches(const struct pattern *p, const struct pattern_fixed *f, struct str topic, size_t at)
{
    const unsigned char *wanted = p->bytes + f->begin;
    const unsigned char *bytes = (const unsigned char *)topic.data + at;
    if (!f->has_sets) {
        return f->size == 0 || memcmp(wanted, bytes, f->size) == 0;
    }
    const uint16_t *sets = p->sets + f->begin;
    for (size_t i = 0; i < f->size; i++) {
        if (sets[i] == 0 ? wanted[i] != bytes[i]
                         : !byteset_has(&p->byteset[sets[i] - 1], bytes[i])) {
            return false;
        }
    }
    return true;
}

/* May the topic go on like this behind the last fixed piece? */
static bool
is_end(const struct pattern *p, struct str topic, size_t at)
{
    return at == topic.size || (p->takes_levels && topic.data[at] == '/');
}

static void
fill_last_row(const struct pattern *p, struct str topic, uint64_t *row)
{
    const struct pattern_fixed *f = &p->fixed[p->run_count];
    size_t last = topic.size - f->size;
    for (size_t at = p->takes_levels ? p->fixed[0].size : last; at <= last; at++) {
        if (is_end(p, topic, at + f->size) && fixed_matches(p, f, topic, at)) {
            row_set(row, at);
        }
    }
}

/* Row of the run before fixed piece k, from the row of the run behind it. */
static void
fill_row(const struct pattern *p, unsigned k, struct str topic, uint64_t *row, const uint64_t *next)
{
    const struct pattern_fixed *f = &p->fixed[k];
    const struct pattern_run *run = &p->runs[k];
    size_t barrier = topic.size;     /* the run cannot end behind it */
    size_t nearest = topic.size + 1; /* end of the shortest run from `begin` on */
    for (size_t begin = topic.size;; begin--) {
        if (begin < topic.size && !run->is_crossing &&
            pattern_is_separator(p->syntax, topic.data[begin])) {
            barrier = begin;
        }
        if (begin + run->min <= topic.size && row_has(next, begin + run->min)) {
            nearest = begin + run->min;
        }
        if (nearest <= barrier && fixed_matches(p, f, topic, begin - f->size)) {
            row_set(row, begin - f->size);
        }
        if (begin == f->size) {
            return;
        }
    }
}

static bool
find_run_end(const struct pattern *p,
             const struct pattern_run *run,
             struct str topic,
             size_t begin,
             const uint64_t *row,
             size_t *ret_end)
{
    for (size_t at = begin;; at++) {
        if (at >= begin + run->min && row_has(row, at)) {
            *ret_end = at;
            return true;
        }
        if (at == topic.size ||
            (!run->is_crossing && pattern_is_separator(p->syntax, topic.data[at]))) {
            return false;
        }
    }
}

static bool
lay_out(const struct pattern *p,
        struct str topic,
        const uint64_t *rows,
        size_t row_words,
        struct pattern_captures *ret_captures)
{
    struct pattern_captures captures;
    size_t begin = p->fixed[0].size;
    for (unsigned k = 0; k < p->run_count; k++) {
        size_t end;
        if (!find_run_end(p, &p->runs[k], topic, begin, rows + k * row_words, &end)) {
            return false;
        }
        if (p->runs[k].capture >= 0) {
            captures.value[p->runs[k].capture] = (struct str){topic.data + begin, end - begin};
        }
        begin = end + p->fixed[k + 1].size;
    }
    if (ret_captures != NULL) {
        memcpy(ret_captures, &captures, p->capture_count * sizeof(captures.value[0]));
    }
    return true;
}

bool
pattern_match(const struct pattern *p,
              struct str topic,
              uint64_t *scratch,
              struct pattern_captures *ret_captures)
{
    if (topic.size == 0 || topic.size < p->min_size || topic.size > PATTERN_TOPIC_SIZE_MAX ||
        !fixed_matches(p, &p->fixed[0], topic, 0) || (p->is_dollar_blind && topic.data[0] == '$')) {
        return false;
    }
    if (p->run_count == 0) {
        return is_end(p, topic, p->fixed[0].size);
    }
    size_t row_words = topic.size / 64 + 1;
    memset(scratch, 0, p->run_count * row_words * sizeof(*scratch));
    uint64_t *row = scratch + (p->run_count - 1) * row_words;
    fill_last_row(p, topic, row);
    for (unsigned k = p->run_count - 1u; k > 0; k--) {
        fill_row(p, k, topic, row - row_words, row);
        row -= row_words;
    }
    return lay_out(p, topic, scratch, row_words, ret_captures);
}
