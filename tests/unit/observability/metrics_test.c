#undef NDEBUG
#include "observability/metrics.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static size_t allocations_left = SIZE_MAX;

void *__real_calloc(size_t length, size_t size); /* the linker's names */
void *__wrap_calloc(size_t length, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

static bool
take_allocation(void)
{
    return allocations_left > 0 && allocations_left-- > 0;
}

void *
__wrap_calloc(size_t length, size_t size)
{
    return take_allocation() ? __real_calloc(length, size) : NULL;
}

void *
__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return take_allocation() ? __real_aligned_alloc(alignment, size) : NULL;
}

static struct metrics *
new_metrics(size_t threads)
{
    struct metrics *m = metrics_new(threads, 3);
    assert_non_null(m);
    return m;
}

/* Terminated; free it. */
static char *
render(const struct metrics *m)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    assert_int_equal(metrics_render(m, &out), 0);
    char *text = str_dup(buf_str(&out));
    assert_non_null(text);
    buf_fini(&out);
    return text;
}

static void
assert_line(const char *text, const char *line)
{
    char wanted[256];
    (void)snprintf(wanted, sizeof(wanted), "\n%s\n", line);
    if (strstr(text, wanted) == NULL) {
        fail_msg("no line %s in:\n%s", line, text);
    }
}

static void
test_metrics_read_sums_the_slots(void **state)
{
    struct metrics *m = new_metrics(3);
    (void)state;
    metrics_add(metrics_slot(m, 0), METRIC_DELIVERIES, 0, 5);
    metrics_add(metrics_slot(m, 2), METRIC_DELIVERIES, 0, 7);
    metrics_add(metrics_slot(m, 2), METRIC_DELIVERIES, 0, 1);
    assert_int_equal(metrics_read(m, METRIC_DELIVERIES, 0), 13);
    assert_int_equal(metrics_total(metrics_slot(m, 1), METRIC_DELIVERIES, 0), 13);
    metrics_free(m);
}

static void
test_metrics_gauge_is_set_and_moved(void **state)
{
    struct metrics *m = new_metrics(2);
    (void)state;
    metrics_set(metrics_slot(m, 1), METRIC_STREAMS, 0, 10);
    metrics_move(metrics_slot(m, 1), METRIC_STREAMS, 0, -3);
    metrics_move(metrics_slot(m, 0), METRIC_STREAMS, 0, 1);
    assert_int_equal(metrics_read(m, METRIC_STREAMS, 0), 8);
    metrics_free(m);
}

static void
test_metrics_every_cell_is_its_own(void **state)
{
    struct metrics *m = new_metrics(1);
    struct metrics_slot *s = metrics_slot(m, 0);
    (void)state;
    for (enum metric_closed why = 0; why < METRIC_CLOSED_COUNT; why++) {
        metrics_set(s, METRIC_STREAMS_CLOSED, why, 100 + (int64_t)why);
    }
    for (enum metric_closed why = 0; why < METRIC_CLOSED_COUNT; why++) {
        assert_int_equal(metrics_read(m, METRIC_STREAMS_CLOSED, why), 100 + (int64_t)why);
    }
    assert_int_equal(metrics_read(m, METRIC_STREAMS_OPENED, 0), 0);
    assert_int_equal(metrics_read(m, METRIC_DELIVERIES, 0), 0);
    metrics_free(m);
}

static void
test_metrics_without_slot_count_nothing(void **state)
{
    (void)state;
    metrics_add(NULL, METRIC_DELIVERIES, 0, 1);
    metrics_set(NULL, METRIC_STREAMS, 0, 1);
    metrics_move(NULL, METRIC_STREAMS, 0, 1);
    assert_int_equal(metrics_total(NULL, METRIC_STREAMS, 0), 0);
}

static void
test_metrics_render_has_help_type_and_every_label(void **state)
{
    struct metrics *m = new_metrics(1);
    (void)state;
    metrics_add(metrics_slot(m, 0), METRIC_STREAMS_CLOSED, METRIC_CLOSED_SLOW, 2);
    metrics_add(metrics_slot(m, 0), METRIC_HTTP_REQUESTS, METRIC_STATUS_404, 3);
    char *text = render(m);
    assert_line(text, "# HELP runnel_streams Open event streams.");
    assert_line(text, "# TYPE runnel_streams gauge");
    assert_line(text, "runnel_streams 0");
    assert_line(text, "# TYPE runnel_streams_closed_total counter");
    assert_line(text, "runnel_streams_closed_total{reason=\"slow\"} 2");
    assert_line(text, "runnel_streams_closed_total{reason=\"client\"} 0");
    assert_line(text, "runnel_http_requests_total{status=\"404\"} 3");
    assert_line(text, "runnel_build_info{version=\"" RUNNEL_VERSION "\"} 1");
    free(text);
    metrics_free(m);
}

