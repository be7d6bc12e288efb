#undef NDEBUG
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct utf8_case {
    struct str bytes;
    uint32_t code_point;
};

/* The first and the last code point of each length, and around the surrogates. */
static const struct utf8_case utf8_good[] = {
    {{"\x00", 1}, 0},
    {{"\x7F", 1}, 0x7F},
    {{"\xC2\x80", 2}, 0x80},
    {{"\xDF\xBF", 2}, 0x7FF},
    {{"\xE0\xA0\x80", 3}, 0x800},
    {{"\xED\x9F\xBF", 3}, 0xD7FF},
    {{"\xEE\x80\x80", 3}, 0xE000},
    {{"\xEF\xBF\xBF", 3}, 0xFFFF},
    {{"\xF0\x90\x80\x80", 4}, 0x10000},
    {{"\xF4\x8F\xBF\xBF", 4}, 0x10FFFF},
};

static const struct str utf8_bad[] = {
    {"\x80", 1},                 /* a continuation byte alone */
    {"\xBF", 1},                 /* the last of them */
    {"\xC0\x80", 2},             /* overlong NUL */
    {"\xC1\xBF", 2},             /* overlong U+007F */
    {"\xE0\x9F\xBF", 3},         /* overlong U+07FF */
    {"\xF0\x8F\xBF\xBF", 4},     /* overlong U+FFFF */
    {"\xED\xA0\x80", 3},         /* U+D800 */
    {"\xED\xBF\xBF", 3},         /* U+DFFF */
    {"\xF4\x90\x80\x80", 4},     /* U+110000 */
    {"\xF5\x80\x80\x80", 4},     /* a lead above all code points */
    {"\xF8\x88\x80\x80\x80", 5}, /* five bytes */
    {"\xFF", 1},                 /* never a byte of UTF-8 */
    {"\xC2\x41", 2},             /* no continuation */
    {"\xE2\x82\x41", 3},         /* a second that is none */
};

static void
test_utf8_decode_of_each_lengths_limits_gives_the_code_point(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof utf8_good / sizeof *utf8_good; i++) {
        uint32_t code_point = UINT32_MAX;
        assert_int_equal(utf8_decode(utf8_good[i].bytes, &code_point), utf8_good[i].bytes.size);
        assert_int_equal(code_point, utf8_good[i].code_point);
        assert_true(utf8_is_valid(utf8_good[i].bytes));
    }
}

static void
test_utf8_cut_short_is_malformed(void **state)
{
    uint32_t untouched = 42;
    (void)state;
    for (size_t i = 0; i < sizeof utf8_good / sizeof *utf8_good; i++) {
        struct str cut = {utf8_good[i].bytes.data, utf8_good[i].bytes.size - 1};
        assert_int_equal(utf8_decode(cut, &untouched), 0);
        assert_int_equal(utf8_is_valid(cut), cut.size == 0);
    }
    assert_int_equal(untouched, 42);
}

static void
test_utf8_malformed_is_refused_wherever_it_stands(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof utf8_bad / sizeof *utf8_bad; i++) {
        uint32_t untouched = 42;
        assert_int_equal(utf8_decode(utf8_bad[i], &untouched), 0);
        assert_int_equal(untouched, 42);
        for (size_t before = 0; before < 20; before++) {
            char text[64];
            memset(text, 'a', sizeof text);
            memcpy(text + before, utf8_bad[i].data, utf8_bad[i].size);
            assert_false(utf8_is_valid((struct str){text, sizeof text}));
        }
    }
}

static void
test_utf8_mixed_text_is_valid(void **state)
{
    (void)state;
    assert_true(utf8_is_valid(STR_NULL));
    assert_true(utf8_is_valid(STR("plain ASCII that is longer than a word")));
    assert_true(utf8_is_valid(STR("Größe: 3 µm, 日本語, 🙂 and ASCII again at the end")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf8_decode_of_each_lengths_limits_gives_the_code_point),
        cmocka_unit_test(test_utf8_cut_short_is_malformed),
        cmocka_unit_test(test_utf8_malformed_is_refused_wherever_it_stands),
        cmocka_unit_test(test_utf8_mixed_text_is_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
