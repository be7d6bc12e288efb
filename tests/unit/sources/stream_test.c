#undef NDEBUG
#include "sources/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { MINUTE_MS = 60 * 1000 };

/* --- answers that are too large --- */

static void
test_stream_look_that_fails_is_put_off_for_longer_each_time(void **state)
{
    struct stream s = {.look_pause_ms = 0};
    uint64_t now_ms = 5;
    (void)state;
    for (uint64_t minutes = 1; minutes <= 1024; minutes *= 2) {
        stream_put_look_off(&s, now_ms);
        assert_int_equal(s.look_after_ms - now_ms, minutes * MINUTE_MS);
        now_ms = s.look_after_ms;
    }
    for (int i = 0; i < 100; i++) {
        stream_put_look_off(&s, now_ms);
    }
    assert_int_equal(s.look_after_ms - now_ms, STREAM_LOOK_PAUSE_MAX_MS);
}

static void
test_stream_look_that_worked_begins_anew(void **state)
{
    struct stream s = {.look_pause_ms = 0};
    (void)state;
    stream_put_look_off(&s, 0);
    stream_put_look_off(&s, 0);
    stream_on_looked(&s);
    stream_put_look_off(&s, 0);
    assert_int_equal(s.look_after_ms, MINUTE_MS);
}

/* Each costs a connection. Reading begins when none of them is due. */
static void
test_stream_many_looks_that_fail_leave_time_to_read(void **state)
{
    enum { STREAMS = 50, LOOK_MS = 8000, LOOKS_MAX = 1000 };
    struct stream streams[STREAMS] = {{.look_pause_ms = 0}};
    uint64_t now_ms = 1;
    int looks = 0;
    (void)state;
    for (int i = 0; i < STREAMS; i++) {
        if (now_ms >= streams[i].look_after_ms) {
            assert_true(++looks < LOOKS_MAX);
            now_ms += LOOK_MS;
            stream_put_look_off(&streams[i], now_ms);
            i = -1; /* from the beginning, as after each connection that is lost */
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stream_look_that_fails_is_put_off_for_longer_each_time),
        cmocka_unit_test(test_stream_look_that_worked_begins_anew),
        cmocka_unit_test(test_stream_many_looks_that_fail_leave_time_to_read),
    };
    return cmocka_run_group_tests_name("sources.stream", tests, NULL, NULL);
}
