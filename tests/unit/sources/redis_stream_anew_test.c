#undef NDEBUG
/* The redis-stream source where its stream is deleted and made anew, on a real redis-server. */
#include "redis_server.h"
#include "stream_rig.h"
#include "waiting.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { LOOK_IS_OLD_MS = 300 }; /* then what comes is looked at, unless a look takes 30 ms */

/* In one step, so that nothing can be read in between. */
static void
make_anew(struct stream_rig *r, int from, int to)
{
    redis_server_do(r->server, "EVAL %s 0 %d %d",
                    "redis.call('DEL', 'a') for i = ARGV[1], ARGV[2] do "
                    "redis.call('XADD', 'a', i .. '-0', 'f', 'new' .. i) end",
                    from, to);
}

static void
add(struct stream_rig *r, int from, int to)
{
    for (int i = from; i <= to; i++) {
        redis_server_do(r->server, "XADD a %d-0 f %d", i, i);
    }
}

/* Entries 1 … 5, or 5 of higher ids, read and looked at. */
static void
start_with(struct stream_rig *r, int from, const char *diary)
{
    r->notes_loss = true;
    stream_rig_serve(r, NULL);
    add(r, from, from + 4);
    stream_rig_start(r);
    stream_rig_expect(r, diary);
    stream_rig_wait_ms(r, LOOK_IS_OLD_MS);
}

static void
test_redis_stream_anew_with_lower_ids_is_read_from_its_beginning(void **state)
{
    struct stream_rig *r = *state;
    start_with(r, 11, "a=11 a=12 a=13 a=14 a=15 ");
    make_anew(r, 1, 3);
    stream_rig_expect(r, "a=11 a=12 a=13 a=14 a=15 | a=new1 a=new2 a=new3 ");
    assert_int_equal(r->loss_calls, 1);
    assert_string_equal(stream_rig_mark(r, "a"), "3-0/3");
}

static void
test_redis_stream_anew_with_more_entries_is_read_from_its_beginning(void **state)
{
    struct stream_rig *r = *state;
    start_with(r, 1, "a=1 a=2 a=3 a=4 a=5 ");
    make_anew(r, 1, 8);
    stream_rig_expect(r, "a=1 a=2 a=3 a=4 a=5 | a=new1 a=new2 a=new3 a=new4 a=new5 a=new6 a=new7 "
                         "a=new8 ");
    assert_int_equal(r->loss_calls, 1);
}

static void
test_redis_stream_anew_with_higher_ids_comes_behind_the_loss(void **state)
{
    struct stream_rig *r = *state;
    start_with(r, 1, "a=1 a=2 a=3 a=4 a=5 ");
    make_anew(r, 11, 12);
    stream_rig_expect(r, "a=1 a=2 a=3 a=4 a=5 | a=new11 a=new12 ");
    assert_int_equal(r->loss_calls, 1);
}

static void
test_redis_stream_anew_while_stopped_is_read_from_its_beginning(void **state)
{
    struct stream_rig *r = *state;
    start_with(r, 11, "a=11 a=12 a=13 a=14 a=15 ");
    stream_rig_end(r);
    make_anew(r, 1, 3);
    stream_rig_start(r);
    stream_rig_expect(r, "a=11 a=12 a=13 a=14 a=15 | a=new1 a=new2 a=new3 ");
}

/* What its server has lost was read before. */
static void
test_redis_stream_anew_is_not_what_was_set_back(void **state)
{
    struct stream_rig *r = *state;
    start_with(r, 1, "a=1 a=2 a=3 a=4 a=5 ");
    redis_server_do(r->server, "EVAL %s 0",
                    "redis.call('DEL', 'a') for i = 1, 3 do "
                    "redis.call('XADD', 'a', i .. '-0', 'f', i) end");
    stream_rig_wait_mark(r, "a", "3-0/3");
    add(r, 4, 4);
    stream_rig_expect(r, "a=1 a=2 a=3 a=4 a=5 | a=4 ");
}

/* An entry that came and went before anybody looked was read all the same. */
static void
test_redis_stream_anew_takes_what_was_read_of_the_old_one(void **state)
{
    struct stream_rig *r = *state;
    start_with(r, 1, "a=1 a=2 a=3 a=4 a=5 ");
    redis_server_do(r->server, "XADD a 6-0 f 6");
    make_anew(r, 11, 11);
    stream_rig_expect(r, "a=1 a=2 a=3 a=4 a=5 a=6 | a=new11 ");
}

/* The reply has them all, and the look that follows it does not. */
static void
test_redis_stream_anew_is_not_what_others_delete_from(void **state)
{
    struct stream_rig *r = *state;
    start_with(r, 1, "a=1 a=2 a=3 a=4 a=5 ");
    redis_server_do(r->server, "XDEL a 1-0 2-0 3-0 4-0 5-0");
    stream_rig_wait_ms(r, LOOK_IS_OLD_MS);
    redis_server_do(r->server, "EVAL %s 0",
                    "for i = 6, 9 do redis.call('XADD', 'a', i .. '-0', 'f', i) end");
    redis_server_do(r->server, "XDEL a 7-0");
    stream_rig_expect(r, "a=1 a=2 a=3 a=4 a=5 a=6 a=7 a=8 a=9 ");
    assert_string_equal(stream_rig_mark(r, "a"), "9-0/9");
    redis_server_do(r->server, "XDEL a 6-0");
    stream_rig_wait_ms(r, LOOK_IS_OLD_MS);
    add(r, 10, 10);
    stream_rig_expect(r, "a=1 a=2 a=3 a=4 a=5 a=6 a=7 a=8 a=9 a=10 ");
    assert_int_equal(r->loss_calls, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name)                                                                                 \
    cmocka_unit_test_setup_teardown(test_redis_stream_anew_##name, stream_rig_setup,               \
                                    stream_rig_teardown)
        CASE(with_lower_ids_is_read_from_its_beginning),
        CASE(with_more_entries_is_read_from_its_beginning),
        CASE(with_higher_ids_comes_behind_the_loss),
        CASE(while_stopped_is_read_from_its_beginning),
        CASE(is_not_what_was_set_back),
        CASE(takes_what_was_read_of_the_old_one),
        CASE(is_not_what_others_delete_from),
#undef CASE
    };
    return cmocka_run_group_tests_name("sources.redis_stream_anew", tests, NULL, NULL);
}
