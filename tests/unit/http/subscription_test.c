#undef NDEBUG
#include "base/channel_name.h"
#include "http/subscription.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum { CHANNELS_MAX = 3 };

static bool calloc_fails;

void *__real_calloc(size_t length, size_t size); /* the linker's names */
void *__wrap_calloc(size_t length, size_t size);

void *
__wrap_calloc(size_t length, size_t size)
{
    return calloc_fails ? NULL : __real_calloc(length, size);
}

static int
parse(struct subscription *s, const char *in_path, struct str query)
{
    struct config_http config = {.channels = CHANNELS_MAX};
    struct request r = {.query = query};
    return subscription_parse(s, &r, str_from(in_path), &config, 1700000000000);
}

static char *patterns[] = {(char[]){"news"}, (char[]){"orders/*"}};

/* Where only some channels are allowed. */
static int
parse_sifted(struct subscription *s, enum config_unknown unknown, const char *query)
{
    struct config_http config = {.channels = CHANNELS_MAX,
                                 .allow_channels = patterns,
                                 .allow_channels_length = 2,
                                 .unknown_channels = unknown};
    struct request r = {.query = str_from(query)};
    return subscription_parse(s, &r, STR(""), &config, 1700000000000);
}

/* `expected`: names in byte order, NULL at the end. */
static void
assert_channels(const char *in_path, const char *query, const char *const *expected)
{
    struct subscription s;
    size_t i = 0;
    assert_int_equal(parse(&s, in_path, str_from(query)), 0);
    for (; expected[i] != NULL; i++) {
        assert_true(i < s.channels_length);
        assert_true(str_equal(s.channels[i], str_from(expected[i])));
    }
    assert_int_equal(s.channels_length, i);
    subscription_fini(&s);
}

static void
test_subscription_channel_in_the_path(void **state)
{
    (void)state;
    assert_channels("orders/berlin", "", (const char *[]){"orders/berlin", NULL});
    assert_channels("orders%2Fb%C3%BC", "x=y", (const char *[]){"orders/b\xC3\xBC", NULL});
    assert_channels("a+b", "", (const char *[]){"a+b", NULL});
    assert_channels("../a", "", (const char *[]){"../a", NULL}); /* names are no file paths */
}

static void
test_subscription_channels_in_the_query(void **state)
{
    (void)state;
    assert_channels("", "channel=b&x=y&channel=a", (const char *[]){"a", "b", NULL});
    assert_channels("", "channel=a+b%2Bc", (const char *[]){"a b+c", NULL});
}

static void
test_subscription_doubles_are_removed(void **state)
{
    (void)state;
    assert_channels("", "channel=a&channel=%61&channel=b&channel=a&channel=b&channel=c",
                    (const char *[]){"a", "b", "c", NULL});
}

static void
assert_refused(const char *in_path, struct str query, const char *part)
{
    struct subscription s;
    assert_int_equal(parse(&s, in_path, query), SUBSCRIPTION_E_REFUSED);
    if (strstr(s.problem, part) == NULL) {
        fail_msg("%s: not about %s", s.problem, part);
    }
    subscription_fini(&s);
}

static void
test_subscription_without_channel_is_refused(void **state)
{
    (void)state;
    assert_refused("", STR(""), "no channel");
    assert_refused("", STR("channels=a"), "no channel");
}

static void
test_subscription_channels_in_path_and_query_are_refused(void **state)
{
    (void)state;
    assert_refused("c", STR("channel=a"), "in the path");
    assert_refused("c", STR("x=y&channel="), "in the path");
}

static void
test_subscription_bad_names_are_refused(void **state)
{
    (void)state;
    assert_refused("", STR("channel="), "255");
    assert_refused("", STR("channel"), "255");
    assert_refused("", STR("channel=a&channel="), "255");
    assert_refused("a%00", STR(""), "control");
    assert_refused("a%0Ab", STR(""), "control");
    assert_refused("a%ff", STR(""), "UTF-8");
    assert_refused("a%", STR(""), "percent");
    assert_refused("", STR("channel=a&channel=%4"), "percent");
}

static void
test_subscription_name_size_limit(void **state)
{
    char name[257];
    struct subscription s;
    (void)state;
    for (size_t size = 254; size <= 256; size++) {
        memset(name, 'a', size);
        name[size] = '\0';
        int rc = parse(&s, name, STR(""));
        assert_int_equal(rc, size <= 255 ? 0 : SUBSCRIPTION_E_REFUSED);
        subscription_fini(&s);
    }
}

