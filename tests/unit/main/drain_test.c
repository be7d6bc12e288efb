#undef NDEBUG
#include "event/loop.h"
#include "event/timer.h"
#include "main/drain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { FAR_MS = 60 * 60 * 1000 };

struct world {
    struct loop *loop;
    struct drain *drain;
    struct timer again; /* a second signal */
    /* a letter each: unready (u), streams end (s), sources stop (q), the log is given up (g) */
    char steps[16];
    uint32_t over_ms;
    int asked;        /* how often whether all is idle */
    uint64_t left;    /* events */
    uint64_t step_ms; /* after which the log stores one; 0: it does not */
    uint64_t stored_ms;
    int idle_at;           /* from which time on it is */
    bool are_streams_fast; /* end at once */
};

static struct world world;

static struct config_stream
times(uint64_t delay_ms, uint64_t drain_ms)
{
    return (struct config_stream){.drain_delay_ms = delay_ms, .drain_ms = drain_ms};
}

static void
note(struct world *w, char step)
{
    size_t length = strlen(w->steps);
    assert_true(length < sizeof w->steps - 1);
    w->steps[length] = step;
}

static void
on_unready(void *arg)
{
    note(arg, 'u');
}

static void
on_end_streams(void *arg, uint32_t over_ms)
{
    struct world *w = arg;
    note(w, 's');
    w->over_ms = over_ms;
    if (w->are_streams_fast) {
        drain_on_streams_ended(w->drain);
    }
}

static void
on_stop_sources(void *arg)
{
    note(arg, 'q');
}

static bool
on_is_idle(void *arg)
{
    struct world *w = arg;
    return w->asked++ >= w->idle_at && w->left == 0;
}

static uint64_t
on_left(void *arg)
{
    struct world *w = arg;
    uint64_t now_ms = loop_now_ms(w->loop);
    if (w->step_ms > 0 && w->left > 0 && now_ms - w->stored_ms >= w->step_ms) {
        w->left--;
        w->stored_ms = now_ms;
    }
    return w->left;
}

static void
on_give_up(void *arg)
{
    note(arg, 'g');
}

static void
on_again(void *arg)
{
    struct world *w = arg;
    struct config_stream config = times(0, 0);
    drain_on_signal(w->drain, &config, true);
}

static int
setup(void **state)
{
    world = (struct world){.loop = loop_new("test"), .are_streams_fast = true};
    world.drain = drain_new(world.loop, &(struct drain_steps){.arg = &world,
                                                              .unready = on_unready,
                                                              .end_streams = on_end_streams,
                                                              .stop_sources = on_stop_sources,
                                                              .is_idle = on_is_idle,
                                                              .left = on_left,
                                                              .give_up = on_give_up});
    timer_init(&world.again, world.loop, on_again, &world);
    *state = &world;
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    timer_stop(&world.again);
    drain_free(world.drain);
    loop_free(world.loop);
    return 0;
}

static void
run(struct world *w, uint64_t delay_ms, uint64_t drain_ms, bool is_noticed)
{
    struct config_stream config = times(delay_ms, drain_ms);
    drain_on_signal(w->drain, &config, is_noticed);
    assert_string_equal(w->steps, "u"); /* not ready from the first moment on */
    assert_int_equal(loop_run(w->loop), 0);
}

static void
test_drain_streams_end_before_the_sources(void **state)
{
    struct world *w = *state;
    uint64_t begin_ms = loop_now_ms(w->loop);
    run(w, 20, 7, true);
    assert_string_equal(w->steps, "usq");
    assert_int_equal(w->over_ms, 7);
    assert_true(loop_now_ms(w->loop) - begin_ms >= 20);
}

static void
test_drain_interrupt_does_not_wait(void **state)
{
    struct world *w = *state;
    run(w, FAR_MS, 0, false);
    assert_string_equal(w->steps, "usq");
}

static void
test_drain_waits_for_the_log(void **state)
{
    struct world *w = *state;
    w->idle_at = 3;
    run(w, 0, 0, true);
    assert_int_equal(w->asked, 4);
}

static void
test_drain_log_that_does_not_answer_is_left(void **state)
{
    struct world *w = *state;
    w->idle_at = INT32_MAX;
    run(w, 0, 0, true);
    assert_true(w->asked > 1);
    assert_string_equal(w->steps, "usqg");
}

/* In all it takes longer than the log may be silent. */
static void
test_drain_log_that_is_slow_is_waited_for(void **state)
{
    struct world *w = *state;
    w->left = 5;
    w->step_ms = 700;
    run(w, 0, 0, true);
    assert_int_equal(w->left, 0);
    assert_string_equal(w->steps, "usq");
}

static void
test_drain_log_that_never_gets_done_is_left(void **state)
{
    struct world *w = *state;
    w->left = FAR_MS;
    w->step_ms = 1;
    uint64_t begin_ms = loop_now_ms(w->loop);
    run(w, 0, 0, true);
    assert_true(loop_now_ms(w->loop) - begin_ms >= 10000);
    assert_string_equal(w->steps, "usqg");
}

static void
test_drain_streams_that_do_not_end_are_left(void **state)
{
    struct world *w = *state;
    w->are_streams_fast = false;
    run(w, 0, 1, true);
    assert_string_equal(w->steps, "usq");
    drain_on_streams_ended(w->drain); /* too late: nothing happens twice */
    assert_string_equal(w->steps, "usq");
}

static void
test_drain_second_signal_stops_at_once(void **state)
{
    struct world *w = *state;
    timer_start(&w->again, 1);
    run(w, FAR_MS, FAR_MS, true);
    assert_string_equal(w->steps, "u");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_drain_streams_end_before_the_sources, setup, teardown),
        cmocka_unit_test_setup_teardown(test_drain_interrupt_does_not_wait, setup, teardown),
        cmocka_unit_test_setup_teardown(test_drain_waits_for_the_log, setup, teardown),
        cmocka_unit_test_setup_teardown(test_drain_log_that_does_not_answer_is_left, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_drain_log_that_is_slow_is_waited_for, setup, teardown),
        cmocka_unit_test_setup_teardown(test_drain_log_that_never_gets_done_is_left, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_drain_streams_that_do_not_end_are_left, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_drain_second_signal_stops_at_once, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
