#undef NDEBUG
#include "problem_text.h"
#include "random_topic.h"
#include "routing/subscriptions.h"

enum { PATTERNS_MAX = 16 };

static uint64_t rows[PATTERN_RUNS_MAX * PATTERN_SCRATCH_WORDS];

struct fixture {
    struct subscriptions *subscriptions;
    struct pattern *patterns[PATTERNS_MAX];
    size_t length;
};

static bool
fixture_add(struct fixture *f, const char *text, enum pattern_syntax syntax)
{
    struct problem_text problems;
    problem_text_init(&problems);
    int err = pattern_compile(str_from(text), syntax, &problems.report, &f->patterns[f->length]);
    problem_text_fini(&problems);
    f->length += err == 0;
    return err == 0;
}

static void
fixture_build(struct fixture *f)
{
    assert_int_equal(
        subscriptions_new((const struct pattern *const *)f->patterns, f->length, &f->subscriptions),
        0);
}

static void
fixture_fini(struct fixture *f)
{
    subscriptions_free(f->subscriptions);
    for (size_t i = 0; i < f->length; i++) {
        pattern_free(f->patterns[i]);
    }
}

struct list_case {
    enum pattern_syntax syntax;
    const char *patterns[6];
    const char *list; /* the filters; `~` before those that are patterns */
};

static const struct list_case list_cases[] = {
    {PATTERN_REDIS, {"a"}, "a"},
    {PATTERN_REDIS, {"b", "a"}, "b a"},
    {PATTERN_REDIS, {"a", "a", "a"}, "a"},
    {PATTERN_REDIS, {"x.{a}", "x.{b}", "x.*"}, "~x.*"},
    {PATTERN_REDIS, {"x.*", "a"}, "a ~x.*"}, /* names first */
    {PATTERN_REDIS, {"x.{a}", "x.1"}, "~x.*"},
    {PATTERN_REDIS, {"x.1", "x.{a}", "*"}, "~*"},
    {PATTERN_REDIS, {"a.*", "*.b"}, "~a.* ~*.b"}, /* overlap, but neither covers */
    {PATTERN_REDIS, {"[ab]", "[ba]"}, "~[ab]"},
    {PATTERN_REDIS, {"a\\*", "a*b", "a[*]"}, "a* ~a*b"}, /* "a*" is a name here */
    {PATTERN_REDIS, {"a\\*", "a*"}, "~a*"},
    {PATTERN_MQTT, {"a/b", "c"}, "a/b c"},
    {PATTERN_MQTT, {"a/{x}", "a/+", "a/s-{y}"}, "a/+"},
    {PATTERN_MQTT, {"a/b", "a/{x}", "a/#"}, "a/#"},
    {PATTERN_MQTT, {"a/+", "+/b"}, "a/+ +/b"},
    {PATTERN_MQTT, {"#", "a", "$SYS/#", "$SYS/x"}, "# $SYS/#"},
    {PATTERN_MQTT, {"$share/g/a/{x}", "$share/g/a/1"}, "$share/g/a/+"},
};

static void
test_list_of_each_case_has_what_is_needed_and_no_more(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(list_cases) / sizeof(list_cases[0]); i++) {
        struct fixture f = {.length = 0};
        char text[256] = "";
        size_t length, size = 0;
        for (size_t n = 0; n < 6 && list_cases[i].patterns[n] != NULL; n++) {
            assert_true(fixture_add(&f, list_cases[i].patterns[n], list_cases[i].syntax));
        }
        fixture_build(&f);
        const struct table_subscription *list = subscriptions_list(f.subscriptions, &length);
        for (size_t n = 0; n < length; n++) {
            size += (size_t)snprintf(text + size, sizeof(text) - size, "%s%s%s", n > 0 ? " " : "",
                                     list[n].is_pattern ? "~" : "", list[n].filter);
        }
        assert_string_equal(text, list_cases[i].list);
        fixture_fini(&f);
    }
}