static void
test_subscription_channels_limit(void **state)
{
    (void)state;
    assert_channels("", "channel=a&channel=b", (const char *[]){"a", "b", NULL});
    assert_channels("", "channel=a&channel=b&channel=c", (const char *[]){"a", "b", "c", NULL});
    assert_refused("", STR("channel=a&channel=b&channel=c&channel=d"), "4 channels");
}

static void
test_subscription_start_is_parsed(void **state)
{
    struct subscription s;
    (void)state;
    assert_int_equal(parse(&s, "a", STR("last=5")), 0);
    assert_int_equal(s.start.kind, HUB_START_NEWEST);
    assert_int_equal(s.start.newest, 5);
    subscription_fini(&s);
    assert_refused("a", STR("last=x"), "last");
}

static void
test_subscription_out_of_memory_is_said(void **state)
{
    struct subscription s;
    (void)state;
    calloc_fails = true;
    int rc = parse(&s, "a", STR(""));
    calloc_fails = false;
    assert_int_equal(rc, ERR_MEMORY);
    subscription_fini(&s);
}

/* --- channels that are allowed --- */

static void
test_subscription_of_allowed_channels_passes(void **state)
{
    struct subscription s;
    (void)state;
    assert_int_equal(parse_sifted(&s, UNKNOWN_REFUSE, "channel=news&channel=orders/eu&last=3"), 0);
    assert_int_equal(s.channels_length, 2);
    assert_int_equal(s.start.kind, HUB_START_NEWEST);
    subscription_fini(&s);
}

/* All or nothing: a client that got a part would take it for the whole. */
static void
test_subscription_of_another_channel_is_forbidden(void **state)
{
    struct subscription s;
    (void)state;
    assert_int_equal(parse_sifted(&s, UNKNOWN_REFUSE, "channel=news&channel=secret"),
                     SUBSCRIPTION_E_FORBIDDEN);
    assert_string_equal(s.problem, "there is no channel \"secret\" here");
    subscription_fini(&s);
}

static void
test_subscription_longest_name_fits_into_the_problem(void **state)
{
    struct subscription s;
    char query[8 + CHANNEL_NAME_SIZE_MAX + 1] = "channel=";
    (void)state;
    memset(query + 8, 'x', CHANNEL_NAME_SIZE_MAX);
    assert_int_equal(parse_sifted(&s, UNKNOWN_REFUSE, query), SUBSCRIPTION_E_FORBIDDEN);
    assert_non_null(strstr(s.problem, "x\" here"));
    subscription_fini(&s);
}

static void
test_subscription_leaves_out_channels_that_are_to_be_empty(void **state)
{
    struct subscription s;
    (void)state;
    assert_int_equal(parse_sifted(&s, UNKNOWN_EMPTY, "channel=a&channel=orders/x&channel=z&last=3"),
                     0);
    assert_int_equal(s.channels_length, 1);
    assert_true(str_equal(s.channels[0], STR("orders/x")));
    assert_int_equal(s.start.kind, HUB_START_NEWEST);
    subscription_fini(&s);
}

static void
test_subscription_of_empty_channels_only_is_the_nameless_one(void **state)
{
    struct subscription s;
    (void)state;
    assert_int_equal(parse_sifted(&s, UNKNOWN_EMPTY, "channel=a&lastEventId=5-1"), 0);
    assert_int_equal(s.channels_length, 1);
    assert_int_equal(s.channels[0].size, 0);
    assert_int_equal(s.start.kind, HUB_START_NOW);
    subscription_fini(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_subscription_channel_in_the_path),
        cmocka_unit_test(test_subscription_channels_in_the_query),
        cmocka_unit_test(test_subscription_doubles_are_removed),
        cmocka_unit_test(test_subscription_without_channel_is_refused),
        cmocka_unit_test(test_subscription_channels_in_path_and_query_are_refused),
        cmocka_unit_test(test_subscription_bad_names_are_refused),
        cmocka_unit_test(test_subscription_name_size_limit),
        cmocka_unit_test(test_subscription_channels_limit),
        cmocka_unit_test(test_subscription_start_is_parsed),
        cmocka_unit_test(test_subscription_out_of_memory_is_said),
        cmocka_unit_test(test_subscription_of_allowed_channels_passes),
        cmocka_unit_test(test_subscription_of_another_channel_is_forbidden),
        cmocka_unit_test(test_subscription_longest_name_fits_into_the_problem),
        cmocka_unit_test(test_subscription_leaves_out_channels_that_are_to_be_empty),
        cmocka_unit_test(test_subscription_of_empty_channels_only_is_the_nameless_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
