#undef NDEBUG
/* The feed on a server that says what the test wants: chains that break, heads, births, a feed that lags. */
#include "brokers.h"
#include "event/loop.h"
#include "fake_server.h"
#include "replay/redis_feed.h"
#include "waiting.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { DIARY_SIZE = 512, MESSAGE_SIZE = 512 };

struct fixture {
    struct loop *loop;
    struct fake_server *server;
    struct config_broker broker;
    struct redis_feed *feed;
    event_id seen;
    size_t subscribed;
    size_t downs;
    char diary[DIARY_SIZE]; /* "start ms-seq " and "frame ms-seq ", in order */
    size_t wanted;
};

static void
note(struct fixture *f, const char *what, event_id id)
{
    size_t size = strlen(f->diary);
    (void)snprintf(f->diary + size, DIARY_SIZE - size, "%s %u-%u ", what, (unsigned)event_id_ms(id),
                   (unsigned)event_id_seq(id));
}

static void
on_frame(void *arg, struct frame *frame)
{
    note(arg, "frame", frame->id);
}

static void
on_start(void *arg, event_id position)
{
    note(arg, "start", position);
}

static void
on_subscribed(void *arg)
{
    struct fixture *f = arg;
    f->subscribed++;
}

static void
on_down(void *arg, const char *why)
{
    struct fixture *f = arg;
    (void)why;
    f->downs++;
}

static bool
is_subscribed(void *arg)
{
    const struct fixture *f = arg;
    return f->subscribed >= f->wanted;
}

static bool
has_noted(void *arg)
{
    const struct fixture *f = arg;
    return strlen(f->diary) >= f->wanted;
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    *state = f;
    f->loop = loop_new("test");
    f->server = fake_server_new(f->loop);
    f->broker = broker_on(fake_server_port(f->server));
    fake_server_answer(f->server, "SUBSCRIBE", "*3\r\n$9\r\nsubscribe\r\n$4\r\nfeed\r\n:1\r\n");
    const struct redis_feed_settings settings = {.loop = f->loop,
                                                 .broker = &f->broker,
                                                 .channel = "feed",
                                                 .seen = &f->seen,
                                                 .arg = f,
                                                 .on_frame = on_frame,
                                                 .on_start = on_start,
                                                 .on_subscribed = on_subscribed,
                                                 .on_down = on_down};
    f->feed = redis_feed_new(&settings);
    assert_non_null(f->feed);
    f->wanted = 1;
    wait_until(f->loop, is_subscribed, f);
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    redis_feed_free(f->feed);
    fake_server_free(f->server);
    loop_free(f->loop);
    free(f);
    return 0;
}

static void
publish(struct fixture *f, const char *payload)
{
    char message[MESSAGE_SIZE];
    (void)snprintf(message, sizeof message, "*3\r\n$7\r\nmessage\r\n$4\r\nfeed\r\n$%zu\r\n%s\r\n",
                   strlen(payload), payload);
    fake_server_send(f->server, message);
}

/* A batch of one event. */
static void
publish_event(struct fixture *f, const char *before, const char *birth, const char *id)
{
    char payload[MESSAGE_SIZE / 2];
    (void)snprintf(payload, sizeof payload, "1 %s %s %s\n%s 0-1 1 9 0 0\ncdata: x\n\n", before,
                   birth, id, id);
    publish(f, payload);
}

/* Waits until as much was noted, and compares. */
static void
expect(struct fixture *f, const char *diary)
{
    f->wanted = strlen(diary);
    wait_until(f->loop, has_noted, f);
    assert_string_equal(f->diary, diary);
}

static void
test_redis_feed_head_starts_it(void **state)
{
    struct fixture *f = *state;
    assert_false(redis_feed_is_live(f->feed));
    redis_feed_on_head(f->feed, event_id_make(5, 0), event_id_make(1, 0));
    assert_true(redis_feed_is_live(f->feed));
    publish_event(f, "5-0", "1-0", "6-0");
    expect(f, "start 5-0 frame 6-0 ");
    assert_int_equal(f->seen, event_id_make(6, 0));
}

static void
test_redis_feed_first_message_starts_it_where_the_head_is_late(void **state)
{
    struct fixture *f = *state;
    publish_event(f, "5-0", "1-0", "6-0");
    expect(f, "start 5-0 frame 6-0 ");
    redis_feed_on_head(f->feed, event_id_make(6, 0), event_id_make(1, 0)); /* knows nothing new */
    publish_event(f, "6-0", "1-0", "7-0");
    expect(f, "start 5-0 frame 6-0 frame 7-0 ");
}

