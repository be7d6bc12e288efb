#undef NDEBUG
#include "routing/json_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const char *const good[] = {
    "0",
    "-0",
    "10",
    "-1.5e+10",
    "1E5",
    "0.0",
    "true",
    "false",
    "null",
    "\"\"",
    "\"a\"",
    " \t\r\n1 \t\r\n",
    "[]",
    "[ ]",
    "{}",
    "{ }",
    "[1]",
    "[1,2 , 3]",
    "[[],[[]]]",
    "{\"a\":1}",
    "{\"a\" : 1 , \"b\" : [ ] }",
    "{\"\":{\"\":{}}}",
    "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u12aF\"",
    "\"\x7f\"",
    "\"ž€😀\"",
    "\"\\ud800\"", /* is JSON; it only stands for nothing */
    "{\"a\":1,\"a\":2}",
};

static const char *const bad[] = {
    "",
    " ",
    "[",
    "]",
    "{",
    "}",
    "[1",
    "[1,]",
    "[,1]",
    "[,]",
    "[1 2]",
    "[1}",
    "{1:2}",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{\"a\" 1}",
    "{,}",
    "{a:1}",
    "{'a':1}",
    "{\"a\":1 \"b\":2}",
    "{null:1}",
    "01",
    "-",
    "-a",
    "+1",
    ".5",
    "5.",
    "5.e1",
    "5e",
    "5e+",
    "1.2.3",
    "0x10",
    "NaN",
    "Infinity",
    "-Infinity",
    "nul",
    "nulll",
    "True",
    "tru",
    "undefined",
    "\"",
    "\"a",
    "\"\\\"",
    "\"\\a\"",
    "\"\\u12\"",
    "\"\\u12g4\"",
    "\"\\U1234\"",
    "\"\n\"",
    "\"\t\"",
    "\"\x1f\"",
    "1 2",
    "1,2",
    "{}{}",
    "[]]",
    "\xef\xbb\xbf{}", /* a byte order mark */
    "//x\n1",
    "/**/1",
    "[1]x",
};

static void
test_check_of_json_passes(void **state)
{
    (void)state;
    size_t tokens;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        if (json_check(str_from(good[i]), 100, &tokens) != 0) {
            fail_msg("%s is refused", good[i]);
        }
    }
}

static void
test_check_of_anything_else_fails(void **state)
{
    (void)state;
    size_t tokens;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (json_check(str_from(bad[i]), 100, &tokens) != ERR_SYNTAX) {
            fail_msg("%s is taken", bad[i]);
        }
    }
}

/* No prefix of these documents is one, so each must be refused without reading behind its end. */
static void
test_check_of_each_prefix_fails(void **state)
{
    (void)state;
    struct str whole = STR("{\"a\":[1.5e+3,true,\"\\u00e9\\n\"],\"b\":{\"c\":null,\"d\":-0}}");
    size_t tokens;
    for (size_t size = 0; size < whole.size; size++) {
        char *prefix = malloc(size + 1); /* so that a sanitizer sees a read behind it */
        assert_non_null(prefix);
        memcpy(prefix + 1, whole.data, size);
        assert_int_equal(json_check((struct str){prefix + 1, size}, 100, &tokens), ERR_SYNTAX);
        free(prefix);
    }
    assert_int_equal(json_check(whole, 100, &tokens), 0);
    assert_int_equal(tokens, 12);
}

static void
test_check_of_a_nul_byte_fails(void **state)
{
    (void)state;
    size_t tokens;
    assert_int_equal(json_check(STR("1\0"), 9, &tokens), ERR_SYNTAX);
    assert_int_equal(json_check(STR("\0"), 9, &tokens), ERR_SYNTAX);
    assert_int_equal(json_check(STR("[1\0,2]"), 9, &tokens), ERR_SYNTAX);
    assert_int_equal(json_check(STR("\"\0\""), 9, &tokens), ERR_SYNTAX);
    assert_int_equal(json_check(STR("{\"a\"\0:1}"), 9, &tokens), ERR_SYNTAX);
}

static void
test_check_of_tokens_at_the_limit_passes_and_beyond_fails(void **state)
{
    (void)state;
    size_t tokens = 0;
    struct str text = STR("{\"a\":[1,2]}"); /* object, key, array, two numbers */
    assert_int_equal(json_check(text, 4, &tokens), ERR_LIMIT);
    assert_int_equal(json_check(text, 5, &tokens), 0);
    assert_int_equal(tokens, 5);
    assert_int_equal(json_check(text, 6, &tokens), 0);
}

static int
check_depth(int depth)
{
    char text[2 * (JSON_DEPTH_MAX + 1)];
    size_t tokens;
    memset(text, '[', (size_t)depth);
    memset(text + depth, ']', (size_t)depth);
    return json_check((struct str){text, (size_t)depth * 2}, 1000, &tokens);
}

static void
test_check_of_a_depth_at_the_limit_passes_and_beyond_fails(void **state)
{
    (void)state;
    assert_int_equal(check_depth(JSON_DEPTH_MAX - 1), 0);
    assert_int_equal(check_depth(JSON_DEPTH_MAX), 0);
    assert_int_equal(check_depth(JSON_DEPTH_MAX + 1), ERR_LIMIT);
}

static void
test_check_of_many_shallow_lists_counts_no_depth(void **state)
{
    (void)state;
    char text[1000];
    size_t size = 0;
    size_t tokens = 0;
    text[size++] = '[';
    for (int i = 0; i < 200; i++) {
        size += (size_t)snprintf(text + size, 5, "%s[]", i > 0 ? "," : "");
    }
    text[size++] = ']';
    assert_int_equal(json_check((struct str){text, size}, 1000, &tokens), 0);
    assert_int_equal(tokens, 201);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check_of_json_passes),
        cmocka_unit_test(test_check_of_anything_else_fails),
        cmocka_unit_test(test_check_of_each_prefix_fails),
        cmocka_unit_test(test_check_of_a_nul_byte_fails),
        cmocka_unit_test(test_check_of_tokens_at_the_limit_passes_and_beyond_fails),
        cmocka_unit_test(test_check_of_a_depth_at_the_limit_passes_and_beyond_fails),
        cmocka_unit_test(test_check_of_many_shallow_lists_counts_no_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
