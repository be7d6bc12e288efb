#undef NDEBUG
#include "problem_text.h"
#include "random_topic.h"
#include "routing/filter_cover.h"

static uint64_t rows[PATTERN_RUNS_MAX * PATTERN_SCRATCH_WORDS];

/* A pattern and its filter. */
struct both {
    struct pattern *pattern;
    struct pattern *filter;
};

static bool
both_init(struct both *b, const char *text, enum pattern_syntax syntax)
{
    struct problem_text problems;
    problem_text_init(&problems);
    int err = pattern_compile(str_from(text), syntax, &problems.report, &b->pattern);
    problem_text_fini(&problems);
    if (err == 0) {
        assert_int_equal(pattern_compile_filter(b->pattern, &b->filter), 0);
    }
    return err == 0;
}

static void
both_fini(struct both *b)
{
    pattern_free(b->filter);
    pattern_free(b->pattern);
}

struct cover_case {
    enum pattern_syntax syntax;
    const char *large;
    const char *small;
    bool covers;
};

static const struct cover_case cases[] = {
    {PATTERN_REDIS, "a", "a", true},
    {PATTERN_REDIS, "a", "b", false},
    {PATTERN_REDIS, "*", "a", true},
    {PATTERN_REDIS, "*", "a*b?[cd]", true},
    {PATTERN_REDIS, "a*", "ab", true},
    {PATTERN_REDIS, "a*", "a", true},
    {PATTERN_REDIS, "a*", "ab*", true},
    {PATTERN_REDIS, "ab*", "a*", false},
    {PATTERN_REDIS, "a*", "ba", false},
    {PATTERN_REDIS, "a*c", "abc", true},
    {PATTERN_REDIS, "a*c", "a*bc", true},
    {PATTERN_REDIS, "a*c", "a*b", false},
    {PATTERN_REDIS, "a*b*c", "abc", true},
    {PATTERN_REDIS, "a*b*c", "ac", false},
    {PATTERN_REDIS, "a?c", "abc", true},
    {PATTERN_REDIS, "a?c", "a[xy]c", true},
    {PATTERN_REDIS, "a?c", "a*c", false},
    {PATTERN_REDIS, "a?*", "a*", false},
    {PATTERN_REDIS, "a[a-z]", "ab", true},
    {PATTERN_REDIS, "a[a-z]", "a[c-f]", true},
    {PATTERN_REDIS, "a[c-f]", "a[a-z]", false},
    {PATTERN_REDIS, "a[a-z]", "a?", false},
    {PATTERN_REDIS, "[ab]", "[ba]", true},
    {PATTERN_REDIS, "orders.{a}.{b}", "orders.{c}.x", true},
    {PATTERN_REDIS, "orders.*", "orders.{a}.{b}", true},
    {PATTERN_MQTT, "#", "a/b", true},
    {PATTERN_MQTT, "#", "+/b/#", true},
    {PATTERN_MQTT, "#", "#", true},
    {PATTERN_MQTT, "#", "$SYS/a", false},
    {PATTERN_MQTT, "+/a", "$SYS/a", false},
    {PATTERN_MQTT, "$SYS/#", "$SYS/a", true},
    {PATTERN_MQTT, "a/#", "a", true},
    {PATTERN_MQTT, "a/#", "a/b/c", true},
    {PATTERN_MQTT, "a/#", "a/+", true},
    {PATTERN_MQTT, "a/#", "a/+/#", true},
    {PATTERN_MQTT, "a/#", "ab", false},
    {PATTERN_MQTT, "a/#", "+/#", false},
    {PATTERN_MQTT, "a/#", "#", false},
    {PATTERN_MQTT, "+", "a", true},
    {PATTERN_MQTT, "+", "a/b", false},
    {PATTERN_MQTT, "+", "#", false},
    {PATTERN_MQTT, "a/+", "a/b", true},
    {PATTERN_MQTT, "a/+", "a/", true},
    {PATTERN_MQTT, "a/+", "a", false},
    {PATTERN_MQTT, "a/+", "a/#", false},
    {PATTERN_MQTT, "a/+/c", "a/b/c", true},
    {PATTERN_MQTT, "a/+/c", "a/b/d", false},
    {PATTERN_MQTT, "a/+/c", "a/+/+", false},
    {PATTERN_MQTT, "a/+/+", "a/+/c", true},
    {PATTERN_MQTT, "a/+/#", "a/#", false},
    {PATTERN_MQTT, "a/+/#", "a/b", true},
    {PATTERN_MQTT, "a/{x}", "a/s-{id}", true},
    {PATTERN_MQTT, "a/s-{id}", "a/{x}", true}, /* both subscribe a/+ */
    {PATTERN_MQTT, "$share/g/a/#", "$share/g/a/b", true},
};

