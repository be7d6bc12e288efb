#undef NDEBUG
/* What becomes of clients that fall behind, by the rules of the stream and of the events. */
#include "hub_rig.h"
#include "sse/event_traits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SLOW_AFTER_MS = 20, FLOOD = 1000 };

static const char *const slow_channels[] = {"a", "b"};

/* A world whose stream has this policy. */
static void
slow_begin(enum config_slow policy)
{
    struct config_stream config = stream_config();
    config.slow = policy;
    config.slow_after_ms = SLOW_AFTER_MS;
    world_begin_with(config, replay_config());
    world_start();
}

/* Far more than a socket takes; the newest id. */
static event_id
flood(const char *channel, uint32_t rule)
{
    event_id newest = 0;
    world.slow = rule;
    for (size_t i = 0; i < FLOOD; i++) {
        newest = publish(channel);
    }
    run_turns(2);
    return newest;
}

/* Reads until nothing comes any more. */
static void
drain_client(struct client *c)
{
    for (int i = 0; i < 100 && !c->is_closed; i++) {
        run_turns(1);
        client_read(c);
    }
}

static size_t
count_channel(const struct client *c, char channel)
{
    size_t count = 0;
    for (size_t i = 0; i < c->length; i++) {
        count += c->channels[i] == channel;
    }
    return count;
}

static void
expect_closed_for_slowness(const struct client *c)
{
    assert_true(c->is_closed);
    assert_true(c->length < FLOOD);
    assert_int_equal(metrics_read(world.metrics, METRIC_STREAMS_CLOSED, METRIC_CLOSED_SLOW), 1);
}

static void
expect_skipped_to(struct client *c, event_id newest)
{
    assert_int_equal(c->gaps, 1);
    assert_non_null(strstr(c->last_gap, "\"channel\":\"a\""));
    assert_non_null(strstr(c->last_gap, "\"reason\":\"slow\""));
    assert_int_equal(metrics_read(world.metrics, METRIC_GAPS, METRIC_GAP_SLOW), 1);
    assert_int_equal(c->ids[c->length - 1], newest);
    size_t length = c->length;
    publish("a");
    client_wait(c, length + 1);
}

static void
expect_all(struct client *c, size_t events)
{
    client_wait(c, events);
    assert_int_equal(c->gaps, 0);
}

/* One client of channel a that stands still while events with this rule come. */
static struct client *
stalled_client(uint32_t rule, event_id *ret_newest)
{
    struct client *c = client_open("a", hub_rig_now);
    client_wait(c, 0);
    *ret_newest = flood("a", rule);
    stall(2 * SLOW_AFTER_MS);
    drain_client(c);
    check_rising(c);
    return c;
}

static void
test_slow_policy_of_the_stream_holds_where_events_have_none(void **state)
{
    (void)state;
    event_id newest;
    slow_begin(SLOW_SKIP);
    struct client *c = stalled_client(0, &newest);
    expect_skipped_to(c, newest);
    client_free(c);
    world_end();
    slow_begin(SLOW_CLOSE);
    c = stalled_client(0, &newest);
    expect_closed_for_slowness(c);
    client_free(c);
    world_end();
}

static void
test_slow_policy_of_the_events_holds_before_the_streams(void **state)
{
    (void)state;
    event_id newest;
    slow_begin(SLOW_CATCH_UP);
    struct client *c = stalled_client(slow_rule_make(1 + SLOW_CLOSE, 0), &newest);
    expect_closed_for_slowness(c);
    client_free(c);
    world_end();
    slow_begin(SLOW_CLOSE);
    c = stalled_client(slow_rule_make(1 + SLOW_SKIP, 0), &newest);
    expect_skipped_to(c, newest);
    client_free(c);
    world_end();
    slow_begin(SLOW_CLOSE);
    c = stalled_client(slow_rule_make(1 + SLOW_CATCH_UP, 0), &newest);
    expect_all(c, FLOOD);
    client_free(c);
    c = stalled_client(slow_rule_make(0, 3600000), &newest);
    expect_all(c, FLOOD);
    client_free(c);
    world_end();
}

