#undef NDEBUG
#include "redis/reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LIMIT = 4096, TWICE_LIMIT = 8192, SHOWN_SIZE = 8192 };

/* A reply as text: "text", 'status', !error, 5, nil, [..]. */
static size_t
show(const struct redis_reply *r, char *to, size_t size)
{
    size_t used = 0;
    switch (r->type) {
    case REDIS_TYPE_STRING:
        return (size_t)snprintf(to, size, "\"" STR_FMT "\"", STR_ARG(r->text));
    case REDIS_TYPE_STATUS:
        return (size_t)snprintf(to, size, "'" STR_FMT "'", STR_ARG(r->text));
    case REDIS_TYPE_ERROR:
        return (size_t)snprintf(to, size, "!" STR_FMT, STR_ARG(r->text));
    case REDIS_TYPE_INTEGER:
        return (size_t)snprintf(to, size, "%lld", (long long)r->integer);
    case REDIS_TYPE_NIL:
        return (size_t)snprintf(to, size, "nil");
    case REDIS_TYPE_ARRAY:
        used += (size_t)snprintf(to, size, "[");
        for (size_t i = 0; i < r->length; i++) {
            used += show(&r->items[i], to + used, size - used);
            used += (size_t)snprintf(to + used, size - used, i + 1 < r->length ? " " : "");
        }
        return used + (size_t)snprintf(to + used, size - used, "]");
    }
    return 0;
}

/* Feeds pieces of `step` bytes; what came out, one after another; returns the last outcome. */
static int
read_in_steps(struct redis_parser *p, const char *bytes, size_t size, size_t step, char *ret_shown)
{
    size_t used = 0;
    ret_shown[0] = '\0';
    for (size_t at = 0; at < size; at += step) {
        size_t piece = size - at < step ? size - at : step;
        const struct redis_reply *reply = NULL;
        int err = redis_parser_feed(p, (struct str){bytes + at, piece});
        while (err == 0 && (err = redis_parser_next(p, &reply)) == 0 && reply != NULL) {
            used += show(reply, ret_shown + used, SHOWN_SIZE - used);
            used += (size_t)snprintf(ret_shown + used, SHOWN_SIZE - used, ";");
        }
        if (err != 0) {
            return err;
        }
    }
    return 0;
}

static int
read_all(const char *bytes, size_t step, char *ret_shown)
{
    struct redis_parser *p = redis_parser_new(LIMIT);
    assert_non_null(p);
    int err = read_in_steps(p, bytes, strlen(bytes), step, ret_shown);
    redis_parser_free(p);
    return err;
}

static void
expect(const char *bytes, const char *shown)
{
    char got[SHOWN_SIZE];
    const size_t steps[] = {strlen(bytes), 1, 2, 3};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        assert_int_equal(read_all(bytes, steps[i], got), 0);
        assert_string_equal(got, shown);
    }
}

static void
expect_failure(const char *bytes, int failure)
{
    char got[SHOWN_SIZE];
    assert_int_equal(read_all(bytes, strlen(bytes), got), failure);
    assert_int_equal(read_all(bytes, 1, got), failure);
}

static void
test_reply_every_type_is_read_whole_and_in_pieces(void **state)
{
    (void)state;
    expect("+OK\r\n", "'OK';");
    expect("+\r\n", "'';");
    expect("-ERR no such thing\r\n", "!ERR no such thing;");
    expect(":-42\r\n", "-42;");
    expect("$5\r\nhe\r\no\r\n", "\"he\r\no\";");
    expect("$0\r\n\r\n", "\"\";");
    expect("$-1\r\n", "nil;");
    expect("*-1\r\n", "nil;");
    expect("*0\r\n", "[];");
    expect("*3\r\n$1\r\na\r\n:1\r\n$-1\r\n", "[\"a\" 1 nil];");
    expect("*2\r\n*1\r\n+a\r\n*2\r\n*0\r\n-b\r\n", "[['a'] [[] !b]];");
    expect("+a\r\n+b\r\n:3\r\n", "'a';'b';3;");
}

static void
test_reply_bytes_of_any_kind_stay_what_they_are(void **state)
{
    (void)state;
    static const char bytes[] = "$4\r\n\0\r\n\xff\r\n";
    struct redis_parser *p = redis_parser_new(LIMIT);
    const struct redis_reply *reply = NULL;
    assert_int_equal(redis_parser_feed(p, (struct str){bytes, sizeof bytes - 1}), 0);
    assert_int_equal(redis_parser_next(p, &reply), 0);
    assert_non_null(reply);
    assert_true(str_equal(reply->text, (struct str){"\0\r\n\xff", 4}));
    redis_parser_free(p);
}

static void
test_reply_garbage_is_a_broken_protocol(void **state)
{
    (void)state;
    expect_failure("HTTP/1.1 200 OK\r\n", ERR_PROTOCOL);
    expect_failure("\r\n\r\n", ERR_PROTOCOL);
    expect_failure("$x\r\n", ERR_PROTOCOL);
    expect_failure("$-2\r\n", ERR_PROTOCOL);
    expect_failure("*-2\r\n", ERR_PROTOCOL);
    expect_failure("*99999999999999999999\r\n", ERR_PROTOCOL);
}

