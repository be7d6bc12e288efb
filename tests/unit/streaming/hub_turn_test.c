#undef NDEBUG
/* What the hub does in one turn is bounded, whatever there is to do. */
#include "hub_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum { MANY = 400, SENDS_A_TURN = 192 };

static int64_t
counted(enum metric metric)
{
    return metrics_read(world.metrics, metric, 0);
}

/* Runs turns until the metric is there, in none of which it rose by more than `max`. */
static void
expect_at_most_a_turn(enum metric metric, int64_t max, int64_t end)
{
    for (int i = 0; i < TURNS_MAX && counted(metric) < end; i++) {
        int64_t before = counted(metric);
        run_turns(1);
        assert_in_range(counted(metric) - before, 0, max);
    }
    assert_int_equal(counted(metric), end);
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
    assert_int_equal(replay_start(world.log), 0);
    expect_at_most_a_turn(METRIC_SENDS, SENDS_A_TURN, 2 * MANY);
    event_id id = publish("a");
    for (size_t i = 0; i < MANY; i++) {
        client_wait(clients[i], 1);
        assert_int_equal(clients[i]->ids[0], id);
        client_free(clients[i]);
    }
    world_end();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hub_turn_of_the_first_feed_is_bounded),
    };
    return cmocka_run_group_tests_name("streaming.hub_turn", tests, NULL, NULL);
}
