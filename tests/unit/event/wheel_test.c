#undef NDEBUG
#include "base/clock.h"
#include "event/loop.h"
#include "event/wheel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { SLOT_MS = 4, SPAN_MS = 40, NODES = 200 };

struct bench;

struct timeout {
    struct wheel_node node;
    struct bench *bench;
    uint64_t due_ms;
    uint64_t fired_ms;
    int fires;
    int restarts; /* how often it starts itself again */
};

struct bench {
    struct loop *loop;
    struct loop_task first; /* of run_from() */
    void (*begin)(struct bench *b);
    struct wheel *wheel;
    struct timeout timeouts[NODES];
    int pending;
    struct timeout *victim; /* stopped by the first that fires */
    struct timeout *order[NODES];
    int fired;
};

static void
start(struct timeout *t, uint32_t ms)
{
    t->due_ms = loop_now_ms(t->bench->loop) + ms;
    wheel_start(t->bench->wheel, &t->node, ms);
}

static void
stop_victim(struct bench *b)
{
    if (b->victim != NULL) {
        wheel_stop(&b->victim->node);
        b->victim = NULL;
        b->pending--;
    }
}

static void
fire(void *arg, struct wheel_node *node)
{
    struct bench *b = arg;
    struct timeout *t = LIST_ITEM(node, struct timeout, node);
    t->fires++;
    t->fired_ms = loop_now_ms(b->loop);
    assert_true(t->fired_ms >= t->due_ms);
    stop_victim(b);
    if (t->restarts > 0) {
        t->restarts--;
        start(t, (uint32_t)t->restarts % 3);
        return;
    }
    b->order[b->fired++] = t;
    if (--b->pending == 0) {
        loop_stop(b->loop);
    }
}

static struct bench bench;

static int
setup(void **state)
{
    bench = (struct bench){.loop = loop_new("test")};
    bench.wheel = wheel_new(bench.loop, SLOT_MS, SPAN_MS, fire, &bench);
    for (int i = 0; i < NODES; i++) {
        bench.timeouts[i].bench = &bench;
        wheel_node_init(&bench.timeouts[i].node);
    }
    *state = &bench;
    return bench.wheel == NULL;
}

static int
teardown(void **state)
{
    (void)state;
    wheel_free(bench.wheel);
    loop_free(bench.loop);
    return 0;
}

/* The first `length` are started; runs until all of them have fired or been stopped. */
static void
run(struct bench *b, int length)
{
    b->pending = length;
    b->fired = 0;
    assert_int_equal(loop_run(b->loop), 0);
}

static void
run_first(void *arg)
{
    struct bench *b = arg;
    b->begin(b);
}

/* What `begin` starts, it starts at the same time: outside of a turn the clock runs. */
static void
run_from(struct bench *b, void (*begin)(struct bench *b), int length)
{
    b->begin = begin;
    loop_task_init(&b->first, run_first, b);
    loop_task_schedule(b->loop, &b->first);
    run(b, length);
}

static void
test_wheel_fires_each_once_and_never_early(void **state)
{
    struct bench *b = *state;
    for (int i = 0; i < NODES; i++) {
        start(&b->timeouts[i], (uint32_t)(i * 7 % (SPAN_MS + 1)));
    }
    run(b, NODES);
    for (int i = 0; i < NODES; i++) {
        assert_int_equal(b->timeouts[i].fires, 1); /* early is asserted in fire() */
    }
}

static void
start_all(struct bench *b)
{
    for (int i = 0; i < NODES; i++) {
        start(&b->timeouts[i], (uint32_t)(i * 7 % (SPAN_MS + 1)));
    }
}

static void
test_wheel_fires_in_the_order_of_the_slots(void **state)
{
    struct bench *b = *state;
    run_from(b, start_all, NODES);
    for (int i = 1; i < NODES; i++) {
        /* At most one slot late: who was due more than a slot before has fired before. */
        assert_true(b->order[i - 1]->due_ms <= b->order[i]->due_ms + SLOT_MS);
    }
}

static void
test_wheel_around_the_span_caps_what_is_longer(void **state)
{
    struct bench *b = *state;
    static const uint32_t waits_ms[] = {SPAN_MS - 1, SPAN_MS, SPAN_MS + 1, UINT32_MAX};
    for (int i = 0; i < 4; i++) {
        start(&b->timeouts[i], waits_ms[i]);
        if (waits_ms[i] > SPAN_MS) {
            b->timeouts[i].due_ms = b->timeouts[i].due_ms - waits_ms[i] + SPAN_MS;
        }
    }
    run(b, 4);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(b->timeouts[i].fires, 1);
    }
}

