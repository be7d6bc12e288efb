/* What time brings to a stream: its end at its age, and what a reload changes of that and of its heartbeats. */
#undef NDEBUG
#include "hub_rig.h"
#include "sse/parser.h"
#include "streaming/beat.h"
#include "streaming/hub_private.h"
#include "streaming/subscriber.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { CLIENTS = 8, AGE_MS = 800, HOUR_MS = 3600000 };

static struct client *clients[CLIENTS];

static void
begin(uint64_t age_ms)
{
    struct config_stream config = stream_config();
    config.max_connection_age_ms = age_ms;
    world_begin_with(config, replay_config());
    world_start();
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i] = client_open("a", hub_rig_now);
        client_wait(clients[i], 0);
    }
}

static void
end(void)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        client_free(clients[i]);
    }
    world_end();
}

/* Looked up, not waited for: on a busy machine all may be seen to end in one turn. */
static size_t
count_different_ends(void)
{
    uint64_t last_ms = 0;
    size_t count = 0;
    LIST_FOR_EACH_SAFE (node, following, &world.hub->streams) {
        const struct subscriber *s = LIST_ITEM(node, struct subscriber, node);
        count += s->ends_ms != last_ms;
        last_ms = s->ends_ms;
    }
    return count;
}

static void
wait_for_the_ends(void)
{
    while (hub_streams(world.hub) > 0) {
        run_turns(1);
    }
    assert_int_equal(metrics_read(world.metrics, METRIC_STREAMS_CLOSED, METRIC_CLOSED_AGE),
                     CLIENTS);
}

static void
test_beat_streams_end_at_their_age_one_after_another(void **state)
{
    (void)state;
    begin(AGE_MS);
    uint64_t begin_ms = loop_now_ms(world.loop);
    assert_true(count_different_ends() > 1);
    LIST_FOR_EACH_SAFE (node, following, &world.hub->streams) {
        const struct subscriber *s = LIST_ITEM(node, struct subscriber, node);
        assert_in_range(s->ends_ms, s->begun_ms + AGE_MS / 2, s->begun_ms + AGE_MS);
        assert_true(s->begun_ms <= begin_ms);
    }
    wait_for_the_ends();
    for (size_t i = 0; i < CLIENTS; i++) {
        client_read(clients[i]);
        assert_true(clients[i]->is_closed);
        assert_int_equal(clients[i]->input.size, 0);
        assert_true(sse_parser_retry_ms(clients[i]->parser, 0) >= 2000);
    }
    end();
}

/* As if the time had gone by. */
static void
let_pass(uint64_t ago_ms)
{
    LIST_FOR_EACH_SAFE (node, following, &world.hub->streams) {
        struct subscriber *s = LIST_ITEM(node, struct subscriber, node);
        s->begun_ms -= ago_ms;
        s->sent_ms -= ago_ms;
    }
}

/* The time goes by, and then a reload. */
static void
set_config(const struct config_stream *config, uint64_t ago_ms)
{
    let_pass(ago_ms);
    hub_set_config(world.hub, config);
}

static void
test_beat_a_new_age_holds_for_open_streams(void **state)
{
    (void)state;
    begin(0);
    struct config_stream config = stream_config();
    config.max_connection_age_ms = AGE_MS;
    set_config(&config, 0);
    assert_true(count_different_ends() > 1);
    wait_for_the_ends();
    end();
}

static void
test_beat_streams_that_are_too_old_end_one_after_another(void **state)
{
    (void)state;
    begin(HOUR_MS);
    struct config_stream config = stream_config();
    config.max_connection_age_ms = AGE_MS;
    set_config(&config, HOUR_MS / 4);
    uint64_t now_ms = loop_now_ms(world.loop);
    assert_true(count_different_ends() > 1);
    LIST_FOR_EACH_SAFE (node, following, &world.hub->streams) {
        const struct subscriber *s = LIST_ITEM(node, struct subscriber, node);
        assert_in_range(s->ends_ms, now_ms, now_ms + AGE_MS / 2);
    }
    wait_for_the_ends();
    end();
}

static void
test_beat_an_age_can_be_taken_away_from_open_streams(void **state)
{
    (void)state;
    begin(HOUR_MS);
    struct config_stream config = stream_config();
    set_config(&config, 0);
    LIST_FOR_EACH_SAFE (node, following, &world.hub->streams) {
        assert_true(LIST_ITEM(node, struct subscriber, node)->ends_ms == UINT64_MAX);
    }
    end();
}

