#undef NDEBUG
/* The hub, case by case. */

#include "base/backoff.h"
#include "event/mailbox.h"
#include "hub_rig.h"
#include "sse/parser.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void
test_hub_a_new_stream_is_live_at_once_and_gets_what_comes(void **state)
{
    (void)state;
    world_begin();
    struct client *c = client_open("a", hub_rig_now);
    client_wait(c, 0);
    char id[EVENT_ID_TEXT_SIZE_MAX];
    size_t size = event_id_format(world.newest, id);
    assert_memory_equal(c->last_live, id, size);
    assert_int_equal(sse_parser_retry_ms(c->parser, 0), 2000);
    event_id first = publish("a");
    publish("b");
    event_id second = publish("a");
    client_wait(c, 2);
    assert_int_equal(c->ids[0], first);
    assert_int_equal(c->ids[1], second);
    assert_int_equal(metrics_read(world.metrics, METRIC_PAGES_READ, 0), 0);
    client_free(c);
    world_end();
}

static void
test_hub_one_event_is_one_send(void **state)
{
    (void)state;
    world_begin();
    struct client *c = client_open("a", hub_rig_now);
    client_wait(c, 0);
    int64_t before = metrics_read(world.metrics, METRIC_SENDS, 0);
    publish("a");
    client_wait(c, 1);
    assert_int_equal(metrics_read(world.metrics, METRIC_SENDS, 0) - before, 1);
    for (int i = 0; i < 10; i++) {
        publish("a");
    }
    client_wait(c, 11);
    assert_int_equal(metrics_read(world.metrics, METRIC_SENDS, 0) - before, 2);
    client_free(c);
    world_end();
}

static void
test_hub_resume_gets_everything_after_the_cursor_once(void **state)
{
    (void)state;
    world_begin();
    event_id ids[1500];
    for (size_t i = 0; i < 1500; i++) {
        ids[i] = publish("a");
    }
    struct client *c = client_open("a", after(ids[99]));
    client_wait(c, 1400);
    check_rising(c);
    assert_int_equal(c->ids[0], ids[100]);
    assert_int_equal(c->ids[1399], ids[1499]);
    assert_int_equal(c->gaps, 0);
    client_free(c);
    world_end();
}

static void
test_hub_several_channels_come_in_id_order(void **state)
{
    (void)state;
    world_begin();
    static const char *const channels[] = {"a", "b", "c"};
    event_id begin = world.newest;
    char expected[301];
    for (size_t i = 0; i < 300; i++) {
        expected[i] = channels[backoff_random(3)][0];
        publish((char[]){expected[i], '\0'});
        publish("d"); /* nobody asks for it */
    }
    struct client *c = client_open_to(channels, 3, after(begin), true);
    client_wait(c, 300);
    publish("b");
    publish("a");
    client_wait(c, 302);
    check_rising(c);
    assert_memory_equal(c->channels, expected, 300);
    assert_memory_equal(c->channels + 300, "ba", 2);
    client_free(c);
    world_end();
}

static void
test_hub_http_1_0_gets_bare_bytes(void **state)
{
    (void)state;
    world_begin();
    static const char *const channels[] = {"a"};
    event_id begin = world.newest;
    for (size_t i = 0; i < 1000; i++) {
        publish("a");
    }
    struct client *c = client_open_to(channels, 1, after(begin), false);
    client_wait(c, 1000);
    publish("a");
    client_wait(c, 1001);
    check_rising(c);
    client_free(c);
    world_end();
}

