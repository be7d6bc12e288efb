#undef NDEBUG
#include "routing/decimal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

struct compare_case {
    const char *a;
    const char *b;
    int order;
};

static const struct compare_case cases[] = {
    {"5", "5", 0},
    {"5", "5.0", 0},
    {"5", "50e-1", 0},
    {"5", "0.5e1", 0},
    {"5", "0.05E+2", 0},
    {"5", "005", 0},
    {"500", "5e2", 0},
    {"0", "-0", 0},
    {"0", "0.000", 0},
    {"0e99", "-0.0e-5", 0},
    {"10", "1.0e1", 0},
    {"1.50", "1.5", 0},
    {"0.001", "1e-3", 0},
    {"100.001", "1.00001e2", 0},
    {"-5", "-5.00", 0},
    {"1", "2", -1},
    {"9", "10", -1},
    {"0.9", "1", -1},
    {"0.09", "0.1", -1},
    {"0.1", "0.10001", -1},
    {"1.05", "1.5", -1},
    {"-1", "1", -1},
    {"-1", "0", -1},
    {"0", "1e-300", -1},
    {"-2", "-1", -1},
    {"-10", "-9", -1},
    {"-1.5", "-1.05", -1},
    {"-1e5", "1e-5", -1},
    {"9007199254740992", "9007199254740993", -1}, /* doubles would be equal */
    {"0.1", "0.1000000000000000055511151231257827", -1},
    {"1e308", "1e309", -1},
    {"123456789012345678901234567890", "123456789012345678901234567891", -1},
    {"1e999999999", "2e999999999", -1},
    {"9.99", "10.0", -1},
};

static struct decimal
read(const char *text)
{
    struct decimal d;
    if (!decimal_read(str_from(text), &d)) {
        fail_msg("%s is no number", text);
    }
    return d;
}

static void
test_compare_of_each_pair_gives_its_order_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct decimal a = read(cases[i].a);
        struct decimal b = read(cases[i].b);
        if (decimal_compare(&a, &b) != cases[i].order ||
            decimal_compare(&b, &a) != -cases[i].order) {
            fail_msg("%s and %s: %d", cases[i].a, cases[i].b, decimal_compare(&a, &b));
        }
    }
}

static void
test_read_of_what_is_no_number_fails(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",   "-",  "+1",  ".5",    "5.",  "5.e1", "e5",  "5e",  "5e+", "5e-",   "0x1",
        "1 ", " 1", "1,0", "1.2.3", "--1", "NaN",  "inf", "1_0", "5f",  "1e1.5", "Infinity"};
    struct decimal d;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (decimal_read(str_from(texts[i]), &d)) {
            fail_msg("\"%s\" is taken for a number", texts[i]);
        }
    }
}

/* Small numbers, written in several ways, have the order of the integers that they are. */
static void
test_compare_of_integers_is_that_of_the_integers(void **state)
{
    (void)state;
    static const char *const endings[] = {"", ".0", "e0", "00e-2"};
    char left[32], right[32];
    for (int a = -120; a <= 120; a += 7) {
        for (int b = -120; b <= 120; b++) {
            snprintf(left, sizeof(left), a % 2 == 0 ? "%d" : "%d.00", a);
            for (size_t e = 0; e < sizeof(endings) / sizeof(endings[0]); e++) {
                snprintf(right, sizeof(right), "%d%s", b, endings[e]);
                struct decimal x = read(left);
                struct decimal y = read(right);
                assert_int_equal(decimal_compare(&x, &y), (a > b) - (a < b));
            }
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compare_of_each_pair_gives_its_order_both_ways),
        cmocka_unit_test(test_read_of_what_is_no_number_fails),
        cmocka_unit_test(test_compare_of_integers_is_that_of_the_integers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
