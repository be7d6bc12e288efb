#undef NDEBUG
/* The redis-stream source on a real redis-server. */
#include "event/loop.h"
#include "observability/metrics.h"
#include "redis_server.h"
#include "stream_rig.h"
#include "waiting.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LARGE_SIZE = 1024 * 1024 };

static const char *const durable[] = {"--appendonly", "yes", "--appendfsync", "always", NULL};

/* XADD key ids 1-0 … with the number as the value of the field f. */
static void
add(struct stream_rig *r, const char *key, int from, int to)
{
    for (int i = from; i <= to; i++) {
        redis_server_do(r->server, "XADD %s %d-0 f %d", key, i, i);
    }
}

/* --- where it begins --- */

static void
test_redis_stream_from_the_beginning_takes_everything_in_order(void **state)
{
    struct stream_rig *r = *state;
    stream_rig_serve(r, NULL);
    add(r, "a", 1, 3);
    stream_rig_start(r);
    stream_rig_expect(r, "a=1 a=2 a=3 ");
    assert_string_equal(stream_rig_mark(r, "a"), "3-0/3");
    add(r, "a", 4, 5);
    stream_rig_expect(r, "a=1 a=2 a=3 a=4 a=5 ");
    stream_rig_wait_health(r, "ok source shop");
    assert_int_equal(stream_rig_metric(r, METRIC_SOURCE_MESSAGES), 5);
    assert_int_equal(stream_rig_metric(r, METRIC_SOURCE_UP), 1);
    assert_int_equal(stream_rig_losses(r) + r->loss_calls, 0);
}

static void
test_redis_stream_from_the_end_takes_what_comes_after(void **state)
{
    struct stream_rig *r = *state;
    static char end[] = "$";
    r->config.stream.from = end;
    stream_rig_serve(r, NULL);
    add(r, "a", 1, 3);
    stream_rig_start(r);
    stream_rig_wait_mark(r, "a", "3-0/3"); /* known to the log before anything comes */
    stream_rig_end(r);
    add(r, "a", 4, 4); /* so this is not missed */
    stream_rig_start(r);
    add(r, "a", 5, 5);
    stream_rig_expect(r, "a=4 a=5 ");
}

static void
test_redis_stream_from_an_id_takes_what_comes_after_it(void **state)
{
    struct stream_rig *r = *state;
    static char id[] = "2";
    r->config.stream.from = id;
    stream_rig_serve(r, NULL);
    add(r, "a", 1, 4);
    stream_rig_start(r);
    stream_rig_expect(r, "a=3 a=4 ");
}

static void
test_redis_stream_that_is_not_there_is_waited_for(void **state)
{
    struct stream_rig *r = *state;
    static char end[] = "$";
    r->config.stream.from = end;
    stream_rig_start(r);
    stream_rig_wait_mark(r, "a", "0-0/0");
    stream_rig_wait_health(r, "ok source shop");
    add(r, "a", 1, 2);
    stream_rig_expect(r, "a=1 a=2 ");
    assert_int_equal(r->loss_calls, 0);
}

static void
test_redis_stream_goes_on_at_the_logs_mark(void **state)
{
    struct stream_rig *r = *state;
    stream_rig_serve(r, NULL);
    add(r, "a", 1, 5);
    stream_rig_set_mark(r, "a", "3-0/3");
    stream_rig_start(r);
    stream_rig_expect(r, "a=4 a=5 ");
    assert_string_equal(stream_rig_mark(r, "a"), "5-0/5");
}

static void
test_redis_stream_mark_that_is_none_is_said_and_nothing_is_read(void **state)
{
    struct stream_rig *r = *state;
    stream_rig_serve(r, NULL);
    add(r, "a", 1, 1);
    stream_rig_set_mark(r, "a", "somebody's");
    stream_rig_start(r);
    stream_rig_wait_health(r, "down source shop: the replay log's mark is no position in a stream");
    stream_rig_set_mark(r, "a", "0-0/0"); /* mended */
    stream_rig_expect(r, "a=1 ");
}

