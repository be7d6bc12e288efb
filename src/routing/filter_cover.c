/*
 * `large` is matched against `small` as against a text, symbol by symbol: a fixed position takes a
 * position that accepts no more than it does, a run takes any symbols that it could have produced.
 */

#include "routing/filter_cover.h"

enum { SYMBOLS_MAX = PATTERN_SIZE_MAX + PATTERN_RUNS_MAX + 1 };

struct symbol {
    enum { SYMBOL_POSITION, SYMBOL_LEVEL_RUN, SYMBOL_RUN, SYMBOL_LEVELS } kind;
    struct byteset set; /* of a position */
};

struct symbols {
    struct symbol list[SYMBOLS_MAX];
    size_t length;
};

static void
add_fixed(struct symbols *s, const struct pattern *p, const struct pattern_fixed *f)
{
    for (size_t i = f->begin; i < (size_t)f->begin + f->size; i++) {
        struct symbol *symbol = &s->list[s->length++];
        *symbol = (struct symbol){.kind = SYMBOL_POSITION};
        if (p->sets != NULL && p->sets[i] != 0) {
            symbol->set = p->byteset[p->sets[i] - 1];
        } else {
            byteset_add(&symbol->set, p->bytes[i]);
        }
    }
}

static void
symbols_of(struct symbols *s, const struct pattern *p)
{
    s->length = 0;
    add_fixed(s, p, &p->fixed[0]);
    for (unsigned k = 0; k < p->run_count; k++) {
        s->list[s->length++].kind = p->runs[k].is_crossing ? SYMBOL_RUN : SYMBOL_LEVEL_RUN;
        add_fixed(s, p, &p->fixed[k + 1]);
    }
    if (p->takes_levels) {
        s->list[s->length++].kind = SYMBOL_LEVELS;
    }
}

static bool
is_slash(const struct symbol *s)
{
    struct byteset slash = {{0}};
    byteset_add(&slash, '/');
    return s->kind == SYMBOL_POSITION && byteset_is_subset(&s->set, &slash);
}

/* Could one symbol of `small` be a part of what a run of `large` takes? */
static bool
run_takes(const struct symbol *run, const struct symbol *s)
{
    return run->kind == SYMBOL_RUN || s->kind == SYMBOL_LEVEL_RUN ||
           (s->kind == SYMBOL_POSITION && !byteset_has(&s->set, '/'));
}

/*
 * Does `large` from symbol i on cover `small` from j on? `next` has the answers for i + 1, `same`
 * those for i from j + 1 on.
 */
static bool
covers_from(const struct symbol *large,
            const struct symbols *small,
            size_t j,
            const bool *same,
            const bool *next)
{
    bool is_end = j == small->length;
    const struct symbol *s = &small->list[j];
    switch (large->kind) {
    case SYMBOL_POSITION:
        return !is_end && s->kind == SYMBOL_POSITION && byteset_is_subset(&s->set, &large->set) &&
               next[j + 1];
    case SYMBOL_RUN:
    case SYMBOL_LEVEL_RUN:
        return next[j] || (!is_end && run_takes(large, s) && same[j + 1]);
    case SYMBOL_LEVELS:
        return is_end || s->kind == SYMBOL_LEVELS || is_slash(s);
    }
    return false;
}

static bool
begins_with_dollar(const struct pattern *p)
{
    return p->fixed[0].size > 0 && p->bytes[0] == '$';
}

bool
filter_covers(const struct pattern *large, const struct pattern *small)
{
    struct symbols l, s;
    bool rows[2][SYMBOLS_MAX + 1] = {{false}};
    if (large->is_dollar_blind && begins_with_dollar(small)) {
        return false;
    }
    symbols_of(&l, large);
    symbols_of(&s, small);
    rows[l.length % 2][s.length] = true;
    for (size_t i = l.length; i-- > 0;) {
        bool *same = rows[i % 2];
        const bool *next = rows[(i + 1) % 2];
        for (size_t j = s.length + 1; j-- > 0;) {
            same[j] = covers_from(&l.list[i], &s, j, same, next);
        }
    }
    return rows[0][0];
}

/* A byte that the position accepts. */
static char
position_witness(const struct pattern *p, size_t at)
{
    unsigned char byte = p->bytes[at];
    if (p->sets != NULL && p->sets[at] != 0) {
        const struct byteset *set = &p->byteset[p->sets[at] - 1];
        for (byte = 0; !byteset_has(set, byte) && byte < UINT8_MAX; byte++) {
        }
    }
    return (char)byte;
}

size_t
filter_witness(const struct pattern *filter, char ret_topic[static FILTER_WITNESS_SIZE_MAX])
{
    size_t size = 0;
    for (unsigned k = 0;; k++) {
        const struct pattern_fixed *f = &filter->fixed[k];
        for (size_t i = 0; i < f->size; i++) {
            ret_topic[size++] = position_witness(filter, (size_t)f->begin + i);
        }
        if (k == filter->run_count) {
            break;
        }
        ret_topic[size++] = '\1'; /* every run takes it */
    }
    if (size == 0) { /* "/#" */
        ret_topic[size++] = '/';
    }
    return size;
}
