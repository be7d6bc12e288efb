#undef NDEBUG
/* What the Redis log remembers of a channel beside its stream: others take the stream away, and time does. */
#include "redis_rig.h"
#include "waiting.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static event_id
put(struct redis_rig *f, const char *channel, const char *text)
{
    return log_rig_put(&f->rig, channel, text)->id;
}

static void
set_span(struct redis_rig *f, uint64_t ms)
{
    f->config.keep_longest_ms = ms;
    replay_set_config(f->rig.log, &f->config);
}

/* The log's time passes with its events. */
static void
pass(struct redis_rig *f, event_id since, uint64_t ms)
{
    while (event_id_ms(put(f, "clock", "tick")) <= event_id_ms(since) + ms) {
    }
}

/* Nothing is behind the cursor. */
static void
expect_nothing(struct redis_rig *f, const char *channel, event_id cursor, bool has_gap)
{
    const struct replay_page *page = log_rig_read(&f->rig, channel, cursor);
    assert_int_equal(page->length, 0);
    assert_true(page->is_end);
    assert_int_equal(log_rig_has_gap(page, cursor), has_gap);
}

static void
test_redis_newest_stream_that_was_taken_away_is_a_gap(void **state)
{
    static const char *const ways[] = {"DEL {runnel}:c:c", "XTRIM {runnel}:c:c MAXLEN 0",
                                       "RENAME {runnel}:c:c {runnel}:c:d"};
    struct redis_rig *f = *state;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        event_id first = put(f, "c", "1");
        event_id second = put(f, "c", "2");
        redis_server_do(f->server, ways[i]);
        expect_nothing(f, "c", first, true);
        expect_nothing(f, "c", second, false);
        event_id third = put(f, "c", "3");
        const struct replay_page *page = log_rig_read(&f->rig, "c", first);
        log_rig_expect_texts(page, "3");
        assert_true(log_rig_has_gap(page, first));
        assert_false(log_rig_has_gap(page, second));
        expect_nothing(f, "c", third, false);
    }
}

static void
test_redis_newest_events_that_were_taken_away_are_a_gap(void **state)
{
    struct redis_rig *f = *state;
    event_id first = put(f, "c", "1");
    event_id second = put(f, "c", "2");
    event_id third = put(f, "c", "3");
    char id[EVENT_ID_TEXT_SIZE_MAX + 1] = {0};
    (void)event_id_format(third, id);
    redis_server_do(f->server, "XDEL {runnel}:c:c %s", id);
    const struct replay_page *page = log_rig_read(&f->rig, "c", first);
    log_rig_expect_texts(page, "2");
    assert_false(log_rig_has_gap(page, first));
    assert_int_equal(page->upto, second);
    assert_false(page->is_end);
    expect_nothing(f, "c", second, true);
    (void)put(f, "c", "4");
    assert_true(log_rig_has_gap(log_rig_read(&f->rig, "c", second), second));
    assert_false(log_rig_has_gap(log_rig_read(&f->rig, "c", third), third));
}

static void
test_redis_newest_stream_made_anew_ends_again(void **state)
{
    struct redis_rig *f = *state;
    (void)put(f, "c", "1");
    redis_server_do(f->server, "DEL {runnel}:c:c");
    (void)put(f, "c", "2");
    redisReply *reply = redis_server_ask(f->server, "PTTL {runnel}:c:c");
    assert_true(reply->integer > 0);
    freeReplyObject(reply);
}

static bool
has_ended(void *arg)
{
    redisReply *reply = redis_server_ask(((struct redis_rig *)arg)->server, "EXISTS {runnel}:c:c");
    bool ended = reply->integer == 0;
    freeReplyObject(reply);
    return ended;
}

static void
test_redis_newest_outlives_its_stream(void **state)
{
    struct redis_rig *f = *state;
    event_id before = put(f, "other", "0");
    log_rig_append_kept(&f->rig, "c", "1", (struct replay_keep){.for_ms = 20});
    log_rig_wait_stored(&f->rig);
    log_rig_wait_frames(&f->rig, 2);
    event_id first = f->rig.frames[1]->id;
    wait_until(f->loop, has_ended, f);
    pass(f, first, 50);
    expect_nothing(f, "c", first, false); /* it has seen all there was */
    expect_nothing(f, "c", before, true);
}