static void
wait_for_beats(void)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        while (clients[i]->beats == 0) {
            run_turns(1);
            client_read(clients[i]);
        }
    }
}

/* A beat drawn anew from the whole heartbeat would come long after the test's time. */
static void
test_beat_a_shorter_heartbeat_makes_no_silence_longer(void **state)
{
    (void)state;
    begin(0);
    struct config_stream config = stream_config();
    uint64_t before_ms = config.heartbeat_ms;
    config.heartbeat_ms = before_ms - before_ms / 6;
    set_config(&config, before_ms - 100);
    wait_for_beats();
    end();
}

static void
test_beat_a_shorter_heartbeat_counts_from_what_was_sent_last(void **state)
{
    (void)state;
    begin(0);
    struct config_stream config = stream_config();
    config.heartbeat_ms /= 2;
    set_config(&config, config.heartbeat_ms - 100);
    wait_for_beats();
    end();
}

static size_t
count_different_beats(void)
{
    uint64_t last_slot = 0;
    size_t count = 0;
    LIST_FOR_EACH_SAFE (node, following, &world.hub->streams) {
        const struct subscriber *s = LIST_ITEM(node, struct subscriber, node);
        count += s->beat.due_slot != last_slot;
        last_slot = s->beat.due_slot;
    }
    return count;
}

/* It is due, for each of them. */
static size_t
count_beats(void)
{
    size_t count = 0;
    LIST_FOR_EACH_SAFE (node, following, &world.hub->streams) {
        beat_on_due(LIST_ITEM(node, struct subscriber, node));
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        client_read(clients[i]);
        count += clients[i]->beats;
    }
    return count;
}

static void
test_beat_streams_that_came_together_beat_one_after_another(void **state)
{
    (void)state;
    begin(0);
    uint64_t heartbeat_ms = stream_config().heartbeat_ms;
    assert_true(count_different_beats() > 1);
    let_pass(heartbeat_ms / 2);
    assert_int_equal(count_beats(), CLIENTS);
    end();
}

static void
test_beat_streams_that_got_an_event_together_beat_one_after_another(void **state)
{
    (void)state;
    begin(0);
    uint64_t heartbeat_ms = stream_config().heartbeat_ms;
    let_pass(heartbeat_ms / 3); /* since the event */
    assert_int_equal(count_beats(), 0);
    assert_true(count_different_beats() > 1);
    end();
}

/* Longer than the wheel's span, so that most would end in one slot if only the wheel knew. */
static void
test_beat_streams_that_drain_beat_until_their_end(void **state)
{
    (void)state;
    begin(0);
    uint64_t now_ms = loop_now_ms(world.loop);
    hub_drain(world.hub, HOUR_MS);
    assert_true(count_different_ends() > 1);
    let_pass(stream_config().heartbeat_ms);
    assert_int_equal(count_beats(), CLIENTS);
    assert_int_equal(hub_streams(world.hub), CLIENTS);
    LIST_FOR_EACH_SAFE (node, following, &world.hub->streams) {
        struct subscriber *s = LIST_ITEM(node, struct subscriber, node);
        assert_in_range(s->ends_ms, now_ms, now_ms + HOUR_MS + 1000);
        s->ends_ms = now_ms;
        beat_on_due(s);
    }
    assert_int_equal(hub_streams(world.hub), 0);
    assert_int_equal(metrics_read(world.metrics, METRIC_STREAMS_CLOSED, METRIC_CLOSED_SHUTDOWN),
                     CLIENTS);
    end();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_beat_streams_end_at_their_age_one_after_another),
        cmocka_unit_test(test_beat_a_new_age_holds_for_open_streams),
        cmocka_unit_test(test_beat_streams_that_are_too_old_end_one_after_another),
        cmocka_unit_test(test_beat_an_age_can_be_taken_away_from_open_streams),
        cmocka_unit_test(test_beat_streams_that_came_together_beat_one_after_another),
        cmocka_unit_test(test_beat_streams_that_got_an_event_together_beat_one_after_another),
        cmocka_unit_test(test_beat_streams_that_drain_beat_until_their_end),
        cmocka_unit_test(test_beat_a_shorter_heartbeat_makes_no_silence_longer),
        cmocka_unit_test(test_beat_a_shorter_heartbeat_counts_from_what_was_sent_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
