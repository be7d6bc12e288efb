#undef NDEBUG
/* What one send carries: the events of several channels, and what keeps some of them for the next. */
#include "event/mailbox.h"
#include "hub_rig.h"
#include "sse/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { CLIENTS = 3, FLOOD = 600, LARGE = 100 * 1024 };

static const char *const batch_channels[] = {"a", "b", "quiet", "c"};

static struct client *
open_to_all(bool is_chunked)
{
    struct client *c = client_open_to(batch_channels, 4, hub_rig_now, is_chunked);
    client_wait(c, 0);
    return c;
}

static int64_t
count_sends(void)
{
    return metrics_read(world.metrics, METRIC_SENDS, 0);
}

/* The events came in this order, and nothing else did. */
static void
expect_channels(struct client *c, const char *channels)
{
    size_t length = strlen(channels);
    client_wait(c, length);
    check_rising(c);
    assert_memory_equal(c->channels, channels, length);
}

static void
test_batch_events_of_several_channels_are_one_send(void **state)
{
    (void)state;
    struct client *clients[CLIENTS];
    world_begin();
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i] = open_to_all(i != 1);
    }
    int64_t sends = count_sends();
    publish("b");
    publish("a");
    publish("c");
    publish("a");
    run_turns(3);
    assert_int_equal(count_sends() - sends, CLIENTS);
    publish("c");
    run_turns(3);
    publish("a");
    publish("quiet");
    run_turns(3);
    assert_int_equal(count_sends() - sends, 3 * CLIENTS);
    for (size_t i = 0; i < CLIENTS; i++) {
        expect_channels(clients[i], "bacacaq");
        assert_int_equal(clients[i]->gaps, 0);
        client_free(clients[i]);
    }
    world_end();
}

/* The feed brings, instead of the channel's next event, that it is lost. */
static void
publish_lost(const char *channel)
{
    world.is_feed_lost = true;
    event_id id = publish(channel);
    world.is_feed_lost = false;
    const struct event_traits traits = {.slow = 0};
    struct frame *frame = frame_new(str_from(channel), id, 0, STR_NULL, traits);
    assert_non_null(frame);
    post((struct mail){.type = HUB_MAIL_FRAME, .object = frame});
}

/* It is told behind what came before it, and before all that came after it. */
static void
test_batch_ends_where_a_channel_has_a_gap(void **state)
{
    (void)state;
    char told[128] = "\"after\":\"";
    world_begin();
    struct client *c = open_to_all(true);
    int64_t sends = count_sends();
    publish("a");
    event_id before = publish("b");
    publish_lost("b");
    publish("a");
    publish("b");
    run_turns(3);
    assert_int_equal(count_sends() - sends, 3);
    expect_channels(c, "abab");
    assert_int_equal(c->gaps, 1);
    size_t size = strlen(told);
    size += event_id_format(before, told + size);
    told[size] = '\0';
    assert_non_null(strstr(c->last_gap, told));
    assert_non_null(strstr(c->last_gap, "\"b\""));
    client_free(c);
    world_end();
}

/* The channels go on in turns, in runs that end where their spans do, to a socket that is often full. */
static void
test_batch_that_the_socket_takes_in_part_goes_on_in_order(void **state)
{
    (void)state;
    static char expected[FLOOD + 1];
    world_begin();
    struct client *c = open_to_all(true);
    struct client *bare = open_to_all(false);
    for (size_t i = 0; i < FLOOD; i++) {
        const char *channel = batch_channels[i % 7 % 4];
        publish(channel);
        expected[i] = channel[0];
        if (i % 50 == 0) {
            run_turns(1);
        }
    }
    run_turns(3);
    assert_int_equal(metrics_read(world.metrics, METRIC_STREAMS_BEHIND, METRIC_BEHIND_SOCKET), 2);
    expect_channels(c, expected);
    expect_channels(bare, expected);
    publish("b");
    client_wait(c, FLOOD + 1);
    client_wait(bare, FLOOD + 1);
    client_free(c);
    client_free(bare);
    world_end();
}

/* Two do not fit into the memory that events of several channels are gathered in. */
static void
test_batch_larger_than_its_memory_goes_on_in_order(void **state)
{
    (void)state;
    static char data[LARGE];
    world_begin();
    struct client *c = open_to_all(true);
    for (const char *channel = "abcabbca"; *channel != '\0'; channel++) {
        const char name[2] = {*channel, '\0'};
        memset(data, *channel, LARGE - 1);
        publish_keep(name, data, 0);
    }
    expect_channels(c, "abcabbca");
    assert_int_equal(c->gaps, 0);
    client_free(c);
    world_end();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batch_events_of_several_channels_are_one_send),
        cmocka_unit_test(test_batch_ends_where_a_channel_has_a_gap),
        cmocka_unit_test(test_batch_that_the_socket_takes_in_part_goes_on_in_order),
        cmocka_unit_test(test_batch_larger_than_its_memory_goes_on_in_order),
    };
    return cmocka_run_group_tests_name("streaming.batch", tests, NULL, NULL);
}