static void
test_metrics_histogram_counts_up_to_each_bound(void **state)
{
    struct metrics *m = new_metrics(2);
    (void)state;
    metrics_observe(metrics_slot(m, 0), METRIC_DELIVERY_SECONDS, METRIC_DELIVERY_LIVE, 1000, 2);
    metrics_observe(metrics_slot(m, 1), METRIC_DELIVERY_SECONDS, METRIC_DELIVERY_LIVE, 1001, 1);
    metrics_observe(metrics_slot(m, 1), METRIC_DELIVERY_SECONDS, METRIC_DELIVERY_LIVE, 7200000000,
                    1);
    metrics_observe(NULL, METRIC_DELIVERY_SECONDS, METRIC_DELIVERY_LIVE, 1, 1);
    char *text = render(m);
    assert_line(text, "# TYPE runnel_delivery_seconds histogram");
    assert_line(text, "runnel_delivery_seconds_bucket{kind=\"live\",le=\"0.001\"} 2");
    assert_line(text, "runnel_delivery_seconds_bucket{kind=\"live\",le=\"0.0025\"} 3");
    assert_line(text, "runnel_delivery_seconds_bucket{kind=\"live\",le=\"3600\"} 3");
    assert_line(text, "runnel_delivery_seconds_bucket{kind=\"live\",le=\"+Inf\"} 4");
    assert_line(text, "runnel_delivery_seconds_count{kind=\"live\"} 4");
    assert_line(text, "runnel_delivery_seconds_sum{kind=\"live\"} 7200.003001");
    assert_line(text, "runnel_delivery_seconds_count{kind=\"replay\"} 0");
    assert_line(text, "runnel_replay_append_seconds_count 0");
    assert_int_equal(metrics_read(m, METRIC_DELIVERY_SECONDS, METRIC_DELIVERY_LIVE), 4);
    assert_int_equal(metrics_read(m, METRIC_DELIVERY_SECONDS, METRIC_DELIVERY_REPLAY), 0);
    free(text);
    metrics_free(m);
}

static void
test_metrics_bucket_is_the_first_that_is_large_enough(void **state)
{
    (void)state;
    assert_int_equal(metrics_bucket(0), 0);
    assert_int_equal(metrics_bucket(1000), 0);
    assert_int_equal(metrics_bucket(1001), 1);
    assert_true(metrics_bucket(3600000000) < metrics_bucket(3600000001));
    assert_int_equal(metrics_bucket(3600000001), metrics_bucket(UINT64_MAX));
}

static void
test_metrics_render_says_where_the_buffer_is_full(void **state)
{
    struct metrics *m = new_metrics(1);
    struct buf out;
    (void)state;
    buf_init(&out, 2000);
    assert_int_equal(metrics_render(m, &out), ERR_LIMIT);
    buf_fini(&out);
    metrics_free(m);
}

static void
test_metrics_new_out_of_memory_is_null(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        allocations_left = i;
        assert_null(metrics_new(2, 3));
    }
    allocations_left = SIZE_MAX;
}

enum { ADDS = 100000 };

static void *
add_many(void *slot)
{
    for (int i = 0; i < ADDS; i++) {
        metrics_add(slot, METRIC_DELIVERIES, 0, 1);
    }
    return NULL;
}

/* For the thread sanitizer; the sums must come out too. */
static void
test_metrics_threads_add_while_another_reads(void **state)
{
    struct metrics *m = new_metrics(2);
    pthread_t threads[2];
    int64_t seen = 0;
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, add_many, metrics_slot(m, i)), 0);
    }
    for (int i = 0; i < 100; i++) {
        int64_t now = metrics_read(m, METRIC_DELIVERIES, 0);
        assert_true(now >= seen);
        seen = now;
    }
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(metrics_read(m, METRIC_DELIVERIES, 0), 2 * ADDS);
    metrics_free(m);
}

static void
test_metrics_render_passes_promtool(void **state)
{
    (void)state;
    if (system("command -v promtool >/dev/null 2>&1") != 0) {
        skip(); /* Debian's package prometheus */
    }
    struct metrics *m = new_metrics(2);
    char *text = render(m);
    FILE *promtool = popen("promtool check metrics", "w");
    assert_non_null(promtool);
    assert_int_equal(fwrite(text, 1, strlen(text), promtool), strlen(text));
    assert_int_equal(pclose(promtool), 0);
    free(text);
    metrics_free(m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metrics_read_sums_the_slots),
        cmocka_unit_test(test_metrics_gauge_is_set_and_moved),
        cmocka_unit_test(test_metrics_every_cell_is_its_own),
        cmocka_unit_test(test_metrics_without_slot_count_nothing),
        cmocka_unit_test(test_metrics_render_has_help_type_and_every_label),
        cmocka_unit_test(test_metrics_histogram_counts_up_to_each_bound),
        cmocka_unit_test(test_metrics_bucket_is_the_first_that_is_large_enough),
        cmocka_unit_test(test_metrics_render_says_where_the_buffer_is_full),
        cmocka_unit_test(test_metrics_new_out_of_memory_is_null),
        cmocka_unit_test(test_metrics_threads_add_while_another_reads),
        cmocka_unit_test(test_metrics_render_passes_promtool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
