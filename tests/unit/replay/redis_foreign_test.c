#undef NDEBUG
/* What others write into the log's Redis: other versions of runnel, other programs, nobody of good will. */
#include "event/loop.h"
#include "observability/metrics.h"
#include "redis_rig.h"
#include "waiting.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
test_redis_foreign_entries_that_no_runnel_wrote_are_left_out(void **state)
{
    struct redis_rig *f = *state;
    struct log_rig *r = &f->rig;
    unsigned long long ms = event_id_ms(r->position) - 1;
    struct redis_server *server = f->server;
    redis_server_do(server, "XADD {runnel}:c:c %llu-1048576 f 1-5 b %s", ms - 1, "data: x\n\n");
    redis_server_do(server, "XADD {runnel}:c:c %llu-1 f 0-1 b %s", ms, "data: x\nid: 9\n\n\n");
    redis_server_do(server, "XADD {runnel}:c:c %llu-2 f 0-1 b %s", ms, "");
    redis_server_do(server, "XADD {runnel}:c:c %llu-3 x y", ms);
    redis_server_do(server, "XADD {runnel}:c:c %llu-4 f zero b %s", ms, "data: x\n\n");
    redis_server_do(server, "XADD {runnel}:c:c %llu-5 f %llu-5 b %s", ms, ms, "data: x\n\n");
    redis_server_do(server, "XADD {runnel}:c:c %llu-6 f 0-1 b %s", ms, "data: good\n\n");
    (void)log_rig_put(r, "c", "own");
    /* What is older than the log's birth is a page of its own. */
    log_rig_expect_texts(log_rig_read(r, "c", 0), "good");
    log_rig_expect_texts(log_rig_read(r, "c", r->page->upto), "own");
}

static void
test_redis_foreign_page_of_nothing_usable_is_a_gap_and_an_end(void **state)
{
    struct redis_rig *f = *state;
    struct log_rig *r = &f->rig;
    const struct replay_page_request request = {
        .channel = STR("c"), .limit_events = 1, .limit_bytes = 1024};
    redis_server_do(f->server, "XADD {runnel}:c:c 1-1048576 x y");
    redis_server_do(f->server, "XADD {runnel}:c:c 1-1048577 x y");
    const struct replay_page *page = log_rig_read_request(r, &request);
    assert_int_equal(page->length, 0);
    assert_true(page->is_end);
    assert_true(log_rig_has_gap(page, 0));
}

static void
test_redis_foreign_feed_messages_that_no_runnel_wrote_do_no_harm(void **state)
{
    struct redis_rig *f = *state;
    struct log_rig *r = &f->rig;
    redis_server_do(f->server, "PUBLISH {runnel}:feed %s", "hello");
    redis_server_do(f->server, "PUBLISH {runnel}:feed %s", "");
    redis_server_do(f->server, "PUBLISH {runnel}:feed %s", "1 1-1 1-1 1-2\n1-2 1-1 1 99 0 0\n");
    (void)log_rig_put(r, "c", "1");
    assert_int_equal(r->starts, 1);
    assert_int_equal(metrics_read(r->metrics, METRIC_REPLAY_INVALID, 0), 2);
}

static bool
has_left_out_one(void *arg)
{
    const struct log_rig *r = arg;
    return metrics_read(r->metrics, METRIC_REPLAY_INVALID, 0) == 1;
}

static void
test_redis_foreign_hostile_body_in_the_feed_is_left_out(void **state)
{
    struct redis_rig *f = *state;
    struct log_rig *r = &f->rig;
    event_id next = r->position + 1;
    char message[512];
    char before[EVENT_ID_TEXT_SIZE_MAX];
    char after[EVENT_ID_TEXT_SIZE_MAX];
    static const char body[] = "data: x\nid: 9\n\n\n";
    int before_size = (int)event_id_format(r->position, before);
    int after_size = (int)event_id_format(next, after);
    (void)snprintf(message, sizeof message, "1 %.*s %.*s %.*s\n%.*s %.*s 1 %zu 0 0\nc%s",
                   before_size, before, before_size, before, after_size, after, after_size, after,
                   before_size, before, sizeof body - 1, body);
    redis_server_do(f->server, "PUBLISH {runnel}:feed %s", message);
    wait_until(f->loop, has_left_out_one, r);
    assert_int_equal(r->frames_length, 0);
}

/* What a version before the traits wrote, and what a later one may add. */
static void
test_redis_foreign_entries_without_traits_are_events(void **state)
{
    struct redis_rig *f = *state;
    struct log_rig *r = &f->rig;
    (void)log_rig_put(r, "other", "1");
    event_id head = r->position;
    unsigned long long ms = event_id_ms(head);
    redis_server_do(f->server, "HSET {runnel}:head ms %llu seq 0", ms + 2);
    redis_server_do(f->server, "XADD {runnel}:c:c %llu-0 f %llu-0 b %s", ms + 1, ms, "data: x\n\n");
    redis_server_do(f->server, "XADD {runnel}:c:c %llu-0 f %llu-0 b %s d 7 s 12 more 1", ms + 2,
                    ms + 1, "data: y\n\n");
    const struct replay_page *page = log_rig_read(r, "c", 0);
    assert_int_equal(page->length, 2);
    assert_int_equal(log_rig_received_ms(page->frames[0]), ms + 1);
    assert_int_equal(page->frames[0]->traits.slow, 0);
    assert_int_equal(log_rig_received_ms(page->frames[1]), ms + 2 - 7);
    assert_int_equal(page->frames[1]->traits.slow, 12);
}

