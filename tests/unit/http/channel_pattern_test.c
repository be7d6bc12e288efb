#undef NDEBUG
#include "http/channel_pattern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static bool
matches(const char *pattern, const char *name)
{
    return channel_pattern_matches(str_from(pattern), str_from(name));
}

static void
test_channel_pattern_without_star_is_the_name(void **state)
{
    (void)state;
    assert_true(matches("news", "news"));
    assert_false(matches("news", "new"));
    assert_false(matches("news", "newss"));
    assert_false(matches("news", "News"));
    assert_true(matches("a?[b]", "a?[b]"));
}

static void
test_channel_pattern_star_takes_any_bytes(void **state)
{
    (void)state;
    assert_true(matches("*", "a/b"));
    assert_true(matches("orders/*", "orders/"));
    assert_true(matches("orders/*", "orders/eu/berlin"));
    assert_false(matches("orders/*", "orders"));
    assert_true(matches("*/public", "a/b/public"));
    assert_false(matches("*/public", "a/public/b"));
    assert_true(matches("a*b*c", "abc"));
    assert_true(matches("a*b*c", "axbxbxc"));
    assert_false(matches("a*b*c", "axcxb"));
    assert_true(matches("a**", "a"));
    assert_true(matches("*ab", "aab")); /* takes more where the rest did not fit */
    assert_true(matches("*a*", "\xc5\xbe"
                               "a"));
    assert_true(matches("a*", "a*"));
}

/* A pattern that makes naive matchers try every division. */
static void
test_channel_pattern_of_many_stars_is_quick(void **state)
{
    (void)state;
    assert_false(matches(
        "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_channel_pattern_without_star_is_the_name),
        cmocka_unit_test(test_channel_pattern_star_takes_any_bytes),
        cmocka_unit_test(test_channel_pattern_of_many_stars_is_quick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
