#undef NDEBUG
#include "http/start.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define NOW_MS UINT64_C(1700000000000)

static struct hub_start
parse(const char *last_event_id, const char *query)
{
    struct request r = {.query = str_from(query)};
    struct hub_start start = {.kind = HUB_START_NOW};
    const char *problem = NULL;
    r.fields[REQUEST_LAST_EVENT_ID] = str_from(last_event_id);
    if (start_parse(&r, NOW_MS, &start, &problem) != 0) {
        fail_msg("%s: %s", query, problem);
    }
    return start;
}

static void
assert_start(struct hub_start start, enum hub_start_kind kind, event_id after)
{
    assert_int_equal(start.kind, kind);
    assert_true(start.after == after);
}

static void
test_start_without_anything_is_now(void **state)
{
    (void)state;
    assert_int_equal(parse(NULL, "").kind, HUB_START_NOW);
    assert_int_equal(parse(NULL, "channel=a&x=y").kind, HUB_START_NOW);
}

static void
test_start_header_is_a_cursor(void **state)
{
    (void)state;
    assert_start(parse("1700000000000-7", ""), HUB_START_AFTER, event_id_make(NOW_MS, 7));
}

static void
test_start_query_is_a_cursor_under_three_names(void **state)
{
    static const char *const queries[] = {"lastEventId=5-1", "last_event_id=5-1", "lastEventID=5-1",
                                          "a=b&lastEventId=5-1&c"};
    (void)state;
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        assert_start(parse(NULL, queries[i]), HUB_START_AFTER, event_id_make(5, 1));
    }
}

static void
test_start_header_wins_over_query(void **state)
{
    (void)state;
    assert_start(parse("9-0", "lastEventId=5-1"), HUB_START_AFTER, event_id_make(9, 0));
}

static void
test_start_last_of_several_cursors_counts(void **state)
{
    (void)state;
    assert_start(parse(NULL, "lastEventId=5-1&lastEventId=6-0"), HUB_START_AFTER,
                 event_id_make(6, 0));
}

static void
test_start_empty_cursor_is_none(void **state)
{
    (void)state;
    assert_int_equal(parse("", "").kind, HUB_START_NOW);
    assert_int_equal(parse(NULL, "lastEventId=").kind, HUB_START_NOW);
    assert_start(parse("", "lastEventId=5-1"), HUB_START_AFTER, event_id_make(5, 1));
    assert_int_equal(parse("", "last=3").kind, HUB_START_NEWEST);
}

/* A 400 would end an EventSource for good. */
static void
test_start_garbage_cursor_is_the_oldest(void **state)
{
    static const char *const cursors[] = {
        "x", "5", "5-", "-5", "5-1-1", "99999999999999999999-0", "*", "%", "5-1 ", "\xFF"};
    (void)state;
    for (size_t i = 0; i < sizeof(cursors) / sizeof(cursors[0]); i++) {
        assert_start(parse(cursors[i], ""), HUB_START_AFTER, 0);
    }
    assert_start(parse(NULL, "lastEventId=what"), HUB_START_AFTER, 0);
}

static void
test_start_cursor_wins_over_wishes(void **state)
{
    (void)state;
    assert_start(parse("5-1", "since=earliest"), HUB_START_AFTER, event_id_make(5, 1));
    assert_start(parse(NULL, "last=7&lastEventId=5-1"), HUB_START_AFTER, event_id_make(5, 1));
}

static void
test_start_since(void **state)
{
    (void)state;
    assert_start(parse(NULL, "since=earliest"), HUB_START_SINCE, 0);
    assert_start(parse(NULL, "since=5-1"), HUB_START_SINCE, event_id_make(5, 1));
}

/* The first id of the millisecond where it begins is wanted; the cursor stands before it. */
static void
test_start_since_a_duration(void **state)
{
    static const struct {
        const char *query;
        uint64_t ms;
    } cases[] = {
        {"since=1ms", 1},      {"since=30s", 30000},    {"since=10m", 600000},
        {"since=2h", 7200000}, {"since=3d", 259200000}, {"since=0s", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        event_id after = event_id_make(NOW_MS - cases[i].ms, 0) - 1;
        assert_start(parse(NULL, cases[i].query), HUB_START_SINCE, after);
    }
}

static void
test_start_since_before_the_epoch_is_the_earliest(void **state)
{
    (void)state;
    assert_start(parse(NULL, "since=1700000000000ms"), HUB_START_SINCE, 0);
    assert_start(parse(NULL, "since=99999999d"), HUB_START_SINCE, 0);
    assert_start(parse(NULL, "since=1699999999999ms"), HUB_START_SINCE, event_id_make(1, 0) - 1);
}

static void
test_start_last(void **state)
{
    (void)state;
    assert_int_equal(parse(NULL, "last=10").kind, HUB_START_NEWEST);
    assert_int_equal(parse(NULL, "last=10").newest, 10);
    assert_int_equal(parse(NULL, "last=1000").newest, HUB_NEWEST_MAX);
    assert_int_equal(parse(NULL, "last=0").kind, HUB_START_NOW);
}

static void
test_start_garbage_wishes_are_refused(void **state)
{
    static const char *const queries[] = {
        "since=",
        "since=x",
        "since=10",
        "since=m",
        "since=-1m",
        "since=1.5h",
        "since=10 m",
        "since=10M",
        "since=10mm",
        "since=5-",
        "since=Earliest",
        "since=99999999999999999999d",
        "since=213503982335d", /* overflows 64 bits of milliseconds */
        "last=",
        "last=x",
        "last=-1",
        "last=1.0",
        "last=1001",
        "last=4294967296",
        "last=10&last=10",
        "since=1m&since=1m",
        "since=1m&last=1",
        "since=x&lastEventId=5-1", /* what was wrong before stays wrong */
    };
    (void)state;
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        struct request r = {.query = str_from(queries[i])};
        struct hub_start start;
        const char *problem = NULL;
        if (start_parse(&r, NOW_MS, &start, &problem) != ERR_SYNTAX) {
            fail_msg("taken: %s", queries[i]);
        }
        assert_non_null(problem);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start_without_anything_is_now),
        cmocka_unit_test(test_start_header_is_a_cursor),
        cmocka_unit_test(test_start_query_is_a_cursor_under_three_names),
        cmocka_unit_test(test_start_header_wins_over_query),
        cmocka_unit_test(test_start_last_of_several_cursors_counts),
        cmocka_unit_test(test_start_empty_cursor_is_none),
        cmocka_unit_test(test_start_garbage_cursor_is_the_oldest),
        cmocka_unit_test(test_start_cursor_wins_over_wishes),
        cmocka_unit_test(test_start_since),
        cmocka_unit_test(test_start_since_a_duration),
        cmocka_unit_test(test_start_since_before_the_epoch_is_the_earliest),
        cmocka_unit_test(test_start_last),
        cmocka_unit_test(test_start_garbage_wishes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
