#undef NDEBUG
/* What the hub does in one turn is bounded, whatever there is to do. */
#include "hub_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum {
    MANY = 400,
    FEW = 80,
    SENDS_A_TURN = 192,
    SEND_BUFFER = 200 * 1024, /* takes an event whole, and several of a page in one send */
    EVENT_BYTES = 60 * 1024,
    BYTES_A_TURN = 4 * 1024 * 1024, /* 192 times 16 KiB, and what the last visit brings */
};

static int64_t
counted(enum metric metric)
{
    return metrics_read(world.metrics, metric, 0);
}

/* Runs turns until there were so many sends, in none of which the metric rose by more than `max`. */
static void
expect_at_most_a_turn(enum metric metric, int64_t max, int64_t sends)
{
    for (int i = 0; i < TURNS_MAX && counted(METRIC_SENDS) < sends; i++) {
        int64_t before = counted(metric);
        run_turns(1);
        assert_in_range(counted(metric) - before, 0, max);
    }
    assert_int_equal(counted(METRIC_SENDS), sends);
}

static void
test_hub_turn_of_the_first_feed_is_bounded(void **state)
{
    (void)state;
    static struct client *clients[MANY];
    world_begin_with(stream_config(), replay_config());
    for (size_t i = 0; i < MANY; i++) {
        clients[i] = client_open("a", hub_rig_now);
    }
    replay_start(world.log);
    expect_at_most_a_turn(METRIC_SENDS, SENDS_A_TURN, 2 * MANY);
    event_id id = publish("a");
    for (size_t i = 0; i < MANY; i++) {
        client_wait(clients[i], 1);
        assert_int_equal(clients[i]->ids[0], id);
        client_free(clients[i]);
    }
    world_end();
}

static void
world_begin_large(char *data)
{
    world_begin();
    world.send_buffer_bytes = SEND_BUFFER;
    memset(data, 'x', EVENT_BYTES - 1);
}

static void
test_hub_turn_of_a_large_event_to_many_is_bounded(void **state)
{
    (void)state;
    static struct client *clients[FEW];
    static char data[EVENT_BYTES];
    world_begin_large(data);
    for (size_t i = 0; i < FEW; i++) {
        clients[i] = client_open("a", hub_rig_now);
        client_wait(clients[i], 0);
    }
    publish_keep("a", data, 0);
    expect_at_most_a_turn(METRIC_SENT_BYTES, BYTES_A_TURN, 2 * FEW);
    for (size_t i = 0; i < FEW; i++) {
        client_wait(clients[i], 1);
        client_free(clients[i]);
    }
    world_end();
}

/* They come back together, and what they get is in memory then. */
static void
test_hub_turn_of_many_replays_is_bounded(void **state)
{
    (void)state;
    static struct client *clients[FEW];
    static char data[EVENT_BYTES];
    world_begin_large(data);
    event_id first = publish("a");
    publish_keep("a", data, 0);
    publish_keep("a", data, 0);
    for (size_t i = 0; i < FEW; i++) {
        clients[i] = client_open("a", after(first));
    }
    expect_at_most_a_turn(METRIC_SENT_BYTES, BYTES_A_TURN,
                          4 * FEW); /* head, two spans, runnel.live */
    for (size_t i = 0; i < FEW; i++) {
        client_wait(clients[i], 2);
        client_free(clients[i]);
    }
    world_end();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hub_turn_of_the_first_feed_is_bounded),
        cmocka_unit_test(test_hub_turn_of_a_large_event_to_many_is_bounded),
        cmocka_unit_test(test_hub_turn_of_many_replays_is_bounded),
    };
    return cmocka_run_group_tests_name("streaming.hub_turn", tests, NULL, NULL);
}