static void
test_wheel_stopped_node_does_not_fire(void **state)
{
    struct bench *b = *state;
    start(&b->timeouts[0], 5);
    start(&b->timeouts[1], 20);
    wheel_stop(&b->timeouts[0].node);
    wheel_stop(&b->timeouts[0].node); /* harmless */
    run(b, 1);
    assert_int_equal(b->timeouts[0].fires, 0);
    assert_int_equal(b->timeouts[1].fires, 1);
}

static void
test_wheel_node_stopped_by_one_of_the_same_slot_does_not_fire(void **state)
{
    struct bench *b = *state;
    start(&b->timeouts[0], 5);
    start(&b->timeouts[1], 5);
    start(&b->timeouts[2], 5);
    b->victim = &b->timeouts[1];
    run(b, 3);
    assert_int_equal(b->timeouts[0].fires, 1);
    assert_int_equal(b->timeouts[1].fires, 0);
    assert_int_equal(b->timeouts[2].fires, 1);
}

static void
start_two_again(struct bench *b)
{
    start(&b->timeouts[0], 1);
    start(&b->timeouts[0], 30);
    start(&b->timeouts[1], SPAN_MS);
    start(&b->timeouts[1], 1);
}

static void
test_wheel_node_started_again_fires_at_the_second_time_only(void **state)
{
    struct bench *b = *state;
    run_from(b, start_two_again, 2);
    assert_int_equal(b->timeouts[0].fires, 1);
    assert_int_equal(b->timeouts[1].fires, 1);
    assert_ptr_equal(b->order[0], &b->timeouts[1]);
}

static void
test_wheel_node_started_in_its_own_callback_fires_again(void **state)
{
    struct bench *b = *state;
    b->timeouts[0].restarts = 5;
    start(&b->timeouts[0], 0);
    start(&b->timeouts[1], SPAN_MS);
    run(b, 2);
    assert_int_equal(b->timeouts[0].fires, 6);
    assert_int_equal(b->timeouts[1].fires, 1);
}

static void
spin_ms(uint64_t ms)
{
    uint64_t until_ns = clock_mono_ns() + ms * 1000000;
    while (clock_mono_ns() < until_ns) {
        /* the loop's thread is busy */
    }
}

static void
test_wheel_of_a_late_loop_fires_all_and_keeps_what_is_not_due(void **state)
{
    struct bench *b = *state;
    start(&b->timeouts[0], 1);
    start(&b->timeouts[1], SPAN_MS);
    /* Longer than the ring: what is started now shares slots with what is overdue. */
    spin_ms((uint64_t)2 * SPAN_MS);
    for (int i = 2; i < NODES; i++) {
        start(&b->timeouts[i], (uint32_t)i % SPAN_MS);
    }
    run(b, NODES);
    for (int i = 0; i < NODES; i++) {
        assert_int_equal(b->timeouts[i].fires, 1);
    }
}

static void
start_after_a_rest(struct bench *b)
{
    start(&b->timeouts[1], SPAN_MS);
    start(&b->timeouts[2], 0);
}

static void
test_wheel_after_a_rest_goes_on(void **state)
{
    struct bench *b = *state;
    start(&b->timeouts[0], 1);
    run(b, 1);
    spin_ms((uint64_t)3 * SPAN_MS);
    run_from(b, start_after_a_rest, 2);
    assert_ptr_equal(b->order[0], &b->timeouts[2]);
    assert_int_equal(b->timeouts[1].fires, 1);
}

static void
test_wheel_free_unlinks_its_nodes(void **state)
{
    struct bench *b = *state;
    struct wheel *w = wheel_new(b->loop, SLOT_MS, SPAN_MS, fire, b);
    assert_non_null(w);
    wheel_start(w, &b->timeouts[0].node, 10);
    wheel_free(w);
    assert_true(list_is_unlinked(&b->timeouts[0].node.node));
    wheel_stop(&b->timeouts[0].node);
    wheel_free(NULL);
}

static void
test_wheel_with_a_slot_longer_than_its_span_works(void **state)
{
    struct bench *b = *state;
    wheel_free(b->wheel);
    b->wheel = wheel_new(b->loop, 10, 5, fire, b);
    assert_non_null(b->wheel);
    start(&b->timeouts[0], 5);
    start(&b->timeouts[1], 0);
    run(b, 2);
    assert_int_equal(b->timeouts[0].fires, 1);
    assert_int_equal(b->timeouts[1].fires, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_wheel_fires_each_once_and_never_early, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_wheel_fires_in_the_order_of_the_slots, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_wheel_around_the_span_caps_what_is_longer, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_wheel_stopped_node_does_not_fire, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_wheel_node_stopped_by_one_of_the_same_slot_does_not_fire, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wheel_node_started_again_fires_at_the_second_time_only,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_wheel_node_started_in_its_own_callback_fires_again,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_wheel_of_a_late_loop_fires_all_and_keeps_what_is_not_due, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wheel_after_a_rest_goes_on, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wheel_free_unlinks_its_nodes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wheel_with_a_slot_longer_than_its_span_works, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
