#undef NDEBUG
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

static void
test_clock_mono_never_steps_back(void **state)
{
    uint64_t last = clock_mono_ns();
    (void)state;
    for (int i = 0; i < 1000; i++) {
        uint64_t now = clock_mono_ns();
        assert_true(now >= last);
        last = now;
    }
}

static void
test_clock_wall_counts_milliseconds_since_the_epoch(void **state)
{
    uint64_t before_s = (uint64_t)time(NULL);
    uint64_t now_ms = clock_wall_ms();
    (void)state;
    /* time(2) goes by the coarse clock, which lags by up to a tick. */
    assert_true(now_ms / 1000 >= before_s);
    assert_true(now_ms / 1000 <= (uint64_t)time(NULL) + 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clock_mono_never_steps_back),
        cmocka_unit_test(test_clock_wall_counts_milliseconds_since_the_epoch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
