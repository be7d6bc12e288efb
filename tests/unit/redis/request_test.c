#undef NDEBUG
#include "redis/reply.h"
#include "redis/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
test_request_append_writes_arrays_of_bulk_strings(void **state)
{
    const struct str first[] = {STR("PING")};
    const struct str second[] = {STR("SET"), STR("a\r\n\0b"), STR_NULL};
    struct buf out;
    (void)state;
    buf_init(&out, 1024);
    assert_int_equal(request_append(&out, first, 1), 0);
    assert_int_equal(request_append(&out, second, 3), 0);
    assert_true(str_equal(buf_str(&out), STR("*1\r\n$4\r\nPING\r\n"
                                             "*3\r\n$3\r\nSET\r\n$5\r\na\r\n\0b\r\n$0\r\n\r\n")));
    buf_fini(&out);
}

/* A request has the form of a reply, so the parser of those can read it. */
static void
test_request_append_of_many_and_large_words_can_be_read(void **state)
{
    enum { WORDS = 5000, SIZE = 1 << 20 };
    static struct str words[WORDS];
    struct redis_parser *p = redis_parser_new(4 << 20);
    const struct redis_reply *reply = NULL;
    struct buf out;
    char *large = malloc(SIZE);
    (void)state;
    assert_non_null(large);
    memset(large, 'x', SIZE);
    for (size_t i = 0; i < WORDS; i++) {
        words[i] = (struct str){large, i == 7 ? SIZE : i % 12};
    }
    buf_init(&out, SIZE_MAX);
    assert_int_equal(request_append(&out, words, WORDS), 0);
    assert_int_equal(redis_parser_feed(p, buf_str(&out)), 0);
    assert_int_equal(redis_parser_next(p, &reply), 0);
    assert_non_null(reply);
    assert_int_equal(reply->length, WORDS);
    for (size_t i = 0; i < WORDS; i++) {
        assert_true(str_equal(redis_reply_text(&reply->items[i]), words[i]));
    }
    redis_parser_free(p);
    buf_fini(&out);
    free(large);
}

static void
test_request_append_beyond_the_limit_appends_nothing(void **state)
{
    const struct str words[] = {STR("GET"), STR("key")};
    struct buf out;
    (void)state;
    buf_init(&out, 20);
    assert_int_equal(request_append(&out, words, 2), ERR_LIMIT);
    assert_int_equal(out.size, 0);
    buf_fini(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request_append_writes_arrays_of_bulk_strings),
        cmocka_unit_test(test_request_append_of_many_and_large_words_can_be_read),
        cmocka_unit_test(test_request_append_beyond_the_limit_appends_nothing),
    };
    return cmocka_run_group_tests_name("redis.request", tests, NULL, NULL);
}