static void
test_hub_trimmed_history_is_a_gap_and_then_what_is_kept(void **state)
{
    (void)state;
    world_begin();
    event_id first = publish("a");
    for (size_t i = 0; i < 10; i++) {
        publish_keep("a", "a", 5);
    }
    struct client *c = client_open("a", after(first));
    client_wait(c, 5);
    assert_int_equal(c->gaps, 1);
    assert_non_null(strstr(c->last_gap, "\"channel\":\"a\""));
    assert_non_null(strstr(c->last_gap, "\"reason\":\"expired\""));
    char said[64];
    char text[EVENT_ID_TEXT_SIZE_MAX];
    (void)snprintf(said, sizeof said, "\"after\":\"" STR_FMT "\"",
                   STR_ARG(((struct str){text, event_id_format(first, text)})));
    assert_non_null(strstr(c->last_gap, said)); /* the id that the client has */
    client_free(c);
    c = client_open("a", after(world.newest));
    client_wait(c, 0);
    assert_int_equal(c->gaps, 0);
    client_free(c);
    world_end();
}

static void
test_hub_a_cursor_older_than_the_log_is_a_gap(void **state)
{
    (void)state;
    world_begin();
    publish("a");
    struct client *c = client_open("a", after(event_id_make(1000, 0)));
    client_wait(c, 1);
    assert_int_equal(c->gaps, 1);
    client_free(c);
    c = client_open("nobody", after(event_id_make(1000, 0)));
    client_wait(c, 0);
    assert_int_equal(c->gaps, 1);
    client_free(c);
    world_end();
}

static void
test_hub_a_cursor_from_the_future_is_a_gap_and_goes_on_now(void **state)
{
    (void)state;
    world_begin();
    static const char *const channels[] = {"a", "b"};
    publish("a");
    struct client *c = client_open_to(channels, 2, after(world.newest + (UINT64_C(1) << 40)), true);
    client_wait(c, 0);
    assert_int_equal(c->gaps, 2);
    assert_non_null(strstr(c->last_gap, "\"reason\":\"unknown\""));
    publish("b");
    publish("a");
    client_wait(c, 2);
    assert_int_equal(c->gaps, 2);
    client_free(c);
    world_end();
}

static void
test_hub_a_cursor_ahead_of_the_feed_but_known_to_the_log_is_no_gap(void **state)
{
    (void)state;
    world_begin();
    world.is_feed_lost = true;
    publish("a");
    event_id seen = publish("a");
    struct client *c = client_open("a", after(seen));
    client_wait(c, 0);
    assert_int_equal(c->gaps, 0);
    world.is_feed_lost = false;
    post((struct mail){.type = HUB_MAIL_FEED_START, .number = world.lost_until});
    event_id next = publish("a");
    client_wait(c, 1);
    assert_int_equal(c->ids[0], next);
    client_free(c);
    world_end();
}

static void
test_hub_since_and_newest_say_no_gap(void **state)
{
    (void)state;
    world_begin();
    event_id last = 0;
    for (size_t i = 0; i < 10; i++) {
        last = publish_keep("a", "a", 5);
    }
    struct client *c = client_open("a", (struct hub_start){.kind = HUB_START_SINCE});
    client_wait(c, 5);
    assert_int_equal(c->gaps, 0);
    for (size_t i = 0; i < 10; i++) {
        last = publish_keep("a", "a", 5);
    }
    client_wait(c, 15);
    /* The tail remembers more than the log keeps: who asks for history gets the log's. */
    struct client *late = client_open("a", (struct hub_start){.kind = HUB_START_SINCE});
    client_wait(late, 5);
    client_free(late);
    client_free(c);
    c = client_open("a", (struct hub_start){.kind = HUB_START_NEWEST, .newest = 2});
    client_wait(c, 2);
    assert_int_equal(c->ids[1], last);
    assert_int_equal(c->gaps, 0);
    client_free(c);
    c = client_open("none", (struct hub_start){.kind = HUB_START_NEWEST, .newest = 2});
    client_wait(c, 0);
    client_free(c);
    world_end();
}