static void
test_redis_stream_log_that_does_not_answer_is_asked_again(void **state)
{
    struct stream_rig *r = *state;
    r->is_mute = true;
    stream_rig_serve(r, NULL);
    add(r, "a", 1, 1);
    stream_rig_start(r);
    stream_rig_wait_health(r, "down source shop: the replay log has not said");
    assert_string_equal(r->diary, "");
    r->is_mute = false;
    stream_rig_expect(r, "a=1 ");
    stream_rig_wait_health(r, "ok source shop");
    assert_true(r->asked >= 2);
}

/* --- entries --- */

static void
test_redis_stream_entry_without_the_field_moves_the_mark_only(void **state)
{
    struct stream_rig *r = *state;
    stream_rig_start(r);
    redis_server_do(r->server, "XADD a 1-0 other x");
    redis_server_do(r->server, "XADD a 2-0 other x f yes");
    redis_server_do(r->server, "XADD a 3-0 other x");
    stream_rig_wait_mark(r, "a", "3-0/3");
    assert_string_equal(r->diary, "a=yes ");
    assert_int_equal(stream_rig_metric(r, METRIC_UNROUTED), 2);
}

static void
test_redis_stream_without_a_field_makes_an_object(void **state)
{
    struct stream_rig *r = *state;
    static char none[] = "";
    r->config.stream.field = none;
    stream_rig_start(r);
    redis_server_do(r->server, "XADD a 1-0 what %s n 1", "a\"b");
    stream_rig_expect(r, "a={\"what\":\"a\\\"b\",\"n\":\"1\"} ");
}

static void
test_redis_stream_several_streams_each_keep_their_order(void **state)
{
    struct stream_rig *r = *state;
    stream_rig_add(r, "b");
    stream_rig_serve(r, NULL);
    add(r, "a", 1, 2);
    stream_rig_start(r);
    stream_rig_expect(r, "a=1 a=2 ");
    add(r, "b", 1, 2);
    stream_rig_expect(r, "a=1 a=2 b=1 b=2 ");
    add(r, "a", 3, 3);
    stream_rig_expect(r, "a=1 a=2 b=1 b=2 a=3 ");
    assert_string_equal(stream_rig_mark(r, "a"), "3-0/3");
    assert_string_equal(stream_rig_mark(r, "b"), "2-0/2");
}

static void
test_redis_stream_entry_that_cannot_be_taken_is_lost_and_counted(void **state)
{
    struct stream_rig *r = *state;
    r->result = ERR_LIMIT;
    stream_rig_start(r);
    add(r, "a", 1, 1);
    while (stream_rig_losses(r) == 0) {
        stream_rig_wait_health(r, "source shop");
    }
    r->result = 0;
    add(r, "a", 2, 2);
    stream_rig_expect(r, "a=2 ");
    assert_int_equal(stream_rig_losses(r), 1);
    assert_int_equal(
        metrics_series_read(r->series, METRIC_SOURCE_DROPPED, METRIC_DROPPED_TOO_LARGE), 1);
    assert_string_equal(stream_rig_mark(r, "a"), "2-0/2");
}

static void
test_redis_stream_entry_that_cannot_be_taken_is_told_once_also_after_a_restart(void **state)
{
    struct stream_rig *r = *state;
    r->result = ERR_LIMIT;
    stream_rig_start(r);
    add(r, "a", 1, 1);
    stream_rig_wait_mark(r, "a", "1-0/1");
    stream_rig_end(r);
    r->result = 0;
    stream_rig_start(r);
    add(r, "a", 2, 2);
    stream_rig_expect(r, "a=2 ");
    assert_int_equal(stream_rig_losses(r), 1);
}

