#undef NDEBUG
#include "sse/event_traits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
test_slow_rule_holds_both_numbers(void **state)
{
    (void)state;
    for (uint32_t what = 0; what < 4; what++) {
        static const uint32_t afters[] = {0, 1, 86400000, SLOW_RULE_AFTER_MAX};
        for (size_t i = 0; i < sizeof afters / sizeof afters[0]; i++) {
            uint32_t rule = slow_rule_make(what, afters[i]);
            assert_int_equal(slow_rule_what(rule), what);
            assert_int_equal(slow_rule_after_ms(rule), afters[i]);
        }
    }
    assert_int_equal(slow_rule_make(0, 0), 0);
}

static void
check_read(const char *delay, const char *slow, int32_t expected_delay, uint32_t expected_slow)
{
    struct event_traits traits = event_traits_read(str_from(delay), str_from(slow));
    assert_int_equal(traits.delay_ms, expected_delay);
    assert_int_equal(traits.slow, expected_slow);
}

static void
test_event_traits_read_numbers_and_nothing_else(void **state)
{
    (void)state;
    check_read("0", "0", 0, 0);
    check_read("7", "120003", 7, 120003);
    check_read("-7", "4294967295", -7, UINT32_MAX);
    check_read("2147483647", "4294967296", INT32_MAX, 0);
    check_read("2147483648", "-1", 0, 0);
    check_read("-2147483648", "", 0, 0);
    check_read("--1", "1 ", 0, 0);
    check_read("-", "x", 0, 0);
    check_read("", "3", 0, 3);
}

static void
test_event_delay_leads_back_to_the_receipt(void **state)
{
    static const int64_t delays[] = {0, 1, -1, 3600000, INT32_MAX, -INT32_MAX};
    const uint64_t id_ms = 1764950400000;
    (void)state;
    for (size_t i = 0; i < sizeof delays / sizeof delays[0]; i++) {
        uint64_t received_ms = id_ms - (uint64_t)delays[i];
        event_id id = event_id_make(id_ms, 5);
        int32_t delay_ms = event_delay_ms(id, received_ms);
        assert_int_equal(delay_ms, delays[i]);
        assert_int_equal(event_received_ms(id, delay_ms), received_ms);
    }
}

static void
test_event_delay_that_is_not_known_or_absurd_is_none(void **state)
{
    event_id id = event_id_make(1764950400000, 0);
    (void)state;
    assert_int_equal(event_delay_ms(id, 0), 0);
    assert_int_equal(event_delay_ms(id, 1), 0);
    assert_int_equal(event_delay_ms(id, UINT64_MAX), 0);
    assert_int_equal(event_delay_ms(id, 1764950400000 - INT64_C(2147483648)), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slow_rule_holds_both_numbers),
        cmocka_unit_test(test_event_traits_read_numbers_and_nothing_else),
        cmocka_unit_test(test_event_delay_leads_back_to_the_receipt),
        cmocka_unit_test(test_event_delay_that_is_not_known_or_absurd_is_none),
    };
    return cmocka_run_group_tests_name("sse.event_traits", tests, NULL, NULL);
}
