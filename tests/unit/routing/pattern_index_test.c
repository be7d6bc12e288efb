#undef NDEBUG
#include "problem_text.h"
#include "random_topic.h"
#include "routing/pattern_index.h"

enum { PATTERNS = 200 };

static uint64_t rows[PATTERN_RUNS_MAX * PATTERN_SCRATCH_WORDS];

struct fixture {
    struct pattern_index *index;
    struct pattern *patterns[PATTERNS];
    char texts[PATTERNS][64];
    uint32_t length;
};

static void
fixture_init(struct fixture *f, enum pattern_syntax syntax)
{
    f->index = pattern_index_new(syntax);
    f->length = 0;
    assert_non_null(f->index);
}

static void
fixture_fini(struct fixture *f)
{
    pattern_index_free(f->index);
    for (uint32_t i = 0; i < f->length; i++) {
        pattern_free(f->patterns[i]);
    }
}

/* Compiles the text in the next slot; false where it is no good pattern. */
static bool
fixture_add(struct fixture *f, enum pattern_syntax syntax)
{
    struct problem_text problems;
    struct pattern **slot = &f->patterns[f->length];
    problem_text_init(&problems);
    bool is_good =
        pattern_compile(str_from(f->texts[f->length]), syntax, &problems.report, slot) == 0;
    problem_text_fini(&problems);
    if (is_good) {
        assert_int_equal(pattern_index_add(f->index, *slot, f->length), 0);
        f->length++;
    }
    return is_good;
}

/* What find() and pattern_match() say together must be what pattern_match() alone says of each. */
static unsigned
check_topic(const struct fixture *f, struct str topic)
{
    uint32_t found[PATTERNS];
    size_t count = pattern_index_find(f->index, topic, found);
    size_t at = 0;
    unsigned matched = 0;
    assert_in_range(count, 0, f->length);
    for (uint32_t i = 0; i < f->length; i++) {
        bool is_candidate = at < count && found[at] == i; /* rising, each once */
        at += is_candidate;
        bool matches = pattern_match(f->patterns[i], topic, rows, NULL);
        if (matches && !is_candidate) {
            fail_msg("%s on " STR_FMT " is not found", f->texts[i], STR_ARG(topic));
        }
        matched += matches;
    }
    assert_int_equal(at, count);
    return matched;
}

static void
compare_with_one_by_one(enum pattern_syntax syntax)
{
    static struct fixture f;
    uint32_t seed = 7;
    unsigned matched = 0;
    for (int round = 0; round < 30; round++) {
        fixture_init(&f, syntax);
        while (f.length < PATTERNS) {
            random_pattern(&seed, syntax, f.texts[f.length]);
            fixture_add(&f, syntax);
        }
        for (int i = 0; i < 300; i++) {
            char topic[64];
            random_topic(&seed, syntax, topic);
            matched += check_topic(&f, str_from(topic));
        }
        fixture_fini(&f);
    }
    assert_in_range(matched, 10000, UINT32_MAX);
}

static void
test_find_of_random_redis_topics_agrees_with_one_by_one(void **state)
{
    (void)state;
    compare_with_one_by_one(PATTERN_REDIS);
}

static void
test_find_of_random_mqtt_topics_agrees_with_one_by_one(void **state)
{
    (void)state;
    compare_with_one_by_one(PATTERN_MQTT);
}

static void
test_find_of_random_http_topics_agrees_with_one_by_one(void **state)
{
    (void)state;
    compare_with_one_by_one(PATTERN_HTTP);
}

struct candidates_case {
    enum pattern_syntax syntax;
    const char *patterns[8];
    const char *topic;
    const char *items; /* "0 2" */
};

/* The index is of use only where it leaves out what cannot match: by names, and behind a `+`. */
static const struct candidates_case candidates_cases[] = {
    {PATTERN_REDIS, {"a", "ab", "abc", "b"}, "ab", "1"},
    {PATTERN_REDIS, {"abc", "abd", "ab", "a*", "*"}, "abc", "0 3 4"},
    {PATTERN_REDIS, {"{t}:orders", "{t}:users", "x:{t}"}, "a:users", "1"},
    {PATTERN_REDIS, {"user:{id}:a", "user:{id}:b", "user:{id}"}, "user:7:b", "1"},
    {PATTERN_REDIS, {"user:{id}", "user:{id}.x"}, "user:7", "0"},
    {PATTERN_REDIS, {"a?x", "a?y"}, "abx", "0 1"},
    {PATTERN_MQTT, {"+/a", "+/b", "+/+", "#", "a/#"}, "x/b", "1 2 3"},
    {PATTERN_MQTT, {"p/{l}/temp", "p/{l}/state", "p/#"}, "p/7/temp", "0 2"},
    {PATTERN_MQTT, {"a/#", "a", "a/b"}, "a", "0 1"},
    {PATTERN_MQTT, {"s-{id}/a", "s-{id}/b"}, "s-1/b", "1"},
    {PATTERN_MQTT, {"{x}-s/a", "{x}-s/b"}, "1-s/b", "0 1"}, /* not followed: a part of a level */
};

static void
test_find_of_each_case_leaves_out_what_cannot_match(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(candidates_cases) / sizeof(candidates_cases[0]); i++) {
        const struct candidates_case *c = &candidates_cases[i];
        static struct fixture f;
        uint32_t found[PATTERNS];
        char text[64] = "";
        fixture_init(&f, c->syntax);
        for (size_t n = 0; n < 8 && c->patterns[n] != NULL; n++) {
            snprintf(f.texts[f.length], sizeof(f.texts[0]), "%s", c->patterns[n]);
            assert_true(fixture_add(&f, c->syntax));
        }
        size_t count = pattern_index_find(f.index, str_from(c->topic), found);
        for (size_t n = 0, at = 0; n < count; n++) {
            at +=
                (size_t)snprintf(text + at, sizeof(text) - at, "%s%u", n > 0 ? " " : "", found[n]);
        }
        assert_string_equal(text, c->items);
        fixture_fini(&f);
    }
}

static void
test_find_in_an_empty_index_finds_nothing(void **state)
{
    (void)state;
    struct fixture f;
    uint32_t found[1];
    fixture_init(&f, PATTERN_MQTT);
    assert_int_equal(pattern_index_find(f.index, STR("a/b"), found), 0);
    assert_int_equal(pattern_index_find(f.index, STR_NULL, found), 0);
    fixture_fini(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find_of_random_redis_topics_agrees_with_one_by_one),
        cmocka_unit_test(test_find_of_random_mqtt_topics_agrees_with_one_by_one),
        cmocka_unit_test(test_find_of_random_http_topics_agrees_with_one_by_one),
        cmocka_unit_test(test_find_of_each_case_leaves_out_what_cannot_match),
        cmocka_unit_test(test_find_in_an_empty_index_finds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