static void
test_redis_stream_large_entries_come_all(void **state)
{
    enum { SMALL = 600, LARGE = 80 };
    struct stream_rig *r = *state;
    char *text = malloc(LARGE_SIZE);
    memset(text, 'x', LARGE_SIZE);
    r->is_quiet = true;
    stream_rig_serve(r, NULL);
    add(r, "a", 1, SMALL);                             /* so that many are asked for */
    for (int i = SMALL + 1; i <= SMALL + LARGE; i++) { /* which do not fit one reply */
        redis_server_do(r->server, "XADD a %d-0 f %b", i, text, (size_t)LARGE_SIZE);
    }
    stream_rig_start(r);
    stream_rig_wait_taken(r, SMALL + LARGE);
    assert_int_equal(r->taken, SMALL + LARGE);
    assert_true(r->bytes > (uint64_t)LARGE * LARGE_SIZE);
    assert_int_equal(r->loss_calls, 0);
    free(text);
}

/* XADD key id f with so many bytes. */
static void
add_large(struct stream_rig *r, const char *key, const char *id, size_t size)
{
    char *text = malloc(size);
    assert_non_null(text);
    memset(text, 'x', size);
    redis_server_do(r->server, "XADD %s %s f %b", key, id, text, size);
    free(text);
}

static void
test_redis_stream_large_entries_of_many_streams_come_all(void **state)
{
    enum { STREAMS = 80 }; /* one entry of each does not fit one reply */
    static char keys[STREAMS][8];
    struct stream_rig *r = *state;
    r->is_quiet = true;
    stream_rig_serve(r, NULL);
    for (int i = 0; i < STREAMS; i++) {
        (void)snprintf(keys[i], sizeof keys[i], "s%d", i);
        stream_rig_add(r, keys[i]);
        add_large(r, keys[i], "1-0", LARGE_SIZE);
    }
    stream_rig_start(r);
    stream_rig_wait_taken(r, STREAMS);
    assert_true(r->bytes == (uint64_t)STREAMS * LARGE_SIZE);
    r->is_quiet = false;
    add(r, "a", 1, 1); /* all of them are read again */
    stream_rig_expect(r, "a=1 ");
    assert_int_equal(r->taken, STREAMS + 1);
    assert_int_equal(r->loss_calls, 0);
}

static void
test_redis_stream_entry_that_fits_no_reply_stops_no_other_stream(void **state)
{
    struct stream_rig *r = *state;
    stream_rig_add(r, "b");
    stream_rig_serve(r, NULL);
    add(r, "a", 1, 1);
    add_large(r, "a", "2-0", (size_t)65 * LARGE_SIZE);
    add(r, "a", 3, 3);
    stream_rig_start(r);
    stream_rig_expect(r, "a=1 ");
    add(r, "b", 1, 1);
    stream_rig_expect(r, "a=1 b=1 ");
}

/* What a look brings has the last entry too. */
static void
test_redis_stream_entry_that_fits_no_look_stops_no_other_stream(void **state)
{
    struct stream_rig *r = *state;
    stream_rig_add(r, "b");
    stream_rig_serve(r, NULL);
    add_large(r, "b", "2-0", (size_t)65 * LARGE_SIZE);
    add(r, "a", 1, 1);
    stream_rig_start(r);
    stream_rig_expect(r, "a=1 ");
    add(r, "a", 2, 2);
    stream_rig_expect(r, "a=1 a=2 ");
    stream_rig_wait_health(r, "stream b: its first and last entry are too large");
}

/* --- the log is full, slow, has something else --- */

static void
test_redis_stream_full_log_skips_nothing(void **state)
{
    struct stream_rig *r = *state;
    r->room = 2;
    stream_rig_serve(r, NULL);
    add(r, "a", 1, 5);
    stream_rig_start(r);
    while (r->full < 3) { /* it tries again by itself */
        stream_rig_wait_health(r, "source shop");
    }
    assert_int_equal(stream_rig_losses(r), 0);
    r->room = SIZE_MAX;
    stream_rig_expect(r, "a=1 a=2 a=3 a=4 a=5 ");
}

