#undef NDEBUG
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
test_err_text_of_zero_is_done(void **state)
{
    (void)state;
    assert_string_equal(err_text(0), "done");
}

static void
test_err_text_of_each_code_is_its_own_sentence(void **state)
{
    (void)state;
    for (int code = -1; code >= -ERR_INDEX_COUNT; code--) {
        assert_non_null(err_text(code));
        for (int other = code + 1; other <= 0; other++) {
            assert_string_not_equal(err_text(code), err_text(other));
        }
    }
}

static void
test_err_text_beyond_the_table_is_a_sentence_too(void **state)
{
    (void)state;
    assert_string_equal(err_text(-ERR_INDEX_COUNT - 1), "unknown failure");
    assert_string_equal(err_text(1), "unknown failure");
}

static void
test_err_codes_are_negative_and_named_by_the_table(void **state)
{
    (void)state;
    assert_int_equal(ERR_MEMORY, -1);
    assert_string_equal(err_text(ERR_MEMORY), "out of memory");
    assert_string_equal(err_text(ERR_SYNTAX), "the input is malformed");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_err_text_of_zero_is_done),
        cmocka_unit_test(test_err_text_of_each_code_is_its_own_sentence),
        cmocka_unit_test(test_err_text_beyond_the_table_is_a_sentence_too),
        cmocka_unit_test(test_err_codes_are_negative_and_named_by_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
