#undef NDEBUG
#include "sources/http_request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct str prefix = {"/publish/", 9};

static void
check_topic(const char *path, int result, struct str expected)
{
    struct buf topic;
    buf_init(&topic, 16);
    assert_int_equal(http_request_topic(str_from(path), prefix, &topic), result);
    if (result == 0) {
        assert_true(str_equal(buf_str(&topic), expected));
    }
    buf_fini(&topic);
}

static void
test_http_request_topic_is_decoded(void **state)
{
    (void)state;
    check_topic("/publish/orders", 0, STR("orders"));
    check_topic("/publish/a/b//", 0, STR("a/b//"));
    check_topic("/publish/a%20b%2Fc%2f", 0, STR("a b/c/"));
    check_topic("/publish/%00%ff+", 0, STR("\0\xff+"));
    check_topic("/publish/%25%", ERR_SYNTAX, STR_NULL);
    check_topic("/publish/%", ERR_SYNTAX, STR_NULL);
    check_topic("/publish/%2", ERR_SYNTAX, STR_NULL);
    check_topic("/publish/%2g", ERR_SYNTAX, STR_NULL);
    check_topic("/publish/%-1", ERR_SYNTAX, STR_NULL);
}

static void
test_http_request_topic_may_be_missing(void **state)
{
    (void)state;
    check_topic("/publish/", 0, STR(""));
    check_topic("/publish", 0, STR(""));
    check_topic("/other/a", 0, STR(""));
}

static void
test_http_request_topic_is_bounded(void **state)
{
    (void)state;
    check_topic("/publish/123456789012345", 0, STR("123456789012345"));
    check_topic("/publish/1234567890123456", 0, STR("1234567890123456"));
    check_topic("/publish/%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41%41", 0,
                STR("AAAAAAAAAAAAAAAA"));
    check_topic("/publish/12345678901234567", ERR_LIMIT, STR_NULL);
}

static void
test_http_request_token_is_compared_whole(void **state)
{
    struct str token = STR("s3cret");
    (void)state;
    assert_true(http_request_has_token(STR("Bearer s3cret"), token));
    assert_true(http_request_has_token(STR("bearer   s3cret "), token));
    assert_false(http_request_has_token(STR("Bearer s3cre"), token));
    assert_false(http_request_has_token(STR("Bearer s3crets"), token));
    assert_false(http_request_has_token(STR("Bearer S3cret"), token));
    assert_false(http_request_has_token(STR("Bearer"), token));
    assert_false(http_request_has_token(STR("Bearer "), token));
    assert_false(http_request_has_token(STR("Bearers3cret"), token));
    assert_false(http_request_has_token(STR("Basic s3cret"), token));
    assert_false(http_request_has_token(STR("s3cret"), token));
    assert_false(http_request_has_token(STR(""), token));
    assert_false(http_request_has_token(STR_NULL, token));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http_request_topic_is_decoded),
        cmocka_unit_test(test_http_request_topic_may_be_missing),
        cmocka_unit_test(test_http_request_topic_is_bounded),
        cmocka_unit_test(test_http_request_token_is_compared_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