static void
test_slow_policy_is_that_of_the_newest_event(void **state)
{
    (void)state;
    event_id newest;
    slow_begin(SLOW_CLOSE);
    struct client *c = client_open("a", hub_rig_now);
    client_wait(c, 0);
    (void)flood("a", 0);
    newest = flood("a", slow_rule_make(1 + SLOW_SKIP, 0));
    stall(2 * SLOW_AFTER_MS);
    drain_client(c);
    expect_skipped_to(c, newest);
    client_free(c);
    world_end();
}

/* The feed is lost, so that the rule comes with what is read from the log. */
static void
test_slow_policy_comes_with_pages_too(void **state)
{
    (void)state;
    slow_begin(SLOW_CATCH_UP);
    struct client *c = client_open("a", hub_rig_now);
    client_wait(c, 0);
    world.is_feed_lost = true;
    (void)flood("a", slow_rule_make(1 + SLOW_CLOSE, 0));
    world.is_feed_lost = false;
    post((struct mail){.type = HUB_MAIL_FEED_START, .number = world.lost_until});
    run_turns(10);
    stall(2 * SLOW_AFTER_MS);
    drain_client(c);
    expect_closed_for_slowness(c);
    client_free(c);
    world_end();
}

static void
test_slow_channel_skips_and_the_others_lose_nothing(void **state)
{
    (void)state;
    slow_begin(SLOW_CATCH_UP);
    struct client *c = client_open_to(slow_channels, 2, hub_rig_now, true);
    client_wait(c, 0);
    event_id newest = flood("a", slow_rule_make(1 + SLOW_SKIP, 0));
    (void)flood("b", 0);
    stall(2 * SLOW_AFTER_MS);
    for (int i = 0; i < TURNS_MAX && count_channel(c, 'b') < FLOOD; i++) {
        run_turns(1);
        client_read(c);
    }
    check_rising(c);
    assert_int_equal(count_channel(c, 'b'), FLOOD);
    assert_true(count_channel(c, 'a') < FLOOD);
    assert_int_equal(c->gaps, 1);
    assert_non_null(strstr(c->last_gap, "\"channel\":\"a\""));
    size_t i = 0;
    while (i < c->length && c->ids[i] != newest) {
        i++;
    }
    assert_true(i < c->length); /* it went on there */
    client_free(c);
    world_end();
}

/* Two channels, and heartbeats often enough to wait for: at those who takes nothing is judged. */
static struct client *
begin_with_heartbeats(void)
{
    struct config_stream config = stream_config();
    config.slow = SLOW_CATCH_UP;
    config.slow_after_ms = SLOW_AFTER_MS;
    config.heartbeat_ms = 100;
    world_begin_with(config, replay_config());
    world_start();
    struct client *c = client_open_to(slow_channels, 2, hub_rig_now, true);
    client_wait(c, 0);
    return c;
}

static void
test_slow_client_is_not_judged_by_a_channel_that_it_is_not_behind_on(void **state)
{
    (void)state;
    struct client *c = begin_with_heartbeats();
    world.slow = slow_rule_make(1 + SLOW_CLOSE, 0);
    publish("a");
    client_wait(c, 1);
    (void)flood("b", slow_rule_make(1 + SLOW_CATCH_UP, 0));
    stall(500); /* some heartbeats */
    expect_all(c, 1 + FLOOD);
    client_free(c);
    world_end();
}

static void
test_slow_client_that_takes_nothing_is_closed_at_a_heartbeat(void **state)
{
    (void)state;
    struct client *c = begin_with_heartbeats();
    (void)flood("b", slow_rule_make(1 + SLOW_CATCH_UP, 0));
    world.slow = slow_rule_make(1 + SLOW_CLOSE, 0);
    publish("a");
    for (int i = 0; i < 300 && hub_streams(world.hub) > 0; i++) {
        stall(100);
    }
    drain_client(c);
    expect_closed_for_slowness(c);
    client_free(c);
    world_end();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slow_policy_of_the_stream_holds_where_events_have_none),
        cmocka_unit_test(test_slow_policy_of_the_events_holds_before_the_streams),
        cmocka_unit_test(test_slow_policy_is_that_of_the_newest_event),
        cmocka_unit_test(test_slow_policy_comes_with_pages_too),
        cmocka_unit_test(test_slow_channel_skips_and_the_others_lose_nothing),
        cmocka_unit_test(test_slow_client_is_not_judged_by_a_channel_that_it_is_not_behind_on),
        cmocka_unit_test(test_slow_client_that_takes_nothing_is_closed_at_a_heartbeat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
