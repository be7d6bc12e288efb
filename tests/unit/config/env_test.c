#undef NDEBUG
#include "config/env.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static char long_name[130];

static const char *
lookup(const char *name)
{
    static const char *const pairs[][2] = {
        {"HOST", "db.example"}, {"EMPTY", ""}, {"BRACES", "${HOST}"}, {"_a9", "x"}, {NULL, NULL}};
    for (size_t i = 0; pairs[i][0] != NULL; i++) {
        if (str_equal(str_from(name), str_from(pairs[i][0]))) {
            return pairs[i][1];
        }
    }
    return str_equal(str_from(name), (struct str){long_name, 128}) ? "long" : NULL;
}

/* The outcome; where it is 0, `expected` is what came out. */
static int
expand(struct str text, const char *expected)
{
    struct buf out;
    struct str name = STR("?");
    buf_init(&out, 64);
    int err = env_expand(text, lookup, &out, &name);
    if (err == 0) {
        assert_true(str_equal(buf_str(&out), str_from(expected)));
    }
    if (err == ENV_E_UNSET) {
        assert_true(str_equal(name, str_from(expected)));
    } else {
        assert_true(str_equal(name, STR("?")));
    }
    buf_fini(&out);
    return err;
}

static void
test_env_expand_of_variables_gives_their_values(void **state)
{
    (void)state;
    assert_int_equal(expand(STR(""), ""), 0);
    assert_int_equal(expand(STR("plain"), "plain"), 0);
    assert_int_equal(expand(STR("${HOST}"), "db.example"), 0);
    assert_int_equal(expand(STR("a${HOST}b${_a9}c"), "adb.examplebxc"), 0);
    assert_int_equal(expand(STR("${EMPTY}"), ""), 0);
}

static void
test_env_expand_of_a_value_with_braces_does_not_expand_again(void **state)
{
    (void)state;
    assert_int_equal(expand(STR("${BRACES}"), "${HOST}"), 0);
}

static void
test_env_expand_with_a_default_takes_it_where_unset_or_empty(void **state)
{
    (void)state;
    assert_int_equal(expand(STR("${HOST:-x}"), "db.example"), 0);
    assert_int_equal(expand(STR("${NOBODY:-x}"), "x"), 0);
    assert_int_equal(expand(STR("${NOBODY:-}"), ""), 0);
    assert_int_equal(expand(STR("${EMPTY:-x}"), "x"), 0);
    assert_int_equal(expand(STR("${NOBODY:-redis://a:1/:-b}"), "redis://a:1/:-b"), 0);
    assert_int_equal(expand(STR("${NOBODY:-$HOST}"), "$HOST"), 0);
    assert_int_equal(expand(STR("${NOBODY:-{x}"), ""), ENV_E_NESTED);
    assert_int_equal(expand(STR("${NOBODY:-${HOST}}"), ""), ENV_E_NESTED);
    assert_int_equal(expand(STR("${HOST:-${HOST}}"), ""), ENV_E_NESTED);
}

static void
test_env_expand_of_literal_signs_keeps_them(void **state)
{
    (void)state;
    assert_int_equal(expand(STR("$${HOST}"), "${HOST}"), 0);
    assert_int_equal(expand(STR("$$$${HOST}"), "$$${HOST}"), 0);
    assert_int_equal(expand(STR("$HOST {HOST} $ } $$"), "$HOST {HOST} $ } $$"), 0);
    assert_int_equal(expand(STR("$"), "$"), 0);
}

static void
test_env_expand_of_an_unset_variable_names_it(void **state)
{
    (void)state;
    assert_int_equal(expand(STR("a ${NOBODY} b"), "NOBODY"), ENV_E_UNSET);
}

static void
test_env_expand_of_what_is_no_variable_is_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"${}",    "${ HOST}", "${9A}",  "${A-B}",
                                        "${A:B}", "${A:=b}",  "${:-x}", "${\xc3\xa9}"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_int_equal(expand(str_from(names[i]), ""), ENV_E_NAME);
    }
    assert_int_equal(expand(STR("${HO\0ST}"), ""), ENV_E_NAME);
    assert_int_equal(expand(STR("${"), ""), ENV_E_UNCLOSED);
    assert_int_equal(expand(STR("x ${HOST"), ""), ENV_E_UNCLOSED);
}

static void
test_env_expand_of_a_name_around_its_limit(void **state)
{
    (void)state;
    struct buf text;
    for (size_t i = 0; i < sizeof(long_name); i++) {
        long_name[i] = 'N';
    }
    for (size_t size = 127; size <= 129; size++) {
        long_name[size] = '\0';
        buf_init(&text, 200);
        assert_int_equal(buf_printf(&text, "${%s}", long_name), 0);
        int err = expand(buf_str(&text), size == 128 ? "long" : long_name);
        assert_int_equal(err, size == 127 ? ENV_E_UNSET : size == 128 ? 0 : ENV_E_NAME);
        buf_fini(&text);
        long_name[size] = 'N';
    }
}

static void
test_env_expand_beyond_the_buffers_limit_fails(void **state)
{
    (void)state;
    assert_int_equal(expand(STR("${HOST}${HOST}${HOST}${HOST}${HOST}${HOST}1234"),
                            "db.exampledb.exampledb.exampledb.exampledb.exampledb.example1234"),
                     0);
    assert_int_equal(expand(STR("${HOST}${HOST}${HOST}${HOST}${HOST}${HOST}12345"), ""), ERR_LIMIT);
    assert_int_equal(expand(STR("12345${HOST}${HOST}${HOST}${HOST}${HOST}${HOST}"), ""), ERR_LIMIT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_env_expand_of_variables_gives_their_values),
        cmocka_unit_test(test_env_expand_of_a_value_with_braces_does_not_expand_again),
        cmocka_unit_test(test_env_expand_with_a_default_takes_it_where_unset_or_empty),
        cmocka_unit_test(test_env_expand_of_literal_signs_keeps_them),
        cmocka_unit_test(test_env_expand_of_an_unset_variable_names_it),
        cmocka_unit_test(test_env_expand_of_what_is_no_variable_is_refused),
        cmocka_unit_test(test_env_expand_of_a_name_around_its_limit),
        cmocka_unit_test(test_env_expand_beyond_the_buffers_limit_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