static void
test_list_of_no_patterns_is_empty(void **state)
{
    (void)state;
    struct fixture f = {.length = 0};
    size_t length = 1;
    fixture_build(&f);
    subscriptions_list(f.subscriptions, &length);
    assert_int_equal(length, 0);
    assert_true(subscriptions_is_first(f.subscriptions, 0, STR("a")));
    fixture_fini(&f);
}

static void
test_is_first_of_partly_overlapping_filters_takes_the_first_copy(void **state)
{
    (void)state;
    struct fixture f = {.length = 0};
    assert_true(fixture_add(&f, "a.*", PATTERN_REDIS));
    assert_true(fixture_add(&f, "*.b", PATTERN_REDIS));
    fixture_build(&f);
    assert_true(subscriptions_is_first(f.subscriptions, 0, STR("a.b")));
    assert_false(subscriptions_is_first(f.subscriptions, 1, STR("a.b")));
    assert_true(subscriptions_is_first(f.subscriptions, 0, STR("a.c")));
    assert_true(subscriptions_is_first(f.subscriptions, 1, STR("c.b")));
    fixture_fini(&f);
}

/*
 * A broker that delivers one copy for each matching filter: of every message that a route wants
 * just one copy is taken.
 */
static unsigned
check_topic(const struct fixture *f,
            struct pattern *const *filters,
            size_t length,
            struct str topic)
{
    unsigned copies = 0, taken = 0;
    bool is_wanted = false;
    for (size_t i = 0; i < f->length; i++) {
        is_wanted |= pattern_match(f->patterns[i], topic, rows, NULL);
    }
    for (size_t i = 0; i < length; i++) {
        if (pattern_match(filters[i], topic, rows, NULL)) {
            copies++;
            taken += subscriptions_is_first(f->subscriptions, i, topic);
        }
    }
    assert_int_equal(taken, copies > 0);
    assert_true(copies > 0 || !is_wanted);
    return copies > 1;
}

/* The filters of the list, compiled apart from the unit's own. */
static size_t
compile_list(const struct fixture *f, enum pattern_syntax syntax, struct pattern **filters)
{
    size_t length;
    const struct table_subscription *list = subscriptions_list(f->subscriptions, &length);
    for (size_t i = 0; i < length; i++) {
        struct problem_text problems;
        problem_text_init(&problems);
        assert_int_equal(
            pattern_compile(str_from(list[i].filter), syntax, &problems.report, &filters[i]), 0);
        problem_text_fini(&problems);
    }
    return length;
}

static void
test_is_first_of_random_filters_takes_each_message_once(void **state)
{
    (void)state;
    static const enum pattern_syntax syntaxes[] = {PATTERN_REDIS, PATTERN_MQTT};
    uint32_t seed = 4;
    unsigned several = 0;
    for (int round = 0; round < 600; round++) {
        enum pattern_syntax syntax = syntaxes[round % 2];
        struct fixture f = {.length = 0};
        struct pattern *filters[PATTERNS_MAX];
        char text[64];
        while (f.length < 1 + (size_t)round % PATTERNS_MAX) {
            random_pattern(&seed, syntax, text);
            fixture_add(&f, text, syntax);
        }
        fixture_build(&f);
        size_t length = compile_list(&f, syntax, filters);
        for (int i = 0; i < 100; i++) {
            random_topic(&seed, syntax, text);
            several += check_topic(&f, filters, length, str_from(text));
        }
        for (size_t i = 0; i < length; i++) {
            pattern_free(filters[i]);
        }
        fixture_fini(&f);
    }
    assert_in_range(several, 1000, UINT32_MAX);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list_of_each_case_has_what_is_needed_and_no_more),
        cmocka_unit_test(test_list_of_no_patterns_is_empty),
        cmocka_unit_test(test_is_first_of_partly_overlapping_filters_takes_the_first_copy),
        cmocka_unit_test(test_is_first_of_random_filters_takes_each_message_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
