#undef NDEBUG
#include "base/clock.h"
#include "config/config.h"
#include "streaming/account.h"
#include "streaming/hub_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MINUTE_MS = 60 * 1000 };

struct fixture {
    struct metrics *metrics;
    struct config_stream config;
    struct hub hub;
    struct subscriber *subscriber;
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    *state = f;
    f->metrics = metrics_new(1, 0);
    f->hub.loop = loop_new("test");
    f->subscriber = calloc(1, sizeof *f->subscriber);
    assert_true(f->metrics != NULL && f->hub.loop != NULL && f->subscriber != NULL);
    f->hub.metrics = metrics_slot(f->metrics, 0);
    f->hub.config = &f->config;
    f->subscriber->hub = &f->hub;
    f->subscriber->state = SUBSCRIBER_LIVE;
    f->subscriber->is_announced = true;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    loop_free(f->hub.loop);
    metrics_free(f->metrics);
    free(f->subscriber);
    free(f);
    return 0;
}

static void
enter(struct fixture *f, enum subscriber_state state)
{
    enum subscriber_state before = f->subscriber->state;
    f->subscriber->state = (uint8_t)state;
    account_state(f->subscriber, before);
}

static void
assert_behind(const struct fixture *f, int64_t log, int64_t socket)
{
    assert_int_equal(metrics_read(f->metrics, METRIC_STREAMS_BEHIND, METRIC_BEHIND_LOG), log);
    assert_int_equal(metrics_read(f->metrics, METRIC_STREAMS_BEHIND, METRIC_BEHIND_SOCKET), socket);
}

static void
assert_late(const struct fixture *f, int64_t over_10s, int64_t over_60s, int64_t over_600s)
{
    assert_int_equal(metrics_read(f->metrics, METRIC_STREAMS_LATE, METRIC_OVER_10S), over_10s);
    assert_int_equal(metrics_read(f->metrics, METRIC_STREAMS_LATE, METRIC_OVER_60S), over_60s);
    assert_int_equal(metrics_read(f->metrics, METRIC_STREAMS_LATE, METRIC_OVER_600S), over_600s);
}

static void
test_account_state_says_what_a_stream_waits_for(void **state)
{
    struct fixture *f = *state;
    enter(f, SUBSCRIBER_LIVE);
    assert_behind(f, 0, 0);
    enter(f, SUBSCRIBER_WAITING);
    assert_behind(f, 1, 0);
    enter(f, SUBSCRIBER_MOVING);
    assert_behind(f, 1, 0);
    enter(f, SUBSCRIBER_BLOCKED);
    assert_behind(f, 0, 1);
    enter(f, SUBSCRIBER_CLOSING);
    assert_behind(f, 0, 0);
}

/* The stream's newest event is so old. */
static void
account_age(struct fixture *f, uint64_t age_ms)
{
    f->subscriber->cursor = event_id_make(clock_wall_ms() - age_ms, 0);
    account_lateness(f->subscriber);
}

static void
test_account_lateness_counts_by_age(void **state)
{
    struct fixture *f = *state;
    enter(f, SUBSCRIBER_BLOCKED);
    account_age(f, 0);
    assert_late(f, 0, 0, 0);
    account_age(f, MINUTE_MS / 2);
    assert_late(f, 1, 0, 0);
    account_age(f, 2 * MINUTE_MS);
    assert_late(f, 1, 1, 0);
    account_age(f, 20 * MINUTE_MS);
    assert_late(f, 1, 1, 1);
    account_age(f, 2 * MINUTE_MS);
    assert_late(f, 1, 1, 0);
}

static void
test_account_lateness_ends_with_being_behind(void **state)
{
    struct fixture *f = *state;
    static const enum subscriber_state ends[] = {SUBSCRIBER_LIVE, SUBSCRIBER_CLOSING};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        enter(f, SUBSCRIBER_WAITING);
        account_age(f, 20 * MINUTE_MS);
        assert_late(f, 1, 1, 1);
        enter(f, ends[i]);
        assert_late(f, 0, 0, 0);
    }
}

static void
test_account_lateness_is_nothing_for_a_quiet_live_stream(void **state)
{
    struct fixture *f = *state;
    account_age(f, 20 * MINUTE_MS);
    assert_late(f, 0, 0, 0);
}

static void
test_account_lateness_is_nothing_where_a_stream_asked_for_what_there_is(void **state)
{
    struct fixture *f = *state;
    enter(f, SUBSCRIBER_WAITING);
    account_lateness(f->subscriber);
    assert_late(f, 0, 0, 0);
}

/* An event that was received so long ago. */
static struct tail_entry
received(uint64_t age_ms)
{
    return (struct tail_entry){.id = event_id_make(clock_wall_ms(), 0),
                               .delay_ms = (int32_t)age_ms};
}

static void
deliver(struct fixture *f, const struct tail_entry *entries, size_t length, size_t sent)
{
    const struct tail_run run = {.entries = entries, .length = length};
    account_deliveries(f->subscriber, &run, sent);
}

