#undef NDEBUG
/* An event to many streams of a channel: to those that only wait for it, and to those among them that need more. */
#include "hub_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { CLIENTS = 5, MANY = 400, FLOOD = 1000 };

static const char *const volley_channels[] = {"a", "b"};

static void
open_clients(struct client **clients, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        clients[i] = client_open("a", hub_rig_now);
        client_wait(clients[i], 0);
    }
}

static void
free_clients(struct client **clients, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        client_free(clients[i]);
    }
}

/* They have so many events, the last of them this one, and no gap. */
static void
expect_events(struct client **clients, size_t length, size_t events, event_id newest)
{
    for (size_t i = 0; i < length; i++) {
        client_wait(clients[i], events);
        check_rising(clients[i]);
        assert_int_equal(clients[i]->gaps, 0);
        assert_int_equal(clients[i]->ids[events - 1], newest);
    }
}

static int64_t
counted(enum metric metric, size_t label)
{
    return metrics_read(world.metrics, metric, label);
}

static void
test_volley_is_counted_for_each_stream(void **state)
{
    (void)state;
    struct client *clients[CLIENTS];
    world_begin();
    open_clients(clients, CLIENTS);
    int64_t sends = counted(METRIC_SENDS, 0);
    int64_t sent_bytes = counted(METRIC_SENT_BYTES, 0);
    event_id first = publish("a");
    run_turns(2);
    int64_t event_bytes = (counted(METRIC_SENT_BYTES, 0) - sent_bytes) / CLIENTS;
    assert_int_equal(counted(METRIC_SENDS, 0) - sends, CLIENTS);
    assert_true(event_bytes > 0);
    assert_int_equal(counted(METRIC_DELIVERIES, 0), CLIENTS);
    assert_int_equal(counted(METRIC_DELIVERY_SECONDS, METRIC_DELIVERY_LIVE), CLIENTS);
    expect_events(clients, CLIENTS, 1, first);
    publish("a");
    event_id last = publish("a");
    expect_events(clients, CLIENTS, 3, last);
    assert_int_equal(counted(METRIC_SENDS, 0) - sends, 2 * CLIENTS);
    assert_int_equal(counted(METRIC_SENT_BYTES, 0) - sent_bytes, 3 * CLIENTS * event_bytes);
    assert_int_equal(counted(METRIC_DELIVERIES, 0), 3 * CLIENTS);
    free_clients(clients, CLIENTS);
    world_end();
}

static void
test_volley_goes_around_streams_that_need_more(void **state)
{
    (void)state;
    struct client *clients[CLIENTS];
    world_begin();
    open_clients(clients, 2);
    clients[2] = client_open_to(volley_channels, 2, hub_rig_now, true);
    clients[3] = client_open_to(volley_channels, 1, hub_rig_now, false);
    clients[4] = client_open("a", hub_rig_now);
    run_turns(2);
    publish("a");
    publish("b");
    event_id last = publish("a");
    expect_events(clients, 2, 2, last);
    expect_events(clients + 2, 1, 3, last);
    expect_events(clients + 3, 2, 2, last);
    free_clients(clients, CLIENTS);
    world_end();
}

static void
open_to_both(struct client **clients, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        clients[i] = client_open_to(volley_channels, 2, hub_rig_now, true);
        client_wait(clients[i], 0);
    }
}

static void
test_volley_serves_streams_whose_other_channels_are_quiet(void **state)
{
    (void)state;
    struct client *clients[CLIENTS];
    world_begin();
    open_clients(clients, 1);
    open_to_both(clients + 1, CLIENTS - 1);
    expect_events(clients, CLIENTS, 1, publish("a"));
    expect_events(clients + 1, CLIENTS - 1, 2, publish("b"));
    event_id last = publish("a");
    expect_events(clients, 1, 2, last);
    expect_events(clients + 1, CLIENTS - 1, 3, last);
    assert_int_equal(counted(METRIC_DELIVERIES, 0), CLIENTS + CLIENTS - 1 + CLIENTS);
    free_clients(clients, CLIENTS);
    world_end();
}

/* Some have had the first event and some have not when the other channel's comes. */
static void
test_volley_keeps_the_order_where_the_other_channel_speaks_up(void **state)
{
    (void)state;
    static struct client *clients[MANY];
    world_begin();
    open_to_both(clients, MANY);
    publish("a");
    run_turns(1);
    int64_t reached = counted(METRIC_DELIVERIES, 0);
    assert_true(reached > 0 && reached < MANY);
    publish("b");
    event_id last = publish("a");
    expect_events(clients, MANY, 3, last);
    assert_int_equal(counted(METRIC_DELIVERIES, 0), 3 * MANY);
    free_clients(clients, MANY);
    world_end();
}