static void
test_redis_feed_message_that_the_head_covers_is_left_out(void **state)
{
    struct fixture *f = *state;
    redis_feed_on_head(f->feed, event_id_make(6, 0), event_id_make(1, 0));
    publish_event(f, "5-0", "1-0", "6-0");
    publish_event(f, "6-0", "1-0", "7-0");
    expect(f, "start 6-0 frame 7-0 ");
}

static void
test_redis_feed_missing_message_starts_it_again_where_it_goes_on(void **state)
{
    struct fixture *f = *state;
    redis_feed_on_head(f->feed, event_id_make(5, 0), event_id_make(1, 0));
    publish_event(f, "5-0", "1-0", "6-0");
    publish_event(f, "8-0", "1-0", "9-0");
    expect(f, "start 5-0 frame 6-0 start 8-0 frame 9-0 ");
}

static void
test_redis_feed_log_that_was_born_again_is_read_by_everybody(void **state)
{
    struct fixture *f = *state;
    redis_feed_on_head(f->feed, event_id_make(5, 0), event_id_make(1, 0));
    publish_event(f, "5-0", "6-0", "7-0");
    expect(f, "start 5-0 start 7-0 ");
    redis_feed_on_head(f->feed, event_id_make(9, 0), event_id_make(8, 0));
    expect(f, "start 5-0 start 7-0 start 9-0 ");
}

static void
test_redis_feed_first_message_with_a_loss_is_read_by_everybody(void **state)
{
    struct fixture *f = *state;
    publish_event(f, "5-0", "6-0", "7-0");
    expect(f, "start 5-0 start 7-0 ");
    publish_event(f, "7-0", "6-0", "8-0");
    expect(f, "start 5-0 start 7-0 frame 8-0 ");
}

static void
test_redis_feed_malformed_batch_is_read_by_everybody(void **state)
{
    struct fixture *f = *state;
    redis_feed_on_head(f->feed, event_id_make(5, 0), event_id_make(1, 0));
    publish(f, "1 5-0 1-0 7-0\n6-0 0-1 1 9 0 0\ncdata: x\n\n7-0 0-1 1 9 0 0\ncdat");
    publish_event(f, "7-0", "1-0", "8-0");
    expect(f, "start 5-0 frame 6-0 start 7-0 frame 8-0 ");
}

static void
test_redis_feed_lost_connection_starts_again_at_the_head(void **state)
{
    struct fixture *f = *state;
    redis_feed_on_head(f->feed, event_id_make(5, 0), event_id_make(1, 0));
    fake_server_close_all(f->server);
    f->wanted = 2;
    wait_until(f->loop, is_subscribed, f);
    assert_int_equal(f->downs, 1);
    assert_false(redis_feed_is_live(f->feed));
    redis_feed_on_head(f->feed, event_id_make(5, 0), event_id_make(1, 0));
    expect(f, "start 5-0 start 5-0 ");
}

static void
test_redis_feed_that_lags_behind_the_log_is_connected_anew(void **state)
{
    struct fixture *f = *state;
    redis_feed_on_head(f->feed, event_id_make(5, 0), event_id_make(1, 0));
    redis_feed_check(f->feed, event_id_make(5, 0));
    assert_int_equal(f->downs, 0);
    redis_feed_check(f->feed, event_id_make(6, 0));
    assert_int_equal(f->downs, 1);
    f->wanted = 2;
    wait_until(f->loop, is_subscribed, f);
    assert_int_equal(fake_server_accepted(f->server), 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(test_redis_feed_##name, setup, teardown)
        CASE(head_starts_it),
        CASE(first_message_starts_it_where_the_head_is_late),
        CASE(message_that_the_head_covers_is_left_out),
        CASE(missing_message_starts_it_again_where_it_goes_on),
        CASE(log_that_was_born_again_is_read_by_everybody),
        CASE(first_message_with_a_loss_is_read_by_everybody),
        CASE(malformed_batch_is_read_by_everybody),
        CASE(lost_connection_starts_again_at_the_head),
        CASE(that_lags_behind_the_log_is_connected_anew),
#undef CASE
    };
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("replay.redis_feed", tests, NULL, NULL);
}
