#undef NDEBUG
#include "base/backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
assert_in_upper_half(uint32_t drawn_ms, uint32_t wait_ms)
{
    assert_in_range(drawn_ms, wait_ms - wait_ms / 2, wait_ms);
}

static void
test_backoff_repeated_doubles_up_to_the_maximum(void **state)
{
    struct backoff b;
    (void)state;
    backoff_init(&b, 100, 1000);
    const uint32_t waits_ms[] = {100, 200, 400, 800, 1000, 1000};
    for (size_t i = 0; i < sizeof waits_ms / sizeof *waits_ms; i++) {
        assert_in_upper_half(backoff_next_ms(&b), waits_ms[i]);
    }
}

static void
test_backoff_reset_begins_at_the_minimum(void **state)
{
    struct backoff b;
    (void)state;
    backoff_init(&b, 100, 10000);
    for (int i = 0; i < 5; i++) {
        (void)backoff_next_ms(&b);
    }
    backoff_reset(&b);
    assert_in_upper_half(backoff_next_ms(&b), 100);
}

static void
test_backoff_at_the_type_limit_does_not_overflow(void **state)
{
    struct backoff b;
    (void)state;
    backoff_init(&b, UINT32_MAX - 1, UINT32_MAX);
    assert_in_upper_half(backoff_next_ms(&b), UINT32_MAX - 1);
    assert_in_upper_half(backoff_next_ms(&b), UINT32_MAX);
    assert_in_upper_half(backoff_next_ms(&b), UINT32_MAX);
}

static void
test_backoff_with_a_maximum_below_the_minimum_stays_at_the_minimum(void **state)
{
    struct backoff b;
    (void)state;
    backoff_init(&b, 100, 50);
    (void)backoff_next_ms(&b);
    assert_in_upper_half(backoff_next_ms(&b), 100);
}

static void
test_backoff_draws_differ(void **state)
{
    struct backoff b;
    uint32_t differing = 0;
    (void)state;
    backoff_init(&b, 1000000, 1000000);
    uint32_t first_ms = backoff_next_ms(&b);
    for (int i = 0; i < 20; i++) {
        differing += backoff_next_ms(&b) != first_ms;
    }
    assert_true(differing > 0);
}

static void
test_backoff_random_stays_below_its_bound_and_reaches_all_of_it(void **state)
{
    uint32_t seen = 0;
    (void)state;
    assert_int_equal(backoff_random(1), 0);
    for (int i = 0; i < 1000; i++) {
        uint32_t drawn = backoff_random(4);
        assert_true(drawn < 4);
        seen |= 1U << drawn;
    }
    assert_int_equal(seen, 0xF);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_backoff_repeated_doubles_up_to_the_maximum),
        cmocka_unit_test(test_backoff_reset_begins_at_the_minimum),
        cmocka_unit_test(test_backoff_at_the_type_limit_does_not_overflow),
        cmocka_unit_test(test_backoff_with_a_maximum_below_the_minimum_stays_at_the_minimum),
        cmocka_unit_test(test_backoff_draws_differ),
        cmocka_unit_test(test_backoff_random_stays_below_its_bound_and_reaches_all_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