/* The log has events that the feed has not brought yet: other processes append while this one's feed is away. */
static void
test_hub_since_a_time_ahead_of_the_feed(void **state)
{
    (void)state;
    world_begin();
    publish("a");
    run_turns(2);
    world.is_feed_lost = true;
    event_id after = publish("a");
    event_id wanted = publish("a");
    int64_t reads = metrics_read(world.metrics, METRIC_PAGES_READ, 0);
    struct client *c =
        client_open("a", (struct hub_start){.kind = HUB_START_SINCE, .after = after});
    client_wait(c, 0);
    assert_int_equal(metrics_read(world.metrics, METRIC_PAGES_READ, 0) - reads, 1);
    world.is_feed_lost = false;
    post((struct mail){.type = HUB_MAIL_FEED_START, .number = world.lost_until});
    client_wait(c, 1);
    assert_int_equal(c->ids[0], wanted);
    assert_int_equal(c->gaps, 0);
    client_free(c);
    world_end();
}

static void
test_hub_newest_of_several_channels_is_of_each(void **state)
{
    (void)state;
    world_begin();
    static const char *const channels[] = {"a", "b"};
    for (size_t i = 0; i < 3; i++) {
        publish("a");
    }
    for (size_t i = 0; i < 600; i++) {
        publish("b");
    }
    struct client *c = client_open_to(
        channels, 2, (struct hub_start){.kind = HUB_START_NEWEST, .newest = 2}, true);
    client_wait(c, 4);
    assert_memory_equal(c->channels, "aabb", 4);
    check_rising(c);
    client_free(c);
    world_end();
}

static void
test_hub_a_lost_feed_is_mended_from_the_log(void **state)
{
    (void)state;
    world_begin();
    static const char *const channels[] = {"a", "b"};
    struct client *c = client_open_to(channels, 2, hub_rig_now, true);
    client_wait(c, 0);
    publish("a");
    client_wait(c, 1);
    world.is_feed_lost = true;
    for (size_t i = 0; i < 100; i++) {
        publish(i % 3 == 0 ? "a" : "b");
    }
    world.is_feed_lost = false;
    post((struct mail){.type = HUB_MAIL_FEED_START, .number = world.lost_until});
    publish("b");
    client_wait(c, 102);
    check_rising(c);
    assert_int_equal(c->gaps, 0);
    client_free(c);
    world_end();
}

/* A full mailbox: what came before the loss is still on its way to live streams when the feed begins again. */
static void
test_hub_what_came_right_before_a_lost_feed_is_sent(void **state)
{
    (void)state;
    world_begin();
    static const char *const channels[] = {"a", "quiet"};
    struct client *one = client_open("a", hub_rig_now);
    struct client *both = client_open_to(channels, 2, hub_rig_now, true);
    client_wait(one, 0);
    client_wait(both, 0);
    publish("a");
    publish("a");
    world.is_feed_lost = true;
    publish("a");
    world.is_feed_lost = false;
    post((struct mail){.type = HUB_MAIL_FEED_START, .number = world.lost_until});
    publish("a");
    publish("quiet");
    client_wait(one, 4);
    client_wait(both, 5);
    check_rising(one);
    check_rising(both);
    assert_int_equal(one->gaps + both->gaps, 0);
    client_free(one);
    client_free(both);
    world_end();
}

static void
test_hub_noted_loss_is_told_to_who_is_live(void **state)
{
    (void)state;
    world_begin();
    struct client *c = client_open("a", hub_rig_now);
    client_wait(c, 0);
    replay_note_loss(world.log);
    publish("a");
    client_wait(c, 1);
    assert_int_equal(c->gaps, 1);
    publish("a");
    client_wait(c, 2);
    assert_int_equal(c->gaps, 1);
    client_free(c);
    world_end();
}

static struct frame *
loss_frame(event_id id)
{
    struct frame *frame = frame_new(STR("a"), id, 0, STR_NULL, (struct event_traits){.slow = 0});
    assert_non_null(frame);
    return frame;
}

