#undef NDEBUG
#include "base/str.h"
#include "observability/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROUTES_MAX = 3 };

static size_t allocations_left = SIZE_MAX;

void *__real_calloc(size_t length, size_t size); /* the linker's names */
void *__wrap_calloc(size_t length, size_t size);

void *
__wrap_calloc(size_t length, size_t size)
{
    bool may = allocations_left > 0 && allocations_left-- > 0;
    return may ? __real_calloc(length, size) : NULL;
}

static int
setup(void **state)
{
    *state = metrics_new(1, ROUTES_MAX);
    assert_non_null(*state);
    return 0;
}

static int
teardown(void **state)
{
    metrics_free(*state);
    return 0;
}

/* True where /metrics has the line. */
static bool
has_line(struct metrics *m, const char *line)
{
    char wanted[256];
    struct buf out;
    buf_init(&out, 1 << 20);
    assert_int_equal(metrics_render(m, &out), 0);
    assert_int_equal(buf_append_char(&out, '\0'), 0);
    (void)snprintf(wanted, sizeof(wanted), "\n%s", line);
    bool is_there = strstr(out.data, wanted) != NULL;
    buf_fini(&out);
    return is_there;
}

static struct metrics_series *
route(struct metrics *m, const char *name)
{
    struct metrics_series *s = metrics_series_ref(m, "shop", name);
    assert_non_null(s);
    return s;
}

static int64_t
events(const struct metrics_series *s)
{
    return metrics_series_read(s, METRIC_ROUTE_EVENTS, 0);
}

static void
test_series_stand_under_their_names(void **state)
{
    struct metrics *m = *state;
    struct metrics_series *shop = metrics_series_ref(m, "shop", NULL);
    metrics_series_set(shop, METRIC_SOURCE_UP, 0, 1);
    metrics_series_add(route(m, "a"), METRIC_ROUTE_EVENTS, 0, 4);
    metrics_series_add(route(m, "b"), METRIC_ROUTE_MISSES, METRIC_MISS_UTF8, 9);
    assert_true(has_line(m, "runnel_source_up{source=\"shop\"} 1\n"));
    assert_true(has_line(m, "runnel_route_events_total{source=\"shop\",route=\"a\"} 4\n"));
    assert_true(
        has_line(m, "runnel_route_misses_total{source=\"shop\",route=\"b\",reason=\"utf8\"} 9\n"));
    assert_true(
        has_line(m, "runnel_route_misses_total{source=\"shop\",route=\"a\",reason=\"when\"} 0\n"));
}

static void
test_series_escape_their_names(void **state)
{
    struct metrics *m = *state;
    assert_non_null(metrics_series_ref(m, "pl\"a\\nt\n", NULL));
    assert_true(has_line(m, "runnel_source_up{source=\"pl\\\"a\\\\nt\\n\"} 0\n"));
}

static void
test_series_nobody_has_made_leave_their_metrics_out(void **state)
{
    struct metrics *m = *state;
    assert_false(has_line(m, "# TYPE runnel_source_up"));
    assert_false(has_line(m, "# TYPE runnel_route_misses_total"));
}

static void
test_series_of_one_name_are_one(void **state)
{
    struct metrics *m = *state;
    struct metrics_series *a = route(m, "a");
    assert_ptr_equal(route(m, "a"), a);
    assert_ptr_not_equal(metrics_series_ref(m, "plant", "a"), a);
    assert_ptr_not_equal(metrics_series_ref(m, "shop", NULL), a);
}

/* A reload: the new config takes its series before the old one gives back its own. */
static void
test_series_go_on_counting_after_a_reload(void **state)
{
    struct metrics *m = *state;
    struct metrics_series *before = route(m, "a");
    metrics_series_add(before, METRIC_ROUTE_EVENTS, 0, 5);
    struct metrics_series *after = route(m, "a");
    metrics_series_unref(before);
    metrics_series_add(after, METRIC_ROUTE_EVENTS, 0, 1);
    assert_int_equal(events(after), 6);
}