/* The head is ahead of the server's clock, as after a step back. */
static void
test_redis_newest_is_remembered_by_the_ids_clock(void **state)
{
    enum { AHEAD_MS = 100000, SPAN_MS = 40 };
    struct redis_rig *f = *state;
    set_span(f, SPAN_MS);
    event_id now = put(f, "clock", "0");
    redis_server_do(f->server, "HSET {runnel}:head ms %llu",
                    (unsigned long long)event_id_ms(now) + AHEAD_MS);
    (void)put(f, "c", "1");
    redisReply *reply = redis_server_ask(f->server, "PTTL {runnel}:n:c");
    assert_true(reply->integer > AHEAD_MS / 2);
    freeReplyObject(reply);
}

static void
test_redis_newest_quiet_channels_are_vouched_for_by_the_longest_keep(void **state)
{
    struct redis_rig *f = *state;
    event_id before = put(f, "clock", "0");
    log_rig_append_kept(&f->rig, "busy", "1", (struct replay_keep){.for_ms = 20});
    log_rig_wait_stored(&f->rig);
    pass(f, before, 60);
    expect_nothing(f, "quiet", before, false);
}

static void
test_redis_newest_is_remembered_for_the_span_only(void **state)
{
    struct redis_rig *f = *state;
    set_span(f, 40);
    event_id before = put(f, "clock", "0");
    pass(f, before, 60);
    expect_nothing(f, "quiet", before, true);
    expect_nothing(f, "quiet", f->rig.position, false);
}

static void
test_redis_newest_span_that_grows_vouches_for_what_came_after(void **state)
{
    struct redis_rig *f = *state;
    set_span(f, 40);
    event_id before = put(f, "clock", "0");
    pass(f, before, 60);
    set_span(f, 3600000);
    event_id grown = put(f, "clock", "1");
    pass(f, grown, 60);
    expect_nothing(f, "quiet", before, true); /* may have come and gone under the old span */
    expect_nothing(f, "quiet", grown, false);
    set_span(f, 40);
    (void)put(f, "clock", "2");
    expect_nothing(f, "quiet", grown, true);
}

/* Written by a version that remembered for the shortest keep. */
static void
test_redis_newest_span_begins_where_an_older_version_ends(void **state)
{
    struct redis_rig *f = *state;
    redis_server_do(f->server, "HSET {runnel}:head keep_ms 40");
    event_id before = put(f, "clock", "0");
    pass(f, before, 60);
    expect_nothing(f, "quiet", before, false);
    assert_true(
        log_rig_has_gap(log_rig_read(&f->rig, "quiet", event_id_make(event_id_ms(before) - 41, 0)),
                        event_id_make(event_id_ms(before) - 41, 0)));
}

static void
test_redis_newest_that_is_none_of_ours_is_not_believed(void **state)
{
    static const char *const values[] = {"99999999999999-0 3600000", "nonsense", "5"};
    struct redis_rig *f = *state;
    event_id last = put(f, "c", "0");
    for (size_t i = 0; i <= sizeof values / sizeof values[0]; i++) {
        if (i < sizeof values / sizeof values[0]) {
            redis_server_do(f->server, "SET {runnel}:n:c %s", values[i]);
        } else {
            redis_server_do(f->server, "DEL {runnel}:n:c");
            redis_server_do(f->server, "HSET {runnel}:n:c a b");
        }
        event_id id = put(f, "c", "x");
        const struct replay_page *page = log_rig_read(&f->rig, "c", last);
        log_rig_expect_texts(page, "x");
        assert_false(log_rig_has_gap(page, last));
        last = id;
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name)                                                                                 \
    cmocka_unit_test_setup_teardown(test_redis_newest_##name, redis_rig_setup, redis_rig_teardown)
        CASE(stream_that_was_taken_away_is_a_gap),
        CASE(events_that_were_taken_away_are_a_gap),
        CASE(stream_made_anew_ends_again),
        CASE(outlives_its_stream),
        CASE(is_remembered_by_the_ids_clock),
        CASE(quiet_channels_are_vouched_for_by_the_longest_keep),
        CASE(is_remembered_for_the_span_only),
        CASE(span_that_grows_vouches_for_what_came_after),
        CASE(span_begins_where_an_older_version_ends),
        CASE(that_is_none_of_ours_is_not_believed),
#undef CASE
    };
    return cmocka_run_group_tests_name("replay.redis_newest", tests, NULL, NULL);
}
