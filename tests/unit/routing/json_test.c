#undef NDEBUG
#include "pointer_from_text.h"
#include "problem_text.h"
#include "routing/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* RFC 6901, section 5. */
static const char rfc_document[] = "{\n"
                                   "   \"foo\": [\"bar\", \"baz\"],\n"
                                   "   \"\": 0,\n"
                                   "   \"a/b\": 1,\n"
                                   "   \"c%d\": 2,\n"
                                   "   \"e^f\": 3,\n"
                                   "   \"g|h\": 4,\n"
                                   "   \"i\\\\j\": 5,\n"
                                   "   \"k\\\"l\": 6,\n"
                                   "   \" \": 7,\n"
                                   "   \"m~n\": 8\n"
                                   "}";

static const char own_document[] =
    "{\"n\":[0,-1.50,1e3],\"s\":\"a\\n\\u00e9\",\"t\":true,\"f\":false,\"z\":null,"
    "\"o\":{\"p\":{\"q\":\"deep\"},\"list\":[[1,[2,{\"x\":3}]],{}]},\"e\":[],\"d\":1,\"d\":2,"
    "\"\\u0061b\":\"escaped\",\"10\":{\"0\":\"zero\"},\"\\ud800\":\"lone\",\"~1\":\"tilde\","
    "\"last\":9}";

struct find_case {
    const char *document;
    const char *pointer;
    enum json_kind kind;
    const char *text; /* NULL: there is none */
};

static const struct find_case cases[] = {
    {rfc_document, "", JSON_OBJECT, rfc_document},
    {rfc_document, "/foo", JSON_ARRAY, "[\"bar\", \"baz\"]"},
    {rfc_document, "/foo/0", JSON_STRING, "bar"},
    {rfc_document, "/", JSON_NUMBER, "0"},
    {rfc_document, "/a~1b", JSON_NUMBER, "1"},
    {rfc_document, "/c%d", JSON_NUMBER, "2"},
    {rfc_document, "/e^f", JSON_NUMBER, "3"},
    {rfc_document, "/g|h", JSON_NUMBER, "4"},
    {rfc_document, "/i\\j", JSON_NUMBER, "5"},
    {rfc_document, "/k\"l", JSON_NUMBER, "6"},
    {rfc_document, "/ ", JSON_NUMBER, "7"},
    {rfc_document, "/m~0n", JSON_NUMBER, "8"},
    {rfc_document, "/foo/1", JSON_STRING, "baz"},
    {rfc_document, "/foo/2", 0, NULL},
    {rfc_document, "/foo/-", 0, NULL},
    {rfc_document, "/foo/", 0, NULL},
    {rfc_document, "/foo/00", 0, NULL},
    {rfc_document, "/foo/01", 0, NULL},
    {rfc_document, "/foo/+1", 0, NULL},
    {rfc_document, "/foo/1.0", 0, NULL},
    {rfc_document, "/foo/99999999999999999999999", 0, NULL},
    {rfc_document, "/foo/0/0", 0, NULL},
    {rfc_document, "/bar", 0, NULL}, /* a value is no key */
    {rfc_document, "/0", 0, NULL},
    {rfc_document, "//", 0, NULL},
    {own_document, "/n/0", JSON_NUMBER, "0"},
    {own_document, "/n/1", JSON_NUMBER, "-1.50"},
    {own_document, "/n/2", JSON_NUMBER, "1e3"},
    {own_document, "/s", JSON_STRING, "a\\n\\u00e9"},
    {own_document, "/t", JSON_TRUE, "true"},
    {own_document, "/f", JSON_FALSE, "false"},
    {own_document, "/z", JSON_NULL, "null"},
    {own_document, "/z/a", 0, NULL},
    {own_document, "/o/p/q", JSON_STRING, "deep"},
    {own_document, "/o/list", JSON_ARRAY, "[[1,[2,{\"x\":3}]],{}]"},
    {own_document, "/o/list/0/1/1/x", JSON_NUMBER, "3"},
    {own_document, "/o/list/1", JSON_OBJECT, "{}"},
    {own_document, "/o/list/1/x", 0, NULL},
    {own_document, "/o/list/2", 0, NULL},
    {own_document, "/o/q", 0, NULL},
    {own_document, "/e", JSON_ARRAY, "[]"},
    {own_document, "/e/0", 0, NULL},
    {own_document, "/d", JSON_NUMBER, "2"},
    {own_document, "/ab", JSON_STRING, "escaped"},
    {own_document, "/10/0", JSON_STRING, "zero"},
    {own_document, "/~01", JSON_STRING, "tilde"}, /* ~01 is "~1", not "/" */
    {own_document, "/last", JSON_NUMBER, "9"},
    {"5", "", JSON_NUMBER, "5"},
    {" \"x\" ", "", JSON_STRING, "x"},
    {"null", "", JSON_NULL, "null"},
    {"5", "/a", 0, NULL},
    {"[[],[[7]]]", "/1/0/0", JSON_NUMBER, "7"},
    {"{\"a\":{\"b\":1},\"b\":2}", "/b", JSON_NUMBER, "2"},
    {"{\"a\":\"b\",\"b\":\"c\"}", "/b", JSON_STRING, "c"},
};

