#undef NDEBUG
#include "base/log_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define LOGFMT_HEAD "time=1970-01-01T00:00:01.002Z level=warn event=a.b"
#define JSON_HEAD   "{\"time\":\"1970-01-01T00:00:01.002Z\",\"level\":\"warn\",\"event\":\"a.b\""

static struct log_line line;

static void
begin(enum log_format format)
{
    log_line_begin(&line, format, 1002, LOG_WARN, "a.b");
}

static void
assert_line(const char *expected)
{
    log_line_end(&line);
    assert_int_equal(line.size, strlen(expected));
    assert_memory_equal(line.data, expected, line.size);
}

/* How the value looks in both formats. */
static void
assert_value(struct str value, const char *logfmt, const char *json)
{
    char expected[256];
    begin(LOG_LOGFMT);
    log_line_add(&line, &LOG_STR("k", value));
    (void)snprintf(expected, sizeof expected, LOGFMT_HEAD " k=%s\n", logfmt);
    assert_line(expected);
    begin(LOG_JSON);
    log_line_add(&line, &LOG_STR("k", value));
    (void)snprintf(expected, sizeof expected, JSON_HEAD ",\"k\":%s}\n", json);
    assert_line(expected);
}

static void
test_log_line_without_fields_has_time_level_and_event(void **state)
{
    (void)state;
    begin(LOG_LOGFMT);
    assert_line(LOGFMT_HEAD "\n");
    begin(LOG_JSON);
    assert_line(JSON_HEAD "}\n");
}

static void
test_log_line_numbers_reach_the_limits_of_their_types(void **state)
{
    (void)state;
    begin(LOG_LOGFMT);
    log_line_add(&line, &LOG_U64("u", UINT64_MAX));
    log_line_add(&line, &LOG_I64("i", INT64_MIN));
    assert_line(LOGFMT_HEAD " u=18446744073709551615 i=-9223372036854775808\n");
    begin(LOG_JSON);
    log_line_add(&line, &LOG_U64("u", 0));
    log_line_add(&line, &LOG_I64("i", -1));
    assert_line(JSON_HEAD ",\"u\":0,\"i\":-1}\n");
}

static void
test_log_line_plain_value_stands_bare_in_logfmt(void **state)
{
    (void)state;
    assert_value(STR("redis://h:1/0?a&b"), "redis://h:1/0?a&b", "\"redis://h:1/0?a&b\"");
}

static void
test_log_line_value_that_could_be_misread_is_quoted(void **state)
{
    (void)state;
    assert_value(STR_NULL, "\"\"", "\"\"");
    assert_value(STR("a b"), "\"a b\"", "\"a b\"");
    assert_value(STR("a=b"), "\"a=b\"", "\"a=b\"");
    assert_value(STR("a\"b"), "\"a\\\"b\"", "\"a\\\"b\"");
    assert_value(STR("a\\"), "\"a\\\\\"", "\"a\\\\\"");
    assert_value(STR("Größe"), "\"Größe\"", "\"Größe\"");
}

static void
test_log_line_value_cannot_forge_a_line_or_drive_a_terminal(void **state)
{
    (void)state;
    assert_value(STR("a\nlevel=info"), "\"a\\nlevel=info\"", "\"a\\nlevel=info\"");
    assert_value(STR("\r\t"), "\"\\r\\t\"", "\"\\r\\t\"");
    assert_value(STR("\0\x1B[0m"), "\"\\u0000\\u001b[0m\"", "\"\\u0000\\u001b[0m\"");
    assert_value(STR("\x7F\xC2\x9B"), "\"\\u007f\\u009b\"", "\"\\u007f\\u009b\"");
    assert_value(STR("\xE2\x80\xA8"), "\"\\u2028\"", "\"\\u2028\"");
}

static void
test_log_line_malformed_utf8_becomes_replacement_characters(void **state)
{
    (void)state;
    assert_value(STR("a\xFFz\xC3"), "\"a\uFFFDz\uFFFD\"", "\"a\uFFFDz\uFFFD\"");
}

/* How many bytes of a value of `size` letters 'x' stand in the line. */
static size_t
count_letters(enum log_format format, size_t size, bool *ret_is_cut)
{
    char value[LOG_VALUE_SIZE_MAX + 1];
    size_t letters = 0;
    memset(value, 'x', sizeof value);
    begin(format);
    log_line_add(&line, &LOG_STR("k", ((struct str){value, size})));
    log_line_end(&line);
    for (size_t i = 0; i < line.size; i++) {
        letters += line.data[i] == 'x';
    }
    *ret_is_cut = memmem(line.data, line.size, "…\"", strlen("…\"")) != NULL;
    return letters;
}

static void
test_log_line_value_around_its_limit_is_cut_behind_it(void **state)
{
    (void)state;
    for (enum log_format format = LOG_LOGFMT; format <= LOG_JSON; format++) {
        bool is_cut;
        assert_int_equal(count_letters(format, LOG_VALUE_SIZE_MAX - 1, &is_cut),
                         LOG_VALUE_SIZE_MAX - 1);
        assert_false(is_cut);
        assert_int_equal(count_letters(format, LOG_VALUE_SIZE_MAX, &is_cut), LOG_VALUE_SIZE_MAX);
        assert_false(is_cut);
        assert_int_equal(count_letters(format, LOG_VALUE_SIZE_MAX + 1, &is_cut),
                         LOG_VALUE_SIZE_MAX);
        assert_true(is_cut);
    }
}

static void
test_log_line_that_is_full_leaves_whole_fields_out_and_says_so(void **state)
{
    char value[LOG_VALUE_SIZE_MAX];
    (void)state;
    memset(value, '\n', sizeof value);
    begin(LOG_JSON);
    for (int i = 0; i < 10; i++) {
        log_line_add(&line, &LOG_STR("k", ((struct str){value, sizeof value})));
    }
    log_line_add(&line, &LOG_U64("last", 7)); /* a small one still fits */
    log_line_end(&line);
    assert_true(line.size <= LOG_LINE_SIZE_MAX);
    static const char end[] = "…\",\"last\":7,\"truncated\":true}\n";
    assert_memory_equal(line.data + line.size - strlen(end), end, strlen(end));
}

static void
test_log_line_filled_byte_by_byte_never_exceeds_its_size(void **state)
{
    (void)state;
    for (size_t step = 1; step < 64; step++) {
        char value[64];
        memset(value, 'x', sizeof value);
        begin(LOG_LOGFMT);
        while (!line.is_truncated) {
            log_line_add(&line, &LOG_STR("k", ((struct str){value, step})));
        }
        log_line_end(&line);
        assert_true(line.size <= LOG_LINE_SIZE_MAX);
        static const char end[] = " truncated=true\n";
        assert_memory_equal(line.data + line.size - strlen(end), end, strlen(end));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_line_without_fields_has_time_level_and_event),
        cmocka_unit_test(test_log_line_numbers_reach_the_limits_of_their_types),
        cmocka_unit_test(test_log_line_plain_value_stands_bare_in_logfmt),
        cmocka_unit_test(test_log_line_value_that_could_be_misread_is_quoted),
        cmocka_unit_test(test_log_line_value_cannot_forge_a_line_or_drive_a_terminal),
        cmocka_unit_test(test_log_line_malformed_utf8_becomes_replacement_characters),
        cmocka_unit_test(test_log_line_value_around_its_limit_is_cut_behind_it),
        cmocka_unit_test(test_log_line_that_is_full_leaves_whole_fields_out_and_says_so),
        cmocka_unit_test(test_log_line_filled_byte_by_byte_never_exceeds_its_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
