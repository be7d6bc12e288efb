#undef NDEBUG
#include "redis/reply.h"
#include "sources/stream_payload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define TEXT(t)                                                                                    \
    {                                                                                              \
        .type = REDIS_TYPE_STRING, .text = STR(t)                                                  \
    }
#define FIELDS(...)                                                                                \
    (&(const struct redis_reply){.type = REDIS_TYPE_ARRAY,                                         \
                                 .length = sizeof((struct redis_reply[]){__VA_ARGS__}) /           \
                                           sizeof(struct redis_reply),                             \
                                 .items = (struct redis_reply[]){__VA_ARGS__}})

static void
expect_object(const struct redis_reply *fields, struct str wanted)
{
    struct buf scratch;
    struct str payload = STR_NULL;
    buf_init(&scratch, 4096);
    assert_int_equal(buf_append_str(&scratch, STR("of the last entry")), 0);
    assert_int_equal(stream_payload(fields, STR(""), &scratch, &payload), 0);
    assert_int_equal(payload.size, wanted.size);
    assert_memory_equal(payload.data, wanted.data, wanted.size);
    buf_fini(&scratch);
}

static void
test_stream_payload_of_all_fields_is_an_object(void **state)
{
    (void)state;
    expect_object(FIELDS(TEXT("a"), TEXT("1"), TEXT("b"), TEXT("two words")),
                  STR("{\"a\":\"1\",\"b\":\"two words\"}"));
    expect_object(FIELDS(TEXT(""), TEXT("")), STR("{\"\":\"\"}"));
    expect_object(FIELDS(TEXT("a"), TEXT("1"), TEXT("a"), TEXT("2")),
                  STR("{\"a\":\"1\",\"a\":\"2\"}"));
}

static void
test_stream_payload_escapes_what_json_asks_for(void **state)
{
    (void)state;
    expect_object(FIELDS(TEXT("q\"\\"), TEXT("\n\r\t\x01\x1f\0/\x7f")),
                  STR("{\"q\\\"\\\\\":\"\\u000a\\u000d\\u0009\\u0001\\u001f\\u0000/\x7f\"}"));
    expect_object(FIELDS(TEXT("\""), TEXT("a\"")), STR("{\"\\\"\":\"a\\\"\"}"));
    expect_object(FIELDS(TEXT("\xc3\xa4"), TEXT("\xf0\x9f\x98\x80")),
                  STR("{\"\xc3\xa4\":\"\xf0\x9f\x98\x80\"}"));
}

static void
test_stream_payload_leaves_bytes_that_are_no_text_to_the_route(void **state)
{
    (void)state;
    expect_object(FIELDS(TEXT("a"), TEXT("\xff\xfe")), STR("{\"a\":\"\xff\xfe\"}"));
}

static void
test_stream_payload_of_a_field_is_its_first_value(void **state)
{
    struct buf scratch;
    struct str payload = STR_NULL;
    const struct redis_reply *fields =
        FIELDS(TEXT("b"), TEXT("a"), TEXT("a"), TEXT("x\"\n\xff"), TEXT("a"), TEXT("later"));
    (void)state;
    buf_init(&scratch, 4096);
    assert_int_equal(stream_payload(fields, STR("a"), &scratch, &payload), 0);
    assert_true(str_equal(payload, STR("x\"\n\xff")));
    buf_fini(&scratch);
}

static void
test_stream_payload_without_its_field_is_none(void **state)
{
    struct buf scratch;
    struct str payload = STR("as before");
    (void)state;
    buf_init(&scratch, 4096);
    assert_int_equal(stream_payload(FIELDS(TEXT("b"), TEXT("a")), STR("a"), &scratch, &payload),
                     STREAM_PAYLOAD_E_NO_FIELD);
    assert_true(str_equal(payload, STR("as before")));
}

static void
test_stream_payload_has_a_limit(void **state)
{
    const struct redis_reply *fields = FIELDS(TEXT("a"), TEXT("\x01"));
    size_t size = sizeof "{\"a\":\"\\u0001\"}" - 1;
    (void)state;
    for (size_t limit = 0; limit <= size; limit++) {
        struct buf scratch;
        struct str payload = STR_NULL;
        buf_init(&scratch, limit);
        assert_int_equal(stream_payload(fields, STR(""), &scratch, &payload),
                         limit < size ? ERR_LIMIT : 0);
        assert_int_equal(payload.size, limit < size ? 0 : size);
        buf_fini(&scratch);
    }
}

static void
test_stream_payload_of_no_fields_is_refused(void **state)
{
    struct buf scratch;
    struct str payload = STR_NULL;
    const struct redis_reply nothing = {.type = REDIS_TYPE_NIL};
    (void)state;
    buf_init(&scratch, 4096);
    assert_int_equal(stream_payload(&nothing, STR(""), &scratch, &payload), ERR_PROTOCOL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stream_payload_of_all_fields_is_an_object),
        cmocka_unit_test(test_stream_payload_escapes_what_json_asks_for),
        cmocka_unit_test(test_stream_payload_leaves_bytes_that_are_no_text_to_the_route),
        cmocka_unit_test(test_stream_payload_of_a_field_is_its_first_value),
        cmocka_unit_test(test_stream_payload_without_its_field_is_none),
        cmocka_unit_test(test_stream_payload_has_a_limit),
        cmocka_unit_test(test_stream_payload_of_no_fields_is_refused),
    };
    return cmocka_run_group_tests_name("sources.stream_payload", tests, NULL, NULL);
}