/* The feed begins anew before anybody was told of the loss that it brought: the log tells it then. */
static void
test_hub_loss_is_told_where_the_feed_restarts_behind_it(void **state)
{
    (void)state;
    world_begin();
    struct client *c = client_open("a", hub_rig_now);
    client_wait(c, 0);
    publish("a");
    client_wait(c, 1);
    world.is_feed_lost = true;
    replay_note_loss(world.log);
    post((struct mail){.type = HUB_MAIL_FRAME, .object = loss_frame(world.lost_until)});
    publish("b");
    post((struct mail){.type = HUB_MAIL_FEED_START, .number = world.lost_until});
    world.is_feed_lost = false;
    publish("a");
    client_wait(c, 2);
    assert_int_equal(c->gaps, 1);
    client_free(c);
    world_end();
}

static void
test_hub_loss_of_a_channel_is_told_to_its_clients_alone(void **state)
{
    (void)state;
    world_begin();
    struct client *c = client_open("a", hub_rig_now);
    struct client *other = client_open("b", hub_rig_now);
    client_wait(c, 0);
    publish("a");
    client_wait(c, 1);
    event_id loss = event_id_next(world.newest, 0);
    post((struct mail){.type = HUB_MAIL_FRAME, .object = loss_frame(loss)});
    for (int i = 0; i < TURNS_MAX && c->gaps == 0; i++) {
        run_turns(1);
        client_read(c);
    }
    char resumes[64] = "\"resumes\":\"";
    size_t size = strlen(resumes);
    size += event_id_format(loss, resumes + size);
    resumes[size] = '\0';
    assert_non_null(strstr(c->last_gap, resumes));
    stall(2); /* the log's clock passes the loss */
    publish("a");
    publish("b");
    client_wait(c, 2);
    client_wait(other, 1);
    assert_int_equal(c->gaps, 1);
    assert_int_equal(other->gaps, 0);
    client_free(c);
    client_free(other);
    world_end();
}

static void
test_hub_many_who_come_back_together_cost_few_reads(void **state)
{
    (void)state;
    world_begin();
    enum { CLIENTS = 256 };
    static struct client *clients[CLIENTS];
    event_id ids[300];
    for (size_t i = 0; i < 300; i++) {
        ids[i] = publish("a");
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i] = client_open("a", after(ids[i]));
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        client_wait(clients[i], 299 - i);
        check_rising(clients[i]);
        client_free(clients[i]);
    }
    assert_true(metrics_read(world.metrics, METRIC_PAGES_READ, 0) <= 3);
    world_end();
}

static void
test_hub_a_client_that_stops_reading_gets_all_when_it_reads_again(void **state)
{
    (void)state;
    struct config_stream config = stream_config();
    config.tail_bytes = 32 * 1024; /* far less than it falls behind */
    world_begin_with(config, replay_config());
    world_start();
    struct client *slow = client_open("a", hub_rig_now);
    struct client *quick = client_open("a", hub_rig_now);
    for (size_t i = 0; i < 3000; i++) {
        publish("a");
        run_turns(1);
        client_read(quick);
    }
    client_wait(quick, 3000);
    client_wait(slow, 3000);
    check_rising(slow);
    assert_int_equal(slow->gaps, 0);
    assert_int_equal(metrics_read(world.metrics, METRIC_MEMORY, METRIC_USE_UNSENT), 0);
    client_free(slow);
    client_free(quick);
    world_end();
}

static void
test_hub_an_event_larger_than_every_buffer_arrives_whole(void **state)
{
    (void)state;
    world_begin();
    static char data[400000];
    memset(data, 'a', sizeof data - 1);
    static const char *const channels[] = {"a", "b"};
    struct client *c = client_open_to(channels, 2, hub_rig_now, true);
    struct client *bare = client_open_to(channels, 2, hub_rig_now, false);
    publish("b");
    publish_keep("a", data, 0);
    publish("b");
    client_wait(c, 3);
    client_wait(bare, 3);
    assert_memory_equal(c->channels, "bab", 3);
    assert_memory_equal(bare->channels, "bab", 3);
    client_free(c);
    client_free(bare);
    world_end();
}

