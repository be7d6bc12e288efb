#undef NDEBUG
/* The redis-stream source on a server that says what the test wants. */
#include "event/loop.h"
#include "fake_server.h"
#include "stream_rig.h"
#include "waiting.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define INFO_OLD                                                                                   \
    "*6\r\n$6\r\nlength\r\n:1\r\n$17\r\nlast-generated-id\r\n$3\r\n5-0\r\n$11\r\nfirst-entry\r\n"  \
    "*2\r\n$3\r\n5-0\r\n*0\r\n"
#define READ_ONE "*1\r\n*2\r\n$1\r\na\r\n*1\r\n*2\r\n$3\r\n6-0\r\n*2\r\n$1\r\nf\r\n$3\r\nsix\r\n"

static void
test_redis_stream_server_of_an_old_version_needs_no_counting(void **state)
{
    struct stream_rig *r = *state;
    static char end[] = "$";
    struct fake_server *fake = fake_server_new(r->loop);
    r->config.stream.from = end;
    fake_server_answer(fake, "XINFO", INFO_OLD);
    fake_server_answer(fake, "XREAD", READ_ONE);
    stream_rig_start_on(r, fake_server_port(fake));
    stream_rig_expect(r, "a=six ");
    assert_string_equal(stream_rig_mark(r, "a"), "6-0");
    assert_int_equal(r->loss_calls, 0);
    stream_rig_end(r);
    fake_server_free(fake);
}

static void
test_redis_stream_server_nonsense_ends_the_connection(void **state)
{
    static const char *const nonsense[] = {
        "*1\r\n:5\r\n",
        "*1\r\n*2\r\n$1\r\na\r\n:1\r\n",
        "*1\r\n*2\r\n$1\r\nz\r\n*0\r\n",                           /* not asked for */
        "*1\r\n*2\r\n$1\r\na\r\n*1\r\n*2\r\n$1\r\nx\r\n*0\r\n",    /* no id */
        "*1\r\n*2\r\n$1\r\na\r\n*1\r\n*2\r\n$3\r\n6-0\r\n$-1\r\n", /* no fields */
        "*1\r\n*2\r\n$1\r\na\r\n*1\r\n*2\r\n$3\r\n0-0\r\n*2\r\n$1\r\nf\r\n$0\r\n\r\n", /* read */
    };
    struct stream_rig *r = *state;
    struct fake_server *fake = fake_server_new(r->loop);
    fake_server_answer(fake, "XINFO", INFO_OLD);
    fake_server_answer(fake, "XREAD", nonsense[0]);
    stream_rig_start_on(r, fake_server_port(fake));
    for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++) {
        size_t before = fake_server_accepted(fake);
        fake_server_answer(fake, "XREAD", nonsense[i]);
        while (fake_server_accepted(fake) < before + 2) {
            stream_rig_wait_health(r, "source shop: ");
        }
        stream_rig_wait_health(r, "down source shop: not what XREAD returns");
    }
    assert_string_equal(r->diary, "");
    stream_rig_end(r);
    fake_server_free(fake);
}

static bool
is_asked_for_info(void *arg)
{
    return fake_server_count(arg, "XINFO") > 0;
}

static void
test_redis_stream_server_that_takes_long_to_look_at_is_read(void **state)
{
    struct stream_rig *r = *state;
    struct fake_server *fake = fake_server_new(r->loop);
    fake_server_answer(fake, "XINFO", NULL);
    fake_server_answer(fake, "XREAD", READ_ONE);
    stream_rig_start_on(r, fake_server_port(fake));
    wait_until(r->loop, is_asked_for_info, fake);
    stream_rig_wait_ms(r, 1200);
    fake_server_send(fake, INFO_OLD);
    stream_rig_expect(r, "a=six ");
    assert_int_equal(fake_server_count(fake, "XINFO"), 1);
    stream_rig_end(r);
    fake_server_free(fake);
}

static void
test_redis_stream_server_refusal_is_said(void **state)
{
    struct stream_rig *r = *state;
    struct fake_server *fake = fake_server_new(r->loop);
    fake_server_answer(fake, "XINFO", INFO_OLD);
    fake_server_answer(fake, "XREAD", "-NOPERM no\r\n");
    stream_rig_start_on(r, fake_server_port(fake));
    stream_rig_wait_health(r, "down source shop: NOPERM no");
    fake_server_answer(fake, "XREAD", READ_ONE);
    stream_rig_expect(r, "a=six ");
    stream_rig_end(r);
    fake_server_free(fake);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name)                                                                                 \
    cmocka_unit_test_setup_teardown(test_redis_stream_server_##name, stream_rig_setup,             \
                                    stream_rig_teardown)
        CASE(of_an_old_version_needs_no_counting),
        CASE(nonsense_ends_the_connection),
        CASE(that_takes_long_to_look_at_is_read),
        CASE(refusal_is_said),
#undef CASE
    };
    return cmocka_run_group_tests_name("sources.redis_stream_server", tests, NULL, NULL);
}
