#include "routing/subscriptions.h"

#include "routing/filter_cover.h"
#include "routing/pattern_index.h"

#include <assert.h>
#include <stdlib.h>

/*
 * How many candidates a filter is compared with: a bound for tables with thousands of patterns that
 * begin with `*`. A filter that stays although another one covers it costs traffic; is_first()
 * tells its copies apart.
 */
enum { COVER_CANDIDATES_MAX = 256 };

struct entry {
    const struct pattern *pattern; /* of a route */
    struct pattern *filter;        /* owned */
    size_t order;
};

struct subscriptions {
    struct entry *entries;
    size_t length;
    struct table_subscription *list; /* as long as entries */
    struct pattern_index *index;
    uint64_t *rows;       /* scratch of pattern_match() */
    uint32_t *candidates; /* scratch of pattern_index_find() */
};

void
subscriptions_free(struct subscriptions *s)
{
    if (s == NULL) {
        return;
    }
    pattern_index_free(s->index);
    for (size_t i = 0; i < s->length; i++) {
        pattern_free(s->entries[i].filter);
    }
    free(s->entries);
    free(s->list);
    free(s->rows);
    free(s->candidates);
    free(s);
}

/* Names before patterns. */
static int
compare_kind(const struct entry *a, const struct entry *b)
{
    return a->pattern->is_glob - b->pattern->is_glob;
}

static int
compare_order(const void *left, const void *right)
{
    const struct entry *a = left;
    const struct entry *b = right;
    int kind = compare_kind(a, b);
    return kind != 0 ? kind : (a->order > b->order) - (a->order < b->order);
}

static int
compare_filter(const void *left, const void *right)
{
    const struct entry *a = left;
    const struct entry *b = right;
    int kind = compare_kind(a, b);
    int text = strcmp(a->pattern->filter, b->pattern->filter);
    return kind != 0 ? kind : text != 0 ? text : compare_order(left, right);
}

static bool
is_same_filter(const struct entry *a, const struct entry *b)
{
    return compare_kind(a, b) == 0 && strcmp(a->pattern->filter, b->pattern->filter) == 0;
}

/* Takes the patterns, each filter once. */
static void
entries_fill(struct subscriptions *s, const struct pattern *const *patterns, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        s->entries[i] = (struct entry){.pattern = patterns[i], .order = i};
    }
    qsort(s->entries, length, sizeof(*s->entries), compare_filter);
    for (size_t i = 0; i < length; i++) {
        if (s->length == 0 || !is_same_filter(&s->entries[s->length - 1], &s->entries[i])) {
            s->entries[s->length++] = s->entries[i];
        }
    }
    qsort(s->entries, s->length, sizeof(*s->entries), compare_order);
}

static int
entries_compile(struct subscriptions *s)
{
    size_t runs = 0;
    for (size_t i = 0; i < s->length; i++) {
        int err = pattern_compile_filter(s->entries[i].pattern, &s->entries[i].filter);
        if (err != 0) {
            return ERR_MEMORY;
        }
        runs = runs > s->entries[i].filter->run_count ? runs : s->entries[i].filter->run_count;
    }
    s->rows = calloc(runs + 1, PATTERN_SCRATCH_WORDS * sizeof(*s->rows));
    s->candidates = calloc(s->length + 1, sizeof(*s->candidates));
    return s->rows != NULL && s->candidates != NULL ? 0 : ERR_MEMORY;
}

static int
build_index(struct subscriptions *s)
{
    pattern_index_free(s->index);
    s->index = pattern_index_new(s->entries[0].filter->syntax);
    if (s->index == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < s->length; i++) {
        int err = pattern_index_add(s->index, s->entries[i].filter, (uint32_t)i);
        if (err != 0) {
            return err;
        }
    }
    return 0;
}

/* Of two filters that cover each other the first one stays. */
static bool
is_covered(const struct subscriptions *s, size_t i)
{
    const struct pattern *small = s->entries[i].filter;
    char bytes[FILTER_WITNESS_SIZE_MAX];
    struct str witness = {bytes, filter_witness(small, bytes)};
    size_t count = pattern_index_find(s->index, witness, s->candidates);
    count = count < COVER_CANDIDATES_MAX ? count : COVER_CANDIDATES_MAX;
    for (size_t n = 0; n < count; n++) {
        size_t j = s->candidates[n];
        const struct pattern *large = s->entries[j].filter;
        if (j != i && pattern_match(large, witness, s->rows, NULL) && filter_covers(large, small) &&
            (j < i || !filter_covers(small, large))) {
            return true;
        }
    }
    return false;
}

/* Drops the covered ones. All are judged before one goes: what covers may be covered by a third. */
static int
entries_reduce(struct subscriptions *s)
{
    bool *is_dropped = calloc(s->length, sizeof(*is_dropped));
    if (is_dropped == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < s->length; i++) {
        is_dropped[i] = is_covered(s, i);
    }
    size_t kept = 0;
    for (size_t i = 0; i < s->length; i++) {
        if (is_dropped[i]) {
            pattern_free(s->entries[i].filter);
        } else {
            s->entries[kept++] = s->entries[i];
        }
    }
    s->length = kept;
    free(is_dropped);
    return build_index(s);
}

static int
list_fill(struct subscriptions *s)
{
    assert(s->length > 0);
    s->list = calloc(s->length, sizeof(*s->list));
    if (s->list == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < s->length; i++) {
        s->list[i].filter = s->entries[i].filter->filter;
        s->list[i].is_pattern = s->entries[i].pattern->is_glob;
    }
    return 0;
}

static int
subscriptions_fill(struct subscriptions *s, const struct pattern *const *patterns, size_t length)
{
    s->entries = calloc(length, sizeof(*s->entries));
    if (s->entries == NULL) {
        return ERR_MEMORY;
    }
    entries_fill(s, patterns, length);
    int err = entries_compile(s);
    err = err != 0 ? err : build_index(s);
    err = err != 0 ? err : entries_reduce(s);
    return err != 0 ? err : list_fill(s);
}

int
subscriptions_new(const struct pattern *const *patterns,
                  size_t length,
                  struct subscriptions **ret_subscriptions)
{
    struct subscriptions *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return ERR_MEMORY;
    }
    int err = length == 0 ? 0 : subscriptions_fill(s, patterns, length);
    if (err != 0) {
        subscriptions_free(s);
        return err;
    }
    *ret_subscriptions = s;
    return 0;
}

const struct table_subscription *
subscriptions_list(const struct subscriptions *s, size_t *ret_length)
{
    *ret_length = s->length;
    return s->list;
}

bool
subscriptions_is_first(const struct subscriptions *s, size_t index, struct str topic)
{
    if (s->index == NULL) {
        return true;
    }
    size_t count = pattern_index_find(s->index, topic, s->candidates);
    for (size_t n = 0; n < count && s->candidates[n] < index; n++) {
        if (pattern_match(s->entries[s->candidates[n]].filter, topic, s->rows, NULL)) {
            return false;
        }
    }
    return true;
}
