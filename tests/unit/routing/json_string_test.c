#undef NDEBUG
#include "routing/json_string.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define S(literal)                                                                                 \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    }

struct string_case {
    struct str raw;
    struct str plain;
};

static const struct string_case cases[] = {
    {S(""), S("")},
    {S("abc"), S("abc")},
    {S("ž€😀"), S("ž€😀")},
    {S("\\\"\\\\\\/"), S("\"\\/")},
    {S("\\b\\f\\n\\r\\t"), S("\b\f\n\r\t")},
    {S("a\\nb"), S("a\nb")},
    {S("\\u0041"), S("A")},
    {S("\\u0000"), S("\0")},
    {S("a\\u0000b"), S("a\0b")},
    {S("\\u007f\\u0080"), S("\x7f\xc2\x80")},
    {S("\\u07ff\\u0800"), S("\xdf\xbf\xe0\xa0\x80")},
    {S("\\u017E\\u017e"), S("žž")},
    {S("\\u20AC"), S("€")},
    {S("\\uffff"), S("\xef\xbf\xbf")},
    {S("\\ud7ff\\ue000"), S("\xed\x9f\xbf\xee\x80\x80")},
    {S("\\ud83d\\ude00"), S("😀")},
    {S("\\uD800\\uDC00"), S("\xf0\x90\x80\x80")},
    {S("\\uDBFF\\uDFFF"), S("\xf4\x8f\xbf\xbf")},
    {S("x\\ud83d\\ude00y"), S("x😀y")},
    {S("\\\\u0041"), S("\\u0041")},
};

static const char *const lone[] = {
    "\\ud800",        "\\udbff",        "\\udc00",         "\\udfff",
    "a\\ud800b",      "\\ud800\\n",     "\\ud800\\ud800",  "\\ud800\\u0041",
    "\\udc00\\ud800", "\\ud800\\ue000", "\\ud800\\\\dc00", "\\ud83d\\ude00\\ud83d",
};

static void
test_append_of_each_case_gives_what_it_stands_for(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf out;
        buf_init(&out, 64);
        assert_int_equal(json_string_append(cases[i].raw, &out), 0);
        if (!str_equal(buf_str(&out), cases[i].plain)) {
            fail_msg(STR_FMT ": " STR_FMT, STR_ARG(cases[i].raw), STR_ARG(buf_str(&out)));
        }
        buf_fini(&out);
    }
}

static void
test_equals_of_each_case_is_true_for_it_and_for_nothing_near(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char longer[64] = "";
        struct str plain = cases[i].plain;
        assert_true(json_string_equals(cases[i].raw, plain));
        memcpy(longer, plain.data, plain.size);
        assert_false(json_string_equals(cases[i].raw, (struct str){longer, plain.size + 1}));
        if (plain.size > 0) {
            assert_false(json_string_equals(cases[i].raw, (struct str){longer, plain.size - 1}));
            longer[plain.size - 1] ^= 1;
            assert_false(json_string_equals(cases[i].raw, (struct str){longer, plain.size}));
        }
    }
}

static void
test_append_of_a_lone_surrogate_fails_and_equals_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(lone) / sizeof(lone[0]); i++) {
        struct buf out;
        buf_init(&out, 64);
        if (json_string_append(str_from(lone[i]), &out) != ERR_SYNTAX) {
            fail_msg("%s is taken", lone[i]);
        }
        assert_false(json_string_equals(str_from(lone[i]), STR("")));
        assert_false(json_string_equals(str_from(lone[i]), buf_str(&out)));
        buf_fini(&out);
    }
}

static void
test_append_at_the_limit_is_done_and_beyond_fails(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 4);
    assert_int_equal(json_string_append(STR("ab\\n"), &out), 0);
    buf_clear(&out);
    assert_int_equal(json_string_append(STR("abc\\n"), &out), 0);
    buf_clear(&out);
    assert_int_equal(json_string_append(STR("abcd\\n"), &out), ERR_LIMIT);
    buf_fini(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_append_of_each_case_gives_what_it_stands_for),
        cmocka_unit_test(test_equals_of_each_case_is_true_for_it_and_for_nothing_near),
        cmocka_unit_test(test_append_of_a_lone_surrogate_fails_and_equals_nothing),
        cmocka_unit_test(test_append_at_the_limit_is_done_and_beyond_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
