#undef NDEBUG
#include "base/channel_name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
test_channel_name_around_its_size_limits(void **state)
{
    char name[CHANNEL_NAME_SIZE_MAX + 1];
    (void)state;
    memset(name, 'a', sizeof name);
    assert_false(channel_name_is_valid(STR_NULL));
    assert_true(channel_name_is_valid((struct str){name, 1}));
    assert_true(channel_name_is_valid((struct str){name, CHANNEL_NAME_SIZE_MAX - 1}));
    assert_true(channel_name_is_valid((struct str){name, CHANNEL_NAME_SIZE_MAX}));
    assert_false(channel_name_is_valid((struct str){name, CHANNEL_NAME_SIZE_MAX + 1}));
}

static void
test_channel_name_of_any_printable_text_is_valid(void **state)
{
    (void)state;
    assert_true(channel_name_is_valid(STR("orders/7 a.b:c%?#{x}")));
    assert_true(channel_name_is_valid(STR("Aufträge/日本/🙂")));
    assert_true(channel_name_is_valid(STR("~")));            /* U+007E */
    assert_true(channel_name_is_valid(STR("\xC2\xA0")));     /* U+00A0 */
    assert_true(channel_name_is_valid(STR("\xE2\x80\xA7"))); /* U+2027 */
    assert_true(channel_name_is_valid(STR("\xE2\x80\xAA"))); /* U+202A */
}

static void
test_channel_name_with_a_control_character_is_refused(void **state)
{
    (void)state;
    for (char c = 0; c < 0x20; c++) {
        char name[] = {'a', c, 'b'};
        assert_false(channel_name_is_valid((struct str){name, sizeof name}));
    }
    assert_false(channel_name_is_valid(STR("\x7F")));
    assert_false(channel_name_is_valid(STR("\xC2\x80")));
    assert_false(channel_name_is_valid(STR("\xC2\x9F")));
    assert_false(channel_name_is_valid(STR("a\xE2\x80\xA8")));
    assert_false(channel_name_is_valid(STR("a\xE2\x80\xA9")));
}

static void
test_channel_name_of_malformed_utf8_is_refused(void **state)
{
    (void)state;
    assert_false(channel_name_is_valid(STR("a\xFF")));
    assert_false(channel_name_is_valid(STR("\xC3")));
    assert_false(channel_name_is_valid(STR("\xED\xA0\x80")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_channel_name_around_its_size_limits),
        cmocka_unit_test(test_channel_name_of_any_printable_text_is_valid),
        cmocka_unit_test(test_channel_name_with_a_control_character_is_refused),
        cmocka_unit_test(test_channel_name_of_malformed_utf8_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
