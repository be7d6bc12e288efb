#undef NDEBUG
#include "generator/number_pattern.h"

#include <inttypes.h>
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { PATTERN_SIZE_MAX = 4096 };

static void
compile(uint64_t min, uint64_t max, regex_t *ret_regex)
{
    struct buf b;
    buf_init(&b, PATTERN_SIZE_MAX);
    assert_int_equal(buf_append_str(&b, STR("^(")), 0);
    assert_int_equal(number_pattern(min, max, &b), 0);
    assert_int_equal(buf_append(&b, ")$", 3), 0);
    assert_int_equal(regcomp(ret_regex, b.data, REG_EXTENDED | REG_NOSUB), 0);
    buf_fini(&b);
}

static bool
matches(const regex_t *regex, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRIu64, value);
    return regexec(regex, text, 0, NULL, 0) == 0;
}

static void
test_number_pattern_of_every_small_range_matches_what_is_in_it(void **state)
{
    (void)state;
    static const uint64_t ends[] = {0,   1,   7,   9,   10,  11,  19,  20,   55,  99,
                                    100, 101, 110, 199, 200, 256, 999, 1000, 1024};
    enum { ENDS_LENGTH = sizeof(ends) / sizeof(ends[0]) };
    for (size_t i = 0; i < ENDS_LENGTH; i++) {
        for (size_t j = i; j < ENDS_LENGTH; j++) {
            regex_t regex;
            compile(ends[i], ends[j], &regex);
            for (uint64_t value = 0; value < 1100; value++) {
                assert_int_equal(matches(&regex, value), value >= ends[i] && value <= ends[j]);
            }
            regfree(&regex);
        }
    }
}

static void
test_number_pattern_of_large_ranges_holds_at_its_edges(void **state)
{
    (void)state;
    static const uint64_t ranges[][2] = {{10, 86400000},
                                         {4096, UINT64_C(1) << 40},
                                         {1, 10000000},
                                         {65535, 65536},
                                         {1, UINT64_C(1000000000000000000)}};
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        regex_t regex;
        uint64_t min = ranges[i][0];
        uint64_t max = ranges[i][1];
        compile(min, max, &regex);
        for (uint64_t power = 1; power <= max && power < UINT64_C(1000000000000000000);
             power *= 10) {
            for (uint64_t value = power - 1; value <= power + 1; value++) {
                assert_int_equal(matches(&regex, value), value >= min && value <= max);
            }
        }
        assert_false(matches(&regex, min - 1));
        assert_true(matches(&regex, min));
        assert_true(matches(&regex, max - 1));
        assert_true(matches(&regex, max));
        assert_false(matches(&regex, max + 1));
        regfree(&regex);
    }
}

static void
test_number_pattern_takes_no_leading_zeros(void **state)
{
    (void)state;
    regex_t regex;
    compile(0, 1000, &regex);
    assert_int_not_equal(regexec(&regex, "007", 0, NULL, 0), 0);
    assert_int_not_equal(regexec(&regex, "", 0, NULL, 0), 0);
    regfree(&regex);
}

static void
test_number_pattern_at_its_limit_says_so(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 3);
    assert_int_equal(number_pattern(3, 17, &b), ERR_LIMIT);
    buf_fini(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_number_pattern_of_every_small_range_matches_what_is_in_it),
        cmocka_unit_test(test_number_pattern_of_large_ranges_holds_at_its_edges),
        cmocka_unit_test(test_number_pattern_takes_no_leading_zeros),
        cmocka_unit_test(test_number_pattern_at_its_limit_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