static void
test_covers_of_each_case_is_as_listed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct cover_case *c = &cases[i];
        struct both large, small;
        assert_true(both_init(&large, c->large, c->syntax));
        assert_true(both_init(&small, c->small, c->syntax));
        if (filter_covers(large.filter, small.filter) != c->covers) {
            fail_msg("%s over %s: %d", c->large, c->small, !c->covers);
        }
        both_fini(&large);
        both_fini(&small);
    }
}

/* Where one covers the other, no topic may match the small one alone. */
static unsigned
check_pair(const struct both *large, const struct both *small, uint32_t *seed)
{
    unsigned matched = 0;
    for (int i = 0; i < 60; i++) {
        char topic[64];
        random_topic(seed, large->pattern->syntax, topic);
        if (!pattern_match(small->filter, str_from(topic), rows, NULL)) {
            continue;
        }
        matched++;
        if (!pattern_match(large->filter, str_from(topic), rows, NULL)) {
            fail_msg("%s covers %s, but not on %s", large->filter->filter, small->filter->filter,
                     topic);
        }
    }
    return matched;
}

static void
test_covers_of_random_filters_is_never_wrongly_true(void **state)
{
    (void)state;
    static const enum pattern_syntax syntaxes[] = {PATTERN_REDIS, PATTERN_MQTT};
    uint32_t seed = 99;
    unsigned matched = 0;
    for (int round = 0; round < 60000; round++) {
        enum pattern_syntax syntax = syntaxes[round % 2];
        char texts[2][64];
        struct both large, small;
        random_pattern(&seed, syntax, texts[0]);
        random_pattern(&seed, syntax, texts[1]);
        if (!both_init(&large, texts[0], syntax)) {
            continue;
        }
        if (both_init(&small, texts[1], syntax)) {
            if (filter_covers(large.filter, small.filter)) {
                matched += check_pair(&large, &small, &seed);
            }
            both_fini(&small);
        }
        both_fini(&large);
    }
    assert_in_range(matched, 5000, UINT32_MAX);
}

static void
check_witness(const struct both *b)
{
    char topic[FILTER_WITNESS_SIZE_MAX];
    size_t size = filter_witness(b->filter, topic);
    if (!pattern_match(b->filter, (struct str){topic, size}, rows, NULL)) {
        fail_msg("%s does not take its witness", b->filter->filter);
    }
}

static void
test_witness_of_random_filters_matches_them(void **state)
{
    (void)state;
    uint32_t seed = 5;
    for (int round = 0; round < 5000; round++) {
        enum pattern_syntax syntax = round % 2 == 0 ? PATTERN_REDIS : PATTERN_MQTT;
        char text[64];
        struct both b;
        random_pattern(&seed, syntax, text);
        if (both_init(&b, text, syntax)) {
            check_witness(&b);
            both_fini(&b);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_covers_of_each_case_is_as_listed),
        cmocka_unit_test(test_covers_of_random_filters_is_never_wrongly_true),
        cmocka_unit_test(test_witness_of_random_filters_matches_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