static int64_t
delivered(const struct fixture *f, enum metric_delivery kind)
{
    return metrics_read(f->metrics, METRIC_DELIVERY_SECONDS, kind);
}

/* True where /metrics has a sample with this beginning. */
static bool
has_sample(const struct fixture *f, const char *begin)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    assert_int_equal(metrics_render(f->metrics, &out), 0);
    assert_int_equal(buf_append_char(&out, '\0'), 0);
    bool is_there = strstr(out.data, begin) != NULL;
    buf_fini(&out);
    return is_there;
}

static void
test_account_deliveries_counts_what_the_socket_took(void **state)
{
    struct fixture *f = *state;
    const struct tail_entry entries[] = {received(0), received(0), received(0)};
    deliver(f, entries, 3, 2);
    assert_int_equal(metrics_read(f->metrics, METRIC_DELIVERIES, 0), 2);
    assert_int_equal(delivered(f, METRIC_DELIVERY_LIVE), 2);
}

static void
test_account_deliveries_tells_replays_apart(void **state)
{
    struct fixture *f = *state;
    const struct tail_entry entry = received(0);
    f->subscriber->is_announced = false;
    deliver(f, &entry, 1, 1);
    assert_int_equal(delivered(f, METRIC_DELIVERY_REPLAY), 1);
    assert_int_equal(delivered(f, METRIC_DELIVERY_LIVE), 0);
}

#define BUCKET(le) "\nrunnel_delivery_seconds_bucket{kind=\"live\",le=\"" le "\"} "

static void
test_account_deliveries_of_one_bucket_count_there(void **state)
{
    struct fixture *f = *state;
    const struct tail_entry entries[] = {received(6 * MINUTE_MS), received(5 * MINUTE_MS),
                                         received(4 * MINUTE_MS), received(2 * MINUTE_MS)};
    deliver(f, entries, 4, 4);
    assert_true(has_sample(f, BUCKET("60") "0\n"));
    assert_true(has_sample(f, BUCKET("600") "4\n"));
}

static void
test_account_deliveries_of_several_buckets_count_each_where_it_belongs(void **state)
{
    struct fixture *f = *state;
    const struct tail_entry entries[] = {received(20 * MINUTE_MS), received(5 * MINUTE_MS),
                                         received(40 * 1000), received(20 * 1000)};
    deliver(f, entries, 4, 4);
    assert_true(has_sample(f, BUCKET("10") "0\n"));
    assert_true(has_sample(f, BUCKET("30") "1\n"));
    assert_true(has_sample(f, BUCKET("60") "2\n"));
    assert_true(has_sample(f, BUCKET("600") "3\n"));
    assert_true(has_sample(f, BUCKET("3600") "4\n"));
    assert_int_equal(delivered(f, METRIC_DELIVERY_LIVE), 4);
}

/* The source's clock is ahead of ours. */
static void
test_account_deliveries_from_the_future_took_no_time(void **state)
{
    struct fixture *f = *state;
    const struct tail_entry entry = {.id = event_id_make(clock_wall_ms() + MINUTE_MS, 0)};
    deliver(f, &entry, 1, 1);
    assert_true(has_sample(f, BUCKET("0.001") "1\n"));
    assert_true(has_sample(f, "\nrunnel_delivery_seconds_sum{kind=\"live\"} 0.000000\n"));
}

static void
test_account_limits_are_the_configs(void **state)
{
    struct fixture *f = *state;
    f->config = (struct config_stream){
        .tail_bytes = 1, .page_bytes = 2, .unsent_bytes = 3, .mailbox_bytes = 4};
    account_limits(&f->hub);
    assert_int_equal(metrics_read(f->metrics, METRIC_MEMORY_LIMIT, METRIC_USE_TAILS), 1);
    assert_int_equal(metrics_read(f->metrics, METRIC_MEMORY_LIMIT, METRIC_USE_PAGES), 2);
    assert_int_equal(metrics_read(f->metrics, METRIC_MEMORY_LIMIT, METRIC_USE_UNSENT), 3);
    assert_int_equal(metrics_read(f->metrics, METRIC_MEMORY_LIMIT, METRIC_USE_MAILBOXES), 4);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(test_account_state_says_what_a_stream_waits_for),
        WITH_FIXTURE(test_account_lateness_counts_by_age),
        WITH_FIXTURE(test_account_lateness_ends_with_being_behind),
        WITH_FIXTURE(test_account_lateness_is_nothing_for_a_quiet_live_stream),
        WITH_FIXTURE(test_account_lateness_is_nothing_where_a_stream_asked_for_what_there_is),
        WITH_FIXTURE(test_account_deliveries_counts_what_the_socket_took),
        WITH_FIXTURE(test_account_deliveries_tells_replays_apart),
        WITH_FIXTURE(test_account_deliveries_of_one_bucket_count_there),
        WITH_FIXTURE(test_account_deliveries_of_several_buckets_count_each_where_it_belongs),
        WITH_FIXTURE(test_account_deliveries_from_the_future_took_no_time),
        WITH_FIXTURE(test_account_limits_are_the_configs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
