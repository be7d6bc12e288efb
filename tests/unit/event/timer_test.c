#undef NDEBUG
#include "event/loop.h"
#include "event/timer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct watch {
    struct loop *loop;
    struct timer timer;
    struct timer end; /* stops the loop */
    uint64_t fired_ms;
    int fires;
    int fires_wanted;
};

static void
on_fire(void *arg)
{
    struct watch *w = arg;
    assert_false(timer_is_running(&w->timer));
    w->fired_ms = loop_now_ms(w->loop);
    w->fires++;
    if (w->fires < w->fires_wanted) {
        timer_start(&w->timer, 2);
    } else if (w->fires_wanted > 0) {
        loop_stop(w->loop);
    }
}

static void
on_end(void *arg)
{
    struct watch *w = arg;
    loop_stop(w->loop);
}

static struct watch watch;

static int
setup(void **state)
{
    watch = (struct watch){.loop = loop_new("test")};
    timer_init(&watch.timer, watch.loop, on_fire, &watch);
    timer_init(&watch.end, watch.loop, on_end, &watch);
    *state = &watch;
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    timer_stop(&watch.timer);
    timer_stop(&watch.end);
    loop_free(watch.loop);
    return 0;
}

static void
test_timer_fires_once_and_never_early(void **state)
{
    static const uint64_t waits_ms[] = {0, 1, 2, 5, 11, 17};
    struct watch *w = *state;
    w->fires_wanted = 1;
    for (size_t i = 0; i < sizeof waits_ms / sizeof *waits_ms; i++) {
        w->fires = 0;
        uint64_t start_ms = loop_now_ms(w->loop);
        timer_start(&w->timer, waits_ms[i]);
        assert_true(timer_is_running(&w->timer));
        assert_int_equal(loop_run(w->loop), 0);
        assert_int_equal(w->fires, 1);
        assert_true(w->fired_ms >= start_ms + waits_ms[i]);
        assert_false(timer_is_running(&w->timer));
    }
}

static void
test_timer_started_in_its_own_callback_fires_again(void **state)
{
    struct watch *w = *state;
    w->fires_wanted = 4;
    timer_start(&w->timer, 1);
    assert_int_equal(loop_run(w->loop), 0);
    assert_int_equal(w->fires, 4);
}

static void
test_timer_started_again_counts_from_the_second_start(void **state)
{
    struct watch *w = *state;
    w->fires_wanted = 1;
    timer_start(&w->timer, 1000000);
    uint64_t start_ms = loop_now_ms(w->loop);
    timer_start(&w->timer, 10);
    assert_int_equal(loop_run(w->loop), 0);
    assert_int_equal(w->fires, 1);
    assert_true(w->fired_ms >= start_ms + 10);
}

static void
test_timer_stopped_does_not_fire(void **state)
{
    struct watch *w = *state;
    timer_start(&w->timer, 1);
    timer_start(&w->end, 20);
    timer_stop(&w->timer);
    timer_stop(&w->timer); /* harmless */
    assert_false(timer_is_running(&w->timer));
    assert_int_equal(loop_run(w->loop), 0);
    assert_int_equal(w->fires, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_timer_fires_once_and_never_early, setup, teardown),
        cmocka_unit_test_setup_teardown(test_timer_started_in_its_own_callback_fires_again, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_timer_started_again_counts_from_the_second_start,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_timer_stopped_does_not_fire, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