static void
test_redis_stream_full_log_at_the_beginning_misses_nothing(void **state)
{
    struct stream_rig *r = *state;
    r->room = 0;
    stream_rig_serve(r, NULL);
    add(r, "a", 1, 2);
    stream_rig_start(r);
    while (r->full < 2) {
        stream_rig_wait_health(r, "source shop");
    }
    r->room = SIZE_MAX;
    stream_rig_expect(r, "a=1 a=2 ");
}

static bool
has_read_all_that_it_may(void *arg)
{
    const struct stream_rig *r = arg;
    return r->taken >= 2 * 16;
}

static void
test_redis_stream_reads_no_further_than_the_log_stores(void **state)
{
    enum { ENTRIES = 2000 };
    struct stream_rig *r = *state;
    r->is_quiet = true;
    r->is_holding = true;
    stream_rig_serve(r, NULL);
    add(r, "a", 1, ENTRIES);
    stream_rig_start(r);
    wait_until(r->loop, has_read_all_that_it_may, r);
    size_t taken = r->taken;
    for (int i = 0; i < 50; i++) { /* turns */
        stream_rig_wait_health(r, "source shop");
    }
    assert_int_equal(r->taken, taken);
    assert_true(taken <= 2 * 256);
    r->is_holding = false;
    stream_rig_store(r);
    stream_rig_wait_taken(r, ENTRIES);
    assert_int_equal(r->taken, ENTRIES);
    assert_int_equal(stream_rig_losses(r), 0);
}

static void
test_redis_stream_refused_by_the_log_goes_on_behind_its_mark(void **state)
{
    struct stream_rig *r = *state;
    stream_rig_start(r);
    add(r, "a", 1, 2);
    stream_rig_expect(r, "a=1 a=2 ");
    stream_rig_set_mark(r, "a", "5-0/5"); /* another process was faster */
    add(r, "a", 3, 7);
    stream_rig_expect(r, "a=1 a=2 a=6 a=7 ");
    assert_string_equal(stream_rig_mark(r, "a"), "7-0/7");
    assert_int_equal(stream_rig_losses(r), 0);
}

static void
test_redis_stream_of_a_log_that_was_restored_fills_it_again(void **state)
{
    struct stream_rig *r = *state;
    stream_rig_start(r);
    add(r, "a", 1, 4);
    stream_rig_expect(r, "a=1 a=2 a=3 a=4 ");
    stream_rig_set_mark(r, "a", "2-0/2");
    add(r, "a", 5, 5);
    stream_rig_expect(r, "a=1 a=2 a=3 a=4 a=3 a=4 a=5 ");
}

static void
test_redis_stream_of_a_log_that_forgot_goes_on_where_it_was(void **state)
{
    struct stream_rig *r = *state;
    stream_rig_start(r);
    add(r, "a", 1, 3);
    stream_rig_expect(r, "a=1 a=2 a=3 ");
    stream_rig_set_mark(r, "a", "");
    add(r, "a", 4, 5);
    stream_rig_expect(r, "a=1 a=2 a=3 a=4 a=5 ");
    assert_string_equal(stream_rig_mark(r, "a"), "5-0/5");
}

/* --- what the stream has no more --- */

static void
test_redis_stream_trimmed_before_it_was_read_is_a_loss_that_is_counted(void **state)
{
    struct stream_rig *r = *state;
    stream_rig_start(r);
    add(r, "a", 1, 4);
    stream_rig_expect(r, "a=1 a=2 a=3 a=4 ");
    stream_rig_end(r);
    add(r, "a", 5, 10);
    redis_server_do(r->server, "XTRIM a MAXLEN = 2");
    stream_rig_start(r);
    stream_rig_expect(r, "a=1 a=2 a=3 a=4 a=9 a=10 ");
    assert_int_equal(stream_rig_losses(r), 4);
    assert_int_equal(r->loss_calls, 1);
    assert_string_equal(stream_rig_mark(r, "a"), "10-0/10");
}