/* Those who came at different times stand at different positions. */
static void
test_volley_reaches_who_came_between_events_of_other_channels(void **state)
{
    (void)state;
    struct client *clients[CLIENTS];
    world_begin();
    for (size_t i = 0; i < CLIENTS; i++) {
        open_clients(clients + i, 1);
        publish("b");
        run_turns(2);
    }
    event_id first = publish("a");
    expect_events(clients, CLIENTS, 1, first);
    publish("b");
    event_id second = publish("a");
    expect_events(clients, CLIENTS, 2, second);
    free_clients(clients, CLIENTS);
    world_end();
}

static void
test_volley_leaves_who_is_full_and_serves_the_others(void **state)
{
    (void)state;
    struct client *clients[CLIENTS];
    event_id last = 0;
    world_begin();
    open_clients(clients, CLIENTS);
    for (size_t i = 0; i < FLOOD; i++) {
        last = publish("a");
        run_turns(1);
        client_read(clients[0]);
        client_read(clients[2]);
        client_read(clients[4]);
    }
    run_turns(2);
    assert_int_equal(counted(METRIC_STREAMS_BEHIND, METRIC_BEHIND_SOCKET), 2);
    expect_events(clients, CLIENTS, FLOOD, last);
    assert_int_equal(counted(METRIC_DELIVERIES, 0), CLIENTS * FLOOD);
    event_id next = publish("a");
    expect_events(clients, CLIENTS, FLOOD + 1, next);
    free_clients(clients, CLIENTS);
    world_end();
}

static void
test_volley_survives_who_has_gone(void **state)
{
    (void)state;
    struct client *clients[CLIENTS];
    world_begin();
    open_clients(clients, CLIENTS);
    for (size_t i = 1; i < CLIENTS; i += 2) {
        close(clients[i]->fd);
        clients[i]->fd = -1;
    }
    event_id first = publish("a");
    run_turns(2);
    assert_int_equal(counted(METRIC_STREAMS_CLOSED, METRIC_CLOSED_CLIENT), 2);
    for (size_t i = 0; i < CLIENTS; i += 2) {
        expect_events(clients + i, 1, 1, first);
    }
    free_clients(clients, CLIENTS);
    world_end();
}

/* More streams than a turn visits, and the next event comes meanwhile. */
static void
test_volley_goes_on_in_the_next_turn(void **state)
{
    (void)state;
    static struct client *clients[MANY];
    world_begin();
    open_clients(clients, MANY);
    publish("a");
    run_turns(1);
    assert_true(counted(METRIC_DELIVERIES, 0) < MANY);
    event_id last = publish("a");
    expect_events(clients, MANY, 2, last);
    free_clients(clients, MANY);
    world_end();
}

/* A channel whose streams are never all visited before its next event leaves room for others. */
static void
test_volley_starves_no_other_channel(void **state)
{
    (void)state;
    static struct client *clients[MANY];
    world_begin();
    open_clients(clients, MANY);
    struct client *other = client_open("b", hub_rig_now);
    client_wait(other, 0);
    publish("a");
    publish("b");
    for (int turn = 0; turn < 10; turn++) {
        publish("a");
        run_turns(1);
        assert_true(counted(METRIC_DELIVERIES, 0) < (int64_t)MANY * (turn + 2));
    }
    client_read(other);
    assert_int_equal(other->length, 1);
    client_free(other);
    free_clients(clients, MANY);
    world_end();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_volley_is_counted_for_each_stream),
        cmocka_unit_test(test_volley_goes_around_streams_that_need_more),
        cmocka_unit_test(test_volley_serves_streams_whose_other_channels_are_quiet),
        cmocka_unit_test(test_volley_keeps_the_order_where_the_other_channel_speaks_up),
        cmocka_unit_test(test_volley_reaches_who_came_between_events_of_other_channels),
        cmocka_unit_test(test_volley_leaves_who_is_full_and_serves_the_others),
        cmocka_unit_test(test_volley_survives_who_has_gone),
        cmocka_unit_test(test_volley_goes_on_in_the_next_turn),
        cmocka_unit_test(test_volley_starves_no_other_channel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
