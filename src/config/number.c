/* Setters of numbers in all their forms, flags and words. */

#include "config/assignment.h"
#include "config/value.h"

#include <sched.h>

typedef int (*parse_fn)(struct str text, uint64_t *ret_value);

/* The bounds of keys.def are written like values; that they can be read is held by a test. */
static bool
is_in_range(const struct key *k, parse_fn parse, uint64_t value)
{
    uint64_t min;
    uint64_t max;
    return parse(str_from(k->min), &min) == 0 && parse(str_from(k->max), &max) == 0 &&
           value >= min && value <= max;
}

static void
set_number(const struct assignment *a, parse_fn parse, const char *syntax_problem)
{
    uint64_t value;
    int err = parse(a->text, &value);
    if (err == ERR_SYNTAX) {
        assignment_problem(a, syntax_problem);
    } else if (err == VALUE_E_NO_UNIT) {
        assignment_problem(a, "has no unit: ms, s, m, h or d");
    } else if (err != 0 || !is_in_range(a->k, parse, value)) {
        assignment_problem(a, "is out of range");
    } else {
        assignment_store(a, value);
    }
}

void
assignment_set_number(struct assignment *a)
{
    set_number(a, value_number, "is no number");
}

void
assignment_set_size(struct assignment *a)
{
    set_number(a, value_size, "is no size: digits, or digits and K, M or G");
}

void
assignment_set_duration(struct assignment *a)
{
    set_number(a, value_duration, "is no duration: digits and ms, s, m, h or d");
}

static int
parse_seconds(struct str text, uint64_t *ret_seconds)
{
    uint64_t ms;
    int err = value_duration(text, &ms);
    if (err == 0 && ms % 1000 != 0) {
        return ERR_SYNTAX;
    }
    if (err == 0) {
        *ret_seconds = ms / 1000;
    }
    return err;
}

void
assignment_set_seconds(struct assignment *a)
{
    set_number(a, parse_seconds, "is no duration of whole seconds: digits and s, m, h or d");
}

/* The cores this process may run on: in a container or under taskset fewer than the machine has. */
static uint64_t
cores(void)
{
    enum { WORKERS_MAX = 256 };
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) != 0) { /* more cores than the set has bits */
        return WORKERS_MAX;
    }
    int count = CPU_COUNT(&set);
    return count < 1 ? 1 : count > WORKERS_MAX ? WORKERS_MAX : (uint64_t)count;
}

void
assignment_set_workers(struct assignment *a)
{
    if (str_equal(a->text, STR("auto"))) {
        assignment_store(a, cores());
    } else {
        set_number(a, value_number, "is no number");
    }
}

void
assignment_set_flag(struct assignment *a)
{
    bool value;
    if (value_flag(a->text, &value) != 0) {
        assignment_problem(a, "is not understood");
    } else {
        assignment_store(a, value);
    }
}

static void
unknown_word(const struct assignment *a, const char *const *words, size_t length)
{
    char shown[PROBLEMS_EXCERPT_SIZE];
    char text[KEY_EXPECTED_SIZE];
    const char *near = problems_suggest(a->text, words, length);
    if (near == NULL) {
        assignment_problem(a, "is not understood");
        return;
    }
    problems_add(a->r->problems, a->mark, reader_path(a->r, key_name(a->k)),
                 "%s is not understood (expected %s; did you mean \"%s\"?)",
                 problems_excerpt(a->text, shown), key_expected(a->k, a->s->only, text), near);
}

void
assignment_set_word(struct assignment *a)
{
    enum { WORDS_MAX = 8, WORD_SIZE = 16 };
    char words[WORDS_MAX][WORD_SIZE];
    const char *list[WORDS_MAX];
    size_t length = 0;
    for (; length < WORDS_MAX; length++) {
        struct str word = key_word(a->k->words, length);
        if (word.size == 0) {
            break;
        }
        if (str_equal(word, a->text)) {
            assignment_store(a, length);
            return;
        }
        snprintf(words[length], WORD_SIZE, STR_FMT, STR_ARG(word));
        list[length] = words[length];
    }
    unknown_word(a, list, length);
}