static void
test_redis_stream_trimmed_after_it_was_read_is_no_loss(void **state)
{
    struct stream_rig *r = *state;
    stream_rig_start(r);
    add(r, "a", 1, 4);
    stream_rig_expect(r, "a=1 a=2 a=3 a=4 ");
    stream_rig_end(r);
    redis_server_do(r->server, "XTRIM a MAXLEN = 0");
    add(r, "a", 5, 6);
    stream_rig_start(r);
    stream_rig_expect(r, "a=1 a=2 a=3 a=4 a=5 a=6 ");
    redis_server_do(r->server, "XTRIM a MAXLEN = 1");
    stream_rig_end(r);
    stream_rig_start(r);
    add(r, "a", 7, 7);
    stream_rig_expect(r, "a=1 a=2 a=3 a=4 a=5 a=6 a=7 ");
    assert_int_equal(r->loss_calls, 0);
}

static bool
has_lost(void *arg)
{
    const struct stream_rig *r = arg;
    return r->loss_calls > 0;
}

/* In one step, so that none of it can be read in between: it shows when the stream is looked at. */
static void
test_redis_stream_trimmed_while_it_is_read_is_a_loss(void **state)
{
    struct stream_rig *r = *state;
    stream_rig_start(r);
    add(r, "a", 1, 1);
    stream_rig_expect(r, "a=1 ");
    redis_server_do(r->server, "EVAL %s 0",
                    "for i = 2, 9 do redis.call('XADD', 'a', 'MAXLEN', '=', 3, i .. '-0', 'f', i) "
                    "end");
    stream_rig_expect(r, "a=1 a=7 a=8 a=9 ");
    wait_until(r->loop, has_lost, r);
    assert_int_equal(stream_rig_losses(r), 5);
}

static void
test_redis_stream_deleted_and_made_anew_is_read_from_its_beginning(void **state)
{
    struct stream_rig *r = *state;
    stream_rig_start(r);
    add(r, "a", 7, 8);
    stream_rig_expect(r, "a=7 a=8 ");
    redis_server_do(r->server, "DEL a");
    wait_until(r->loop, has_lost, r); /* nobody knows whether something was */
    assert_int_equal(stream_rig_losses(r), 0);
    add(r, "a", 1, 2);
    stream_rig_expect(r, "a=7 a=8 a=1 a=2 ");
    assert_int_equal(r->loss_calls, 1);
}

/* Restarts it twice; it has looked at the streams when it is up. */
static void
expect_no_loss_of_restarts(struct stream_rig *r)
{
    size_t before = r->loss_calls;
    for (int i = 0; i < 2; i++) {
        stream_rig_end(r);
        stream_rig_start(r);
        stream_rig_wait_health(r, "ok source shop");
    }
    assert_int_equal(r->loss_calls, before);
}

static void
test_redis_stream_deleted_is_told_once_also_after_restarts(void **state)
{
    struct stream_rig *r = *state;
    stream_rig_start(r);
    add(r, "a", 1, 5);
    stream_rig_expect(r, "a=1 a=2 a=3 a=4 a=5 ");
    redis_server_do(r->server, "DEL a");
    wait_until(r->loop, has_lost, r);
    expect_no_loss_of_restarts(r);
    assert_int_equal(r->loss_calls, 1);
    assert_string_equal(stream_rig_mark(r, "a"), "0-0/0");
    add(r, "a", 1, 1);
    stream_rig_expect(r, "a=1 a=2 a=3 a=4 a=5 a=1 ");
}

static void
test_redis_stream_trimmed_to_nothing_is_told_once_also_after_restarts(void **state)
{
    struct stream_rig *r = *state;
    stream_rig_start(r);
    add(r, "a", 1, 1);
    stream_rig_expect(r, "a=1 ");
    stream_rig_end(r);
    add(r, "a", 2, 5);
    redis_server_do(r->server, "XTRIM a MAXLEN = 0");
    stream_rig_start(r);
    wait_until(r->loop, has_lost, r);
    expect_no_loss_of_restarts(r);
    assert_int_equal(stream_rig_losses(r), 4);
    add(r, "a", 6, 6);
    stream_rig_expect(r, "a=1 a=6 ");
}