static void
test_series_nobody_holds_keep_their_counters_only(void **state)
{
    struct metrics *m = *state;
    struct metrics_series *shop = metrics_series_ref(m, "shop", NULL);
    metrics_series_set(shop, METRIC_SOURCE_UP, 0, 1);
    metrics_series_add(shop, METRIC_SOURCE_MESSAGES, 0, 7);
    metrics_series_unref(shop);
    assert_true(has_line(m, "runnel_source_messages_total{source=\"shop\"} 7\n"));
    assert_false(has_line(m, "runnel_source_up{"));
    assert_ptr_equal(metrics_series_ref(m, "shop", NULL), shop);
    assert_true(has_line(m, "runnel_source_up{source=\"shop\"} 1\n"));
}

static void
test_series_beyond_the_bound_share_one(void **state)
{
    struct metrics *m = *state;
    struct metrics_series *a = route(m, "a");
    struct metrics_series *b = route(m, "b");
    struct metrics_series *c = route(m, "c");
    struct metrics_series *d = route(m, "d");
    struct metrics_series *e = route(m, "e");
    assert_ptr_not_equal(c, d);
    assert_ptr_equal(d, e);
    assert_ptr_equal(route(m, "a"), a);
    assert_ptr_not_equal(b, c);
    assert_ptr_not_equal(metrics_series_ref(m, "plant", "d"), d);
    metrics_series_add(d, METRIC_ROUTE_EVENTS, 0, 2);
    assert_true(has_line(m, "runnel_route_events_total{source=\"shop\",route=\"other\"} 2\n"));
    assert_false(has_line(m, "runnel_route_events_total{source=\"shop\",route=\"d\"}"));
}

/* However often the routes change: never more than the bound. */
static void
test_series_that_nobody_holds_make_room(void **state)
{
    struct metrics *m = *state;
    for (int i = 0; i < 10 * ROUTES_MAX; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "r%d", i);
        struct metrics_series *s = route(m, name);
        metrics_series_add(s, METRIC_ROUTE_EVENTS, 0, 1);
        assert_int_equal(events(s), 1);
        metrics_series_unref(s);
    }
    assert_false(has_line(m, "runnel_route_events_total{source=\"shop\",route=\"r26\"}"));
    assert_true(has_line(m, "runnel_route_events_total{source=\"shop\",route=\"r27\"}"));
    assert_true(has_line(m, "runnel_route_events_total{source=\"shop\",route=\"r29\"}"));
    assert_false(has_line(m, "runnel_route_events_total{source=\"shop\",route=\"other\"}"));
}

static void
test_series_without_memory_are_null_and_count_nothing(void **state)
{
    struct metrics *m = *state;
    for (size_t i = 0; i < 2; i++) {
        allocations_left = i;
        struct metrics_series *s = metrics_series_ref(m, "shop", "a");
        allocations_left = SIZE_MAX;
        assert_null(s);
        metrics_series_add(s, METRIC_ROUTE_EVENTS, 0, 1);
        metrics_series_set(s, METRIC_ROUTE_EVENTS, 0, 1);
        assert_int_equal(metrics_series_read(s, METRIC_ROUTE_EVENTS, 0), 0);
        metrics_series_unref(s);
    }
    assert_int_equal(events(route(m, "a")), 0);
}

#define WITH_METRICS(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_METRICS(test_series_stand_under_their_names),
        WITH_METRICS(test_series_escape_their_names),
        WITH_METRICS(test_series_nobody_has_made_leave_their_metrics_out),
        WITH_METRICS(test_series_of_one_name_are_one),
        WITH_METRICS(test_series_go_on_counting_after_a_reload),
        WITH_METRICS(test_series_nobody_holds_keep_their_counters_only),
        WITH_METRICS(test_series_beyond_the_bound_share_one),
        WITH_METRICS(test_series_that_nobody_holds_make_room),
        WITH_METRICS(test_series_without_memory_are_null_and_count_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