/* The text of a reply to HGET of the log's head. */
static void
expect_losses(const struct redis_rig *f, const char *count)
{
    redisReply *reply = redis_server_ask(f->server, "HGET {runnel}:head losses");
    assert_non_null(reply);
    assert_string_equal(reply->str, count);
    freeReplyObject(reply);
}

static void
test_redis_foreign_key_of_another_type_stops_no_other_channel(void **state)
{
    struct redis_rig *f = *state;
    struct log_rig *r = &f->rig;
    redis_server_do(f->server, "SET {runnel}:c:bad x");
    log_rig_append(r, "good", "1");
    log_rig_append(r, "bad", "2");
    log_rig_append(r, "good", "3");
    log_rig_wait_stored(r);
    assert_int_equal(r->dropped, 2);
    log_rig_append(r, "bad", "4"); /* a batch of its own */
    log_rig_append(r, "good", "5");
    log_rig_wait_stored(r);
    assert_int_equal(r->dropped, 4);
    assert_int_equal(r->dropped_length, 2);
    log_rig_wait_frames(r, 5);
    assert_true(frame_is_loss(r->frames[1]) && frame_is_loss(r->frames[3]));
    log_rig_expect_texts(log_rig_read(r, "good", 0), "1 3 5");
    assert_int_equal(metrics_read(r->metrics, METRIC_REPLAY_DROPPED, METRIC_UNSTORED_REFUSED), 2);
    assert_int_equal(metrics_read(r->metrics, METRIC_REPLAY_APPENDS, 0), 3);
    assert_int_equal(r->starts, 1);
    assert_true(r->is_up);
}

/* Also for who comes back only after the key is gone. */
static void
test_redis_foreign_key_of_another_type_is_a_gap_of_its_channel(void **state)
{
    struct redis_rig *f = *state;
    struct log_rig *r = &f->rig;
    event_id cursor = log_rig_put(r, "good", "1")->id;
    redis_server_do(f->server, "SET {runnel}:c:bad x");
    assert_false(log_rig_has_gap(log_rig_read(r, "bad", cursor), cursor)); /* nothing is lost yet */
    event_id loss = log_rig_put(r, "bad", "2")->id;
    const struct replay_page *page = log_rig_read(r, "bad", cursor);
    assert_true(log_rig_has_gap(page, cursor));
    assert_false(log_rig_has_gap(page, loss));
    assert_int_equal(page->upto, loss);
    assert_false(log_rig_has_gap(log_rig_read(r, "good", cursor), cursor));
    expect_losses(f, "1");
    redis_server_do(f->server, "DEL {runnel}:c:bad");
    assert_true(log_rig_has_gap(log_rig_read(r, "bad", cursor), cursor));
    const struct frame *next = log_rig_put(r, "bad", "3");
    assert_int_equal(next->floor, loss);
    expect_losses(f, "0");
    page = log_rig_read(r, "bad", cursor);
    log_rig_expect_texts(page, "3");
    assert_true(log_rig_has_gap(page, cursor));
    assert_false(log_rig_has_gap(page, loss));
}

/* What is older comes first and whole, then the gap. */
static void
test_redis_foreign_later_id_is_a_gap_behind_what_is_older(void **state)
{
    struct redis_rig *f = *state;
    struct log_rig *r = &f->rig;
    event_id cursor = log_rig_put(r, "c", "1")->id;
    event_id newest = log_rig_put(r, "c", "2")->id;
    redis_server_do(f->server, "XADD {runnel}:c:c %llu-0 x y", event_id_ms(newest) + 3600000ull);
    log_rig_append(r, "c", "3");
    log_rig_wait_frames(r, 3);
    log_rig_wait_stored(r);
    assert_int_equal(r->dropped, 3);
    assert_true(frame_is_loss(r->frames[2]));
    const struct replay_page *page = log_rig_read(r, "c", cursor);
    log_rig_expect_texts(page, "2");
    assert_false(log_rig_has_gap(page, cursor));
    assert_int_equal(page->upto, newest);
    page = log_rig_read(r, "c", newest);
    assert_int_equal(page->length, 0);
    assert_true(log_rig_has_gap(page, newest));
    assert_int_equal(page->upto, r->frames[2]->id);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name)                                                                                 \
    cmocka_unit_test_setup_teardown(test_redis_foreign_##name, redis_rig_setup, redis_rig_teardown)
        CASE(key_of_another_type_stops_no_other_channel),
        CASE(key_of_another_type_is_a_gap_of_its_channel),
        CASE(later_id_is_a_gap_behind_what_is_older),
        CASE(entries_without_traits_are_events),
        CASE(entries_that_no_runnel_wrote_are_left_out),
        CASE(page_of_nothing_usable_is_a_gap_and_an_end),
        CASE(feed_messages_that_no_runnel_wrote_do_no_harm),
        CASE(hostile_body_in_the_feed_is_left_out),
#undef CASE
    };
    return cmocka_run_group_tests_name("replay.redis_foreign", tests, NULL, NULL);
}
