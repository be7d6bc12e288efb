#undef NDEBUG
#include "base/clock.h"
#include "event/loop.h"
#include "event/timer.h"

#include <event2/event.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

enum { STOPPED_MS = 200 }; /* for so long that every timer is late */

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

/* --- a process that was stopped --- */

static int pipe_ends[2];

/* The loop waits for sockets meanwhile; what comes to one of them is not seen when the wait ends. */
static void
on_signal(int signal)
{
    uint64_t until_ns = clock_mono_ns() + (uint64_t)STOPPED_MS * 1000000;
    (void)signal;
    while (clock_mono_ns() < until_ns) {
        /* stopped */
    }
    if (write(pipe_ends[1], "x", 1) != 1) {
        abort();
    }
}

static void
on_answer(evutil_socket_t fd, short what, void *arg)
{
    struct watch *w = arg;
    (void)fd;
    (void)what;
    timer_stop(&w->timer);
    loop_stop(w->loop);
}

static void
test_timer_of_a_stopped_process_fires_after_what_has_come(void **state)
{
    struct watch *w = *state;
    static struct event answer; /* teardown finds it where this fails */
    const struct itimerval soon = {.it_value.tv_usec = 10000};
    struct sigaction handler = {.sa_handler = on_signal};
    assert_int_equal(pipe(pipe_ends), 0);
    assert_int_equal(sigaction(SIGALRM, &handler, NULL), 0);
    assert_int_equal(event_assign(&answer, loop_base(w->loop), pipe_ends[0], EV_READ, on_answer, w),
                     0);
    assert_int_equal(event_add(&answer, NULL), 0);
    w->fires_wanted = 1;
    timer_start(&w->timer, 50);
    assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
    assert_int_equal(loop_run(w->loop), 0);
    assert_int_equal(w->fires, 0);
    (void)event_del(&answer);
    (void)close(pipe_ends[0]);
    (void)close(pipe_ends[1]);
}

static void
test_timer_that_is_late_fires_without_anything_else(void **state)
{
    struct watch *w = *state;
    w->fires_wanted = 1;
    timer_start(&w->timer, 0);
    uint64_t until_ns = clock_mono_ns() + (uint64_t)STOPPED_MS * 1000000;
    while (clock_mono_ns() < until_ns) {
        /* the loop does not turn */
    }
    assert_int_equal(loop_run(w->loop), 0);
    assert_int_equal(w->fires, 1);
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
        cmocka_unit_test_setup_teardown(test_timer_of_a_stopped_process_fires_after_what_has_come,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_timer_that_is_late_fires_without_anything_else, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
