#undef NDEBUG
#include "http/syntax.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
test_syntax_token_is_what_rfc_9110_lists(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        bool is_mark = c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL;
        assert_int_equal(syntax_is_token((char)c), is_letter || is_mark);
    }
}

static void
test_syntax_field_value_has_no_controls(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        assert_int_equal(syntax_is_field_value((char)c), c == '\t' || (c >= ' ' && c != 0x7f));
        assert_int_equal(syntax_is_visible((char)c), c > ' ' && c < 0x7f);
    }
}

static void
test_syntax_hex_takes_both_cases(void **state)
{
    (void)state;
    assert_int_equal(syntax_hex('0'), 0);
    assert_int_equal(syntax_hex('9'), 9);
    assert_int_equal(syntax_hex('a'), 10);
    assert_int_equal(syntax_hex('F'), 15);
    assert_int_equal(syntax_hex('g'), -1);
    assert_int_equal(syntax_hex('@'), -1);
    assert_int_equal(syntax_hex('\0'), -1);
    assert_int_equal(syntax_hex('\x10'), -1); /* '0' without the bit that tells letters' cases */
}

static void
test_syntax_trim_takes_blanks_and_tabs_only(void **state)
{
    (void)state;
    assert_true(str_equal(syntax_trim(STR(" \t a b\t ")), STR("a b")));
    assert_true(str_equal(syntax_trim(STR("  \t")), STR("")));
    assert_true(str_equal(syntax_trim(STR("\na")), STR("\na")));
    assert_int_equal(syntax_trim(STR_NULL).size, 0);
}

static void
test_syntax_authority_takes_hosts_with_and_without_port(void **state)
{
    static const struct str valid[] = {
        {"", 0},
        {"example.com", 11},
        {"example.com:8080", 16},
        {"example.com:", 12}, /* RFC 3986 3.2.3: the port may be empty */
        {"127.0.0.1:80", 12},
        {"[::1]", 5},
        {"[2001:db8::7]:443", 17},
        {"a%20b", 5},
        {"x_y~z", 5},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++) {
        if (!syntax_is_authority(valid[i])) {
            fail_msg("refused: " STR_FMT, STR_ARG(valid[i]));
        }
    }
}

static void
test_syntax_authority_refuses_everything_else(void **state)
{
    static const struct str invalid[] = {
        {"a b", 3},    {"a/b", 3},    {"user@host", 9}, {"a?b", 3},  {"a#b", 3},
        {":80", 3},    {"a:8x", 4},   {"a:80:90", 7},   {"[::1", 4}, {"[]", 2},
        {"[::1]x", 6}, {"[::1/]", 6}, {"[::1]:x", 7},   {"a%2", 3},  {"a%zz", 4},
        {"a,b c", 5},  {"a\0b", 3},   {"\xC3\xA4", 2},  {"a\\b", 3}, {"<x>", 3},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++) {
        if (syntax_is_authority(invalid[i])) {
            fail_msg("taken: " STR_FMT, STR_ARG(invalid[i]));
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_syntax_token_is_what_rfc_9110_lists),
        cmocka_unit_test(test_syntax_field_value_has_no_controls),
        cmocka_unit_test(test_syntax_hex_takes_both_cases),
        cmocka_unit_test(test_syntax_trim_takes_blanks_and_tabs_only),
        cmocka_unit_test(test_syntax_authority_takes_hosts_with_and_without_port),
        cmocka_unit_test(test_syntax_authority_refuses_everything_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