static void
test_reply_of_another_protocol_version_is_refused(void **state)
{
    (void)state;
    expect_failure("%1\r\n+a\r\n+b\r\n", ERR_PROTOCOL);
    expect_failure("~1\r\n+a\r\n", ERR_PROTOCOL);
    expect_failure(">1\r\n+a\r\n", ERR_PROTOCOL);
    expect_failure(",1.5\r\n", ERR_PROTOCOL);
    expect_failure("#t\r\n", ERR_PROTOCOL);
    expect_failure("(12345678901234567890123\r\n", ERR_PROTOCOL);
    expect_failure("=7\r\ntxt:abc\r\n", ERR_PROTOCOL);
    expect_failure("*1\r\n#t\r\n", ERR_PROTOCOL);
}

static void
test_reply_nesting_has_a_limit(void **state)
{
    (void)state;
    expect("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", "[[[[[[[1]]]]]]];");
    expect_failure("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", ERR_PROTOCOL);
}

static void
test_reply_array_that_only_says_it_is_huge_is_refused(void **state)
{
    (void)state;
    expect_failure("*2147483647\r\n", ERR_LIMIT);
    expect_failure("*1000000\r\n", ERR_LIMIT);
}

/* Feeds a string reply of `size` bytes in two pieces; the outcome of the whole. */
static int
read_text_of(size_t size, size_t limit)
{
    struct redis_parser *p = redis_parser_new(limit);
    char *text = malloc(size + 64);
    char shown[SHOWN_SIZE];
    assert_non_null(text);
    size_t used = (size_t)snprintf(text, 64, "$%zu\r\n", size);
    memset(text + used, 'x', size);
    memcpy(text + used + size, "\r\n", 2);
    int err = read_in_steps(p, text, used + size + 2, 512, shown);
    free(text);
    redis_parser_free(p);
    return err;
}

static void
test_reply_text_at_the_limit_passes_and_above_it_not(void **state)
{
    /* A reply's own struct and its text count. */
    enum { TEXT_MAX = LIMIT - sizeof(struct redis_reply) };
    (void)state;
    assert_int_equal(read_text_of(TEXT_MAX - 8, LIMIT), 0);
    assert_int_equal(read_text_of(TEXT_MAX, LIMIT), 0);
    assert_int_equal(read_text_of(TEXT_MAX + 1, LIMIT), ERR_LIMIT);
    assert_int_equal(read_text_of(TWICE_LIMIT, LIMIT), ERR_LIMIT);
}

static void
test_reply_line_without_an_end_is_refused_at_the_limit(void **state)
{
    struct redis_parser *p = redis_parser_new(LIMIT);
    const struct redis_reply *reply = NULL;
    size_t fed = 0;
    int err = redis_parser_feed(p, STR("+"));
    (void)state;
    while (err == 0 && fed < TWICE_LIMIT) {
        err = redis_parser_feed(p, STR("xxxxxxxxxxxxxxxx"));
        if (err == 0) {
            err = redis_parser_next(p, &reply);
            assert_null(reply);
        }
        fed += 16;
    }
    assert_int_equal(err, ERR_LIMIT);
    redis_parser_free(p);
}

static void
test_reply_memory_is_used_again_for_the_next(void **state)
{
    struct redis_parser *p = redis_parser_new(LIMIT);
    const struct redis_reply *first = NULL;
    const struct redis_reply *second = NULL;
    (void)state;
    assert_int_equal(redis_parser_feed(p, STR("*2\r\n+a\r\n+b\r\n*2\r\n+c\r\n+d\r\n")), 0);
    assert_int_equal(redis_parser_next(p, &first), 0);
    assert_int_equal(redis_parser_next(p, &second), 0);
    assert_ptr_equal(first, second);
    assert_true(str_equal(second->items[1].text, STR("d")));
    redis_parser_free(p);
}

static void
test_reply_is_error_compares_the_first_word(void **state)
{
    const struct redis_reply error = {.type = REDIS_TYPE_ERROR,
                                      .text = STR("NOAUTH Authentication")};
    const struct redis_reply bare = {.type = REDIS_TYPE_ERROR, .text = STR("NOAUTH")};
    const struct redis_reply longer = {.type = REDIS_TYPE_ERROR, .text = STR("NOAUTHX y")};
    const struct redis_reply text = {.type = REDIS_TYPE_STRING, .text = STR("NOAUTH")};
    (void)state;
    assert_true(redis_reply_is_error(&error, "NOAUTH"));
    assert_true(redis_reply_is_error(&bare, "NOAUTH"));
    assert_false(redis_reply_is_error(&longer, "NOAUTH"));
    assert_false(redis_reply_is_error(&text, "NOAUTH"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reply_every_type_is_read_whole_and_in_pieces),
        cmocka_unit_test(test_reply_bytes_of_any_kind_stay_what_they_are),
        cmocka_unit_test(test_reply_garbage_is_a_broken_protocol),
        cmocka_unit_test(test_reply_of_another_protocol_version_is_refused),
        cmocka_unit_test(test_reply_nesting_has_a_limit),
        cmocka_unit_test(test_reply_array_that_only_says_it_is_huge_is_refused),
        cmocka_unit_test(test_reply_text_at_the_limit_passes_and_above_it_not),
        cmocka_unit_test(test_reply_line_without_an_end_is_refused_at_the_limit),
        cmocka_unit_test(test_reply_memory_is_used_again_for_the_next),
        cmocka_unit_test(test_reply_is_error_compares_the_first_word),
    };
    return cmocka_run_group_tests_name("redis.reply", tests, NULL, NULL);
}
