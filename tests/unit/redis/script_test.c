#undef NDEBUG
#include "redis/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
test_script_words_are_the_text_first_and_the_digest_then(void **state)
{
    struct redis_script s;
    struct str words[2];
    (void)state;
    assert_int_equal(redis_script_init(&s, STR("return 1")), 0);
    redis_script_words(&s, false, words);
    assert_true(str_equal(words[0], STR("EVAL")));
    assert_true(str_equal(words[1], STR("return 1")));
    redis_script_words(&s, true, words);
    assert_true(str_equal(words[0], STR("EVALSHA")));
    assert_true(str_equal(words[1], STR("e0e1f9fabfc9d4800c877a703b823ac0578ff8db")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_script_words_are_the_text_first_and_the_digest_then),
    };
    return cmocka_run_group_tests_name("redis.script", tests, NULL, NULL);
}