static bool
is_full(void *arg)
{
    const struct stream_rig *r = arg;
    return r->full > 0;
}

static void
test_redis_stream_loss_that_a_full_log_could_not_note_is_noted_later(void **state)
{
    struct stream_rig *r = *state;
    stream_rig_start(r);
    add(r, "a", 1, 3);
    stream_rig_expect(r, "a=1 a=2 a=3 ");
    r->room = 0;
    redis_server_do(r->server, "DEL a");
    wait_until(r->loop, is_full, r);
    assert_string_equal(stream_rig_mark(r, "a"), "3-0/3");
    r->room = SIZE_MAX;
    stream_rig_wait_mark(r, "a", "0-0/0");
    assert_int_equal(r->loss_calls, 1);
}

/* --- the broker --- */

static void
test_redis_stream_wrong_type_is_said_and_the_others_go_on(void **state)
{
    struct stream_rig *r = *state;
    stream_rig_add(r, "b");
    stream_rig_serve(r, NULL);
    redis_server_do(r->server, "SET a text");
    stream_rig_start(r);
    stream_rig_wait_health(r, "down source shop: stream a: WRONGTYPE");
    add(r, "b", 1, 1);
    stream_rig_expect(r, "b=1 ");
    redis_server_do(r->server, "DEL a");
    stream_rig_wait_health(r, "ok source shop");
    add(r, "a", 1, 1);
    stream_rig_expect(r, "b=1 a=1 ");
}

static void
test_redis_stream_that_becomes_something_else_is_said_and_mended(void **state)
{
    struct stream_rig *r = *state;
    stream_rig_start(r);
    add(r, "a", 1, 1);
    stream_rig_expect(r, "a=1 ");
    redis_server_do(r->server, "SET a text");
    stream_rig_wait_health(r, "WRONGTYPE");
    redis_server_do(r->server, "DEL a");
    add(r, "a", 2, 2);
    stream_rig_expect(r, "a=1 a=2 ");
    stream_rig_wait_health(r, "ok source shop");
}

static void
test_redis_stream_comes_back_with_its_server(void **state)
{
    struct stream_rig *r = *state;
    stream_rig_serve(r, durable);
    stream_rig_start(r);
    add(r, "a", 1, 2);
    stream_rig_expect(r, "a=1 a=2 ");
    redis_server_kill(r->server);
    stream_rig_wait_health(r, "down source shop");
    assert_int_equal(stream_rig_metric(r, METRIC_SOURCE_UP), 0);
    redis_server_start_again(r->server);
    add(r, "a", 3, 4);
    stream_rig_expect(r, "a=1 a=2 a=3 a=4 ");
    stream_rig_wait_health(r, "ok source shop");
    assert_int_equal(stream_rig_metric(r, METRIC_SOURCE_RECONNECTS), 1);
    assert_int_equal(r->loss_calls, 0);
}

static bool
has_lost_its_connection(void *arg)
{
    return stream_rig_metric(arg, METRIC_SOURCE_RECONNECTS) > 0;
}

static void
test_redis_stream_connection_lost_with_a_bad_stream_is_counted(void **state)
{
    struct stream_rig *r = *state;
    stream_rig_serve(r, durable);
    redis_server_do(r->server, "SET a text");
    stream_rig_start(r);
    stream_rig_wait_health(r, "WRONGTYPE");
    redis_server_kill(r->server);
    wait_until(r->loop, has_lost_its_connection, r);
    stream_rig_wait_health(r, "down source shop: Connection refused"); /* attempts are none */
    redis_server_start_again(r->server);
    stream_rig_wait_health(r, "WRONGTYPE");
    assert_int_equal(stream_rig_metric(r, METRIC_SOURCE_RECONNECTS), 1);
}