static void
check_case(struct json *j, const struct find_case *c)
{
    struct json_pointer pointer = pointer_from_text(c->pointer);
    struct json_value value;
    assert_int_equal(json_parse(j, str_from(c->document)), 0);
    int found = json_find(j, &pointer, &value);
    if (found != (c->text == NULL ? JSON_E_NONE : 0)) {
        fail_msg("%s in %s: %d", c->pointer, c->document, found);
    }
    if (found == 0) {
        assert_int_equal(value.kind, c->kind);
        assert_true(str_equal(value.text, str_from(c->text)));
    }
    json_pointer_fini(&pointer);
}

static void
test_find_of_each_case_gives_its_value(void **state)
{
    (void)state;
    struct json *j = json_new();
    assert_non_null(j);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check_case(j, &cases[i]);
    }
    json_free(j);
}

static void
test_find_after_a_document_that_is_none_gives_nothing(void **state)
{
    (void)state;
    struct json *j = json_new();
    struct json_pointer whole = pointer_from_text("");
    struct json_value value;
    assert_non_null(j);
    assert_int_equal(json_find(j, &whole, &value), JSON_E_NONE);
    assert_int_equal(json_parse(j, STR("[1]")), 0);
    assert_int_equal(json_find(j, &whole, &value), 0);
    assert_int_equal(json_parse(j, STR("[1")), ERR_SYNTAX);
    assert_int_equal(json_find(j, &whole, &value), JSON_E_NONE);
    json_pointer_fini(&whole);
    json_free(j);
}

/* An array of `count` - 1 numbers: with itself `count` tokens. */
static int
parse_tokens(struct json *j, size_t count, char *text)
{
    memset(text, ',', count * 2);
    text[0] = '[';
    for (size_t i = 1; i < count; i++) {
        text[2 * i - 1] = '7';
    }
    text[2 * (count - 1)] = ']';
    return json_parse(j, (struct str){text, 2 * count - 1});
}

static void
test_parse_of_tokens_at_the_limit_is_done_and_beyond_fails(void **state)
{
    (void)state;
    struct json *j = json_new();
    struct json_pointer last = pointer_from_text("/65534");
    struct json_value value;
    static char text[2 * (JSON_TOKENS_MAX + 1)];
    assert_non_null(j);
    assert_int_equal(parse_tokens(j, JSON_TOKENS_MAX - 1, text), 0);
    assert_int_equal(json_find(j, &last, &value), JSON_E_NONE);
    assert_int_equal(parse_tokens(j, JSON_TOKENS_MAX, text), 0);
    assert_int_equal(json_find(j, &last, &value), 0);
    assert_int_equal(parse_tokens(j, JSON_TOKENS_MAX + 1, text), ERR_LIMIT);
    json_pointer_fini(&last);
    json_free(j);
}

struct pointer_problem {
    const char *text;
    const char *line;
};

static const struct pointer_problem pointer_problems[] = {
    {"total", "at: \"total\" is no JSON pointer: it begins with a slash, as in /order/total"},
    {"#/a", "it begins with a slash"},
    {"/a~", "write ~0 for a tilde, ~1 for a slash within a name"},
    {"/a~2b", "write ~0 for a tilde"},
    {"/~~0", "write ~0 for a tilde"},
};

static void
test_pointer_init_of_each_bad_text_reports_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(pointer_problems) / sizeof(pointer_problems[0]); i++) {
        struct problem_text problems;
        struct json_pointer pointer;
        problem_text_init(&problems);
        assert_int_equal(
            json_pointer_init(&pointer, str_from(pointer_problems[i].text), &problems.report),
            ERR_CONFIG);
        problem_text_expect(&problems, (const char *[]){pointer_problems[i].line, NULL});
        problem_text_fini(&problems);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find_of_each_case_gives_its_value),
        cmocka_unit_test(test_find_after_a_document_that_is_none_gives_nothing),
        cmocka_unit_test(test_parse_of_tokens_at_the_limit_is_done_and_beyond_fails),
        cmocka_unit_test(test_pointer_init_of_each_bad_text_reports_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