static void
test_hub_streams_wait_for_the_first_feed(void **state)
{
    (void)state;
    world_begin_with(stream_config(), replay_config());
    struct client *c = client_open("a", hub_rig_now);
    run_turns(3);
    client_read(c);
    assert_true(c->is_head_done);
    assert_int_equal(c->lives, 0);
    world_start();
    publish("a");
    client_wait(c, 1);
    client_free(c);
    world_end();
}

static void
test_hub_drain_ends_every_stream_cleanly(void **state)
{
    (void)state;
    world_begin();
    struct client *c = client_open("a", hub_rig_now);
    client_wait(c, 0);
    hub_drain(world.hub, 1);
    while (hub_streams(world.hub) > 0) {
        run_turns(1);
    }
    client_read(c);
    assert_true(c->is_closed);
    assert_int_equal(c->input.size, 0); /* the last chunk was parsed: a clean end */
    assert_true(sse_parser_retry_ms(c->parser, 0) >= 2000);
    client_free(c);
    world_end();
}

static void
test_hub_the_unsent_bound_closes_the_client_and_counts_it(void **state)
{
    (void)state;
    struct config_stream config = stream_config();
    config.unsent_bytes = 10;
    world_begin_with(config, replay_config());
    world_start();
    struct client *c = client_open("a", hub_rig_now);
    client_wait(c, 0);
    static char data[400000]; /* no socket takes this at once */
    memset(data, 'a', sizeof data - 1);
    publish_keep("a", data, 0);
    run_turns(3);
    assert_int_equal(hub_streams(world.hub), 0);
    assert_int_equal(metrics_read(world.metrics, METRIC_STREAMS_CLOSED, METRIC_CLOSED_MEMORY), 1);
    client_free(c);
    world_end();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hub_a_new_stream_is_live_at_once_and_gets_what_comes),
        cmocka_unit_test(test_hub_one_event_is_one_send),
        cmocka_unit_test(test_hub_resume_gets_everything_after_the_cursor_once),
        cmocka_unit_test(test_hub_several_channels_come_in_id_order),
        cmocka_unit_test(test_hub_http_1_0_gets_bare_bytes),
        cmocka_unit_test(test_hub_trimmed_history_is_a_gap_and_then_what_is_kept),
        cmocka_unit_test(test_hub_a_cursor_older_than_the_log_is_a_gap),
        cmocka_unit_test(test_hub_a_cursor_from_the_future_is_a_gap_and_goes_on_now),
        cmocka_unit_test(test_hub_a_cursor_ahead_of_the_feed_but_known_to_the_log_is_no_gap),
        cmocka_unit_test(test_hub_since_and_newest_say_no_gap),
        cmocka_unit_test(test_hub_newest_of_several_channels_is_of_each),
        cmocka_unit_test(test_hub_a_lost_feed_is_mended_from_the_log),
        cmocka_unit_test(test_hub_what_came_right_before_a_lost_feed_is_sent),
        cmocka_unit_test(test_hub_noted_loss_is_told_to_who_is_live),
        cmocka_unit_test(test_hub_since_a_time_ahead_of_the_feed),
        cmocka_unit_test(test_hub_loss_is_told_where_the_feed_restarts_behind_it),
        cmocka_unit_test(test_hub_loss_of_a_channel_is_told_to_its_clients_alone),
        cmocka_unit_test(test_hub_many_who_come_back_together_cost_few_reads),
        cmocka_unit_test(test_hub_a_client_that_stops_reading_gets_all_when_it_reads_again),
        cmocka_unit_test(test_hub_an_event_larger_than_every_buffer_arrives_whole),
        cmocka_unit_test(test_hub_streams_wait_for_the_first_feed),
        cmocka_unit_test(test_hub_drain_ends_every_stream_cleanly),
        cmocka_unit_test(test_hub_the_unsent_bound_closes_the_client_and_counts_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