static void
test_redis_stream_cut_off_again_and_again_takes_each_entry_once(void **state)
{
    enum { ENTRIES = 3000 };
    struct stream_rig *r = *state;
    char wanted[RIG_DIARY_SIZE];
    size_t size = 0;
    stream_rig_serve(r, NULL);
    add(r, "a", 1, ENTRIES);
    stream_rig_start(r);
    for (size_t i = 1; i <= 10; i++) {
        stream_rig_wait_taken(r, i * ENTRIES / 15);
        redis_server_do(r->server, "CLIENT KILL TYPE normal SKIPME yes");
    }
    stream_rig_wait_taken(r, ENTRIES);
    for (int i = 1; size + 8 < sizeof wanted; i++) {
        size += (size_t)snprintf(wanted + size, sizeof wanted - size, "a=%d ", i);
    }
    assert_memory_equal(r->diary, wanted, size);
    assert_int_equal(r->taken, ENTRIES);
    assert_string_equal(stream_rig_mark(r, "a"), "3000-0/3000");
}

static void
test_redis_stream_stopped_takes_nothing_more(void **state)
{
    struct stream_rig *r = *state;
    stream_rig_start(r);
    add(r, "a", 1, 1);
    stream_rig_expect(r, "a=1 ");
    source_stop(r->source);
    add(r, "a", 2, 2);
    stream_rig_store(r); /* what was taken may still be stored */
    for (int i = 0; i < 20; i++) {
        stream_rig_wait_health(r, "source shop");
    }
    assert_string_equal(r->diary, "a=1 ");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name)                                                                                 \
    cmocka_unit_test_setup_teardown(test_redis_stream_##name, stream_rig_setup, stream_rig_teardown)
        CASE(from_the_beginning_takes_everything_in_order),
        CASE(from_the_end_takes_what_comes_after),
        CASE(from_an_id_takes_what_comes_after_it),
        CASE(that_is_not_there_is_waited_for),
        CASE(goes_on_at_the_logs_mark),
        CASE(mark_that_is_none_is_said_and_nothing_is_read),
        CASE(log_that_does_not_answer_is_asked_again),
        CASE(entry_without_the_field_moves_the_mark_only),
        CASE(without_a_field_makes_an_object),
        CASE(several_streams_each_keep_their_order),
        CASE(entry_that_cannot_be_taken_is_lost_and_counted),
        CASE(entry_that_cannot_be_taken_is_told_once_also_after_a_restart),
        CASE(large_entries_come_all),
        CASE(large_entries_of_many_streams_come_all),
        CASE(entry_that_fits_no_reply_stops_no_other_stream),
        CASE(entry_that_fits_no_look_stops_no_other_stream),
        CASE(full_log_skips_nothing),
        CASE(full_log_at_the_beginning_misses_nothing),
        CASE(reads_no_further_than_the_log_stores),
        CASE(refused_by_the_log_goes_on_behind_its_mark),
        CASE(of_a_log_that_was_restored_fills_it_again),
        CASE(of_a_log_that_forgot_goes_on_where_it_was),
        CASE(trimmed_before_it_was_read_is_a_loss_that_is_counted),
        CASE(trimmed_after_it_was_read_is_no_loss),
        CASE(trimmed_while_it_is_read_is_a_loss),
        CASE(deleted_and_made_anew_is_read_from_its_beginning),
        CASE(deleted_is_told_once_also_after_restarts),
        CASE(trimmed_to_nothing_is_told_once_also_after_restarts),
        CASE(loss_that_a_full_log_could_not_note_is_noted_later),
        CASE(wrong_type_is_said_and_the_others_go_on),
        CASE(that_becomes_something_else_is_said_and_mended),
        CASE(comes_back_with_its_server),
        CASE(connection_lost_with_a_bad_stream_is_counted),
        CASE(cut_off_again_and_again_takes_each_entry_once),
        CASE(stopped_takes_nothing_more),
#undef CASE
    };
    return cmocka_run_group_tests_name("sources.redis_stream", tests, NULL, NULL);
}
