#undef NDEBUG
/* How long Redis keeps a channel's stream: its end is set for a while of events at once. */
#include "redis_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* A keep of an hour, as log_rig_config() has it; a while is a 16th of it, and 1 ms. */
#define KEEP_MS  3600000ull
#define WHILE_MS (KEEP_MS / 16 + 1)

/* Ahead of the clock, so that the next events are of this time: the begin of a while. */
static uint64_t
future_ms(const struct redis_rig *f)
{
    return (event_id_ms(f->rig.position) / WHILE_MS + 2) * WHILE_MS;
}

static void
set_head(const struct redis_rig *f, uint64_t ms)
{
    redis_server_do(f->server, "HSET {runnel}:head ms %llu seq 0", (unsigned long long)ms);
}

static void
set_end(const struct redis_rig *f, uint64_t ms)
{
    redis_server_do(f->server, "PEXPIREAT {runnel}:c:c %llu", (unsigned long long)ms);
}

static uint64_t
ask_number(const struct redis_rig *f, const char *command)
{
    redisReply *reply = redis_server_ask(f->server, command);
    assert_non_null(reply);
    assert_int_equal(reply->type, REDIS_REPLY_INTEGER);
    uint64_t number = (uint64_t)reply->integer;
    freeReplyObject(reply);
    return number;
}

static void
expect_end(const struct redis_rig *f, uint64_t ms)
{
    assert_int_equal(ask_number(f, "PEXPIRETIME {runnel}:c:c"), ms);
}

static void
append_stored(struct redis_rig *f, const char *text, struct replay_keep keep)
{
    log_rig_append_kept(&f->rig, "c", text, keep);
    log_rig_wait_stored(&f->rig);
}

static void
test_redis_keep_stream_outlives_every_event_of_the_while(void **state)
{
    struct redis_rig *f = *state;
    uint64_t begin_ms = future_ms(f);
    set_head(f, begin_ms);
    (void)log_rig_put(&f->rig, "c", "1");
    expect_end(f, begin_ms + WHILE_MS + KEEP_MS);
    set_head(f, begin_ms + WHILE_MS - 1);
    (void)log_rig_put(&f->rig, "c", "2");
    expect_end(f, begin_ms + WHILE_MS + KEEP_MS);
    set_head(f, begin_ms + WHILE_MS);
    (void)log_rig_put(&f->rig, "c", "3");
    expect_end(f, begin_ms + 2 * WHILE_MS + KEEP_MS);
}

static void
test_redis_keep_end_is_not_set_anew_within_the_while(void **state)
{
    struct redis_rig *f = *state;
    set_head(f, future_ms(f));
    (void)log_rig_put(&f->rig, "c", "1");
    uint64_t other_ms = future_ms(f) + 2 * KEEP_MS;
    set_end(f, other_ms);
    (void)log_rig_put(&f->rig, "c", "2");
    expect_end(f, other_ms);
}

static void
test_redis_keep_that_changes_moves_the_end_at_once(void **state)
{
    enum { SHORT_MS = 600000, SHORT_WHILE_MS = SHORT_MS / 16 + 1 };
    struct redis_rig *f = *state;
    uint64_t begin_ms = future_ms(f);
    set_head(f, begin_ms);
    append_stored(f, "1", (struct replay_keep){.events = 0});
    append_stored(f, "2", (struct replay_keep){.for_ms = SHORT_MS});
    expect_end(f, (begin_ms / SHORT_WHILE_MS + 1) * SHORT_WHILE_MS + SHORT_MS);
    append_stored(f, "3", (struct replay_keep){.events = 0});
    expect_end(f, begin_ms + WHILE_MS + KEEP_MS);
}

/* Its events do not say for how long they keep, and it has set the end to its own event's time and keep. */
static void
test_redis_keep_after_an_older_version_is_set_anew(void **state)
{
    struct redis_rig *f = *state;
    uint64_t begin_ms = future_ms(f);
    set_head(f, begin_ms);
    (void)log_rig_put(&f->rig, "c", "1");
    redis_server_do(f->server, "XADD {runnel}:c:c %llu-0 f %llu-1 b %s d 0 s 0",
                    (unsigned long long)begin_ms + 1, (unsigned long long)begin_ms, "data: x\n\n");
    set_end(f, begin_ms + 1 + KEEP_MS);
    redis_server_do(f->server, "DEL {runnel}:n:c"); /* which it does not know */
    set_head(f, begin_ms + 1);
    (void)log_rig_put(&f->rig, "c", "2");
    expect_end(f, begin_ms + WHILE_MS + KEEP_MS);
    log_rig_expect_texts(log_rig_read(&f->rig, "c", event_id_make(begin_ms, 0)), "1 x 2");
}

static void
test_redis_keep_events_that_are_too_old_go_with_the_next_while(void **state)
{
    struct redis_rig *f = *state;
    uint64_t begin_ms = future_ms(f);
    set_head(f, begin_ms);
    (void)log_rig_put(&f->rig, "c", "1");
    set_head(f, begin_ms + KEEP_MS);
    (void)log_rig_put(&f->rig, "c", "2");
    assert_int_equal(ask_number(f, "XLEN {runnel}:c:c"), 2); /* as old as that it may be */
    set_head(f, begin_ms + KEEP_MS + WHILE_MS);
    (void)log_rig_put(&f->rig, "c", "3");
    assert_int_equal(ask_number(f, "XLEN {runnel}:c:c"), 2);
}

/* The second event looks at the stream again, and finds one whose end is not set yet. */
static void
test_redis_keep_end_is_set_where_a_loss_parts_a_batch(void **state)
{
    struct redis_rig *f = *state;
    uint64_t begin_ms = future_ms(f);
    set_head(f, begin_ms);
    log_rig_append_kept(&f->rig, "c", "1", (struct replay_keep){.events = 0});
    replay_note_loss(f->rig.log);
    append_stored(f, "2", (struct replay_keep){.events = 0});
    expect_end(f, begin_ms + WHILE_MS + KEEP_MS);
    assert_int_equal(ask_number(f, "XLEN {runnel}:c:c"), 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name)                                                                                 \
    cmocka_unit_test_setup_teardown(test_redis_keep_##name, redis_rig_setup, redis_rig_teardown)
        CASE(stream_outlives_every_event_of_the_while),
        CASE(end_is_not_set_anew_within_the_while),
        CASE(that_changes_moves_the_end_at_once),
        CASE(after_an_older_version_is_set_anew),
        CASE(end_is_set_where_a_loss_parts_a_batch),
        CASE(events_that_are_too_old_go_with_the_next_while),
#undef CASE
    };
    return cmocka_run_group_tests_name("replay.redis_keep", tests, NULL, NULL);
}
