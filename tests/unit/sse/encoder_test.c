#undef NDEBUG
#include "sse/encoder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct encoder_case {
    struct str name;
    struct str data;
    struct str body;
};

/* As STR, for tables of static storage. */
#define S(literal)                                                                                 \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    }

static const struct encoder_case encoder_cases[] = {
    {S(""), S("a"), S("data: a\n\n")},
    {{NULL, 0}, {NULL, 0}, S("data:\n\n")},
    {S("x"), S(""), S("event: x\ndata:\n\n")},
    {S("message"), S("a"), S("data: a\n\n")},
    {S("messages"), S("a"), S("event: messages\ndata: a\n\n")},
    {S(" x "), S(" a "), S("event:  x \ndata:  a \n\n")},
    {S("a: b"), S(":"), S("event: a: b\ndata: :\n\n")},
    {S("ž€😀"), S("ž€😀"), S("event: ž€😀\ndata: ž€😀\n\n")},
    /* line ends */
    {S(""), S("a\nb"), S("data: a\ndata: b\n\n")},
    {S(""), S("a\rb"), S("data: a\ndata: b\n\n")},
    {S(""), S("a\r\nb"), S("data: a\ndata: b\n\n")},
    {S(""), S("a\n\rb"), S("data: a\ndata:\ndata: b\n\n")},
    {S(""), S("a\r\r\nb"), S("data: a\ndata:\ndata: b\n\n")},
    {S(""), S("a\r\n\nb"), S("data: a\ndata:\ndata: b\n\n")},
    {S(""), S("a\n\n\nb"), S("data: a\ndata:\ndata:\ndata: b\n\n")},
    {S(""), S("a\n"), S("data: a\ndata:\n\n")},
    {S(""), S("a\r"), S("data: a\ndata:\n\n")},
    {S(""), S("a\r\n"), S("data: a\ndata:\n\n")},
    {S(""), S("\na"), S("data:\ndata: a\n\n")},
    {S(""), S("\n"), S("data:\ndata:\n\n")},
    {S(""), S("\r\n\r\n"), S("data:\ndata:\ndata:\n\n")},
    {S(""), S("\r\r\n\n"), S("data:\ndata:\ndata:\ndata:\n\n")},
    {S(""), S("a\r\nb\nc\rd"), S("data: a\ndata: b\ndata: c\ndata: d\n\n")},
    /* what looks like syntax */
    {S(""), S("\rid: 9\revent: x\rretry: 1\r\rdata: y"),
     S("data:\ndata: id: 9\ndata: event: x\ndata: retry: 1\ndata:\ndata: data: y\n\n")},
    {S(""), S(": a"), S("data: : a\n\n")},
    {S(""), S("a\0b"), S("data: a\0b\n\n")},
    {S(""), S("\xef\xbb\xbf"), S("data: \xef\xbb\xbf\n\n")},
    {S(""), S("\xe2\x80\xa8\xc2\x85\v\f"), S("data: \xe2\x80\xa8\xc2\x85\v\f\n\n")},
};

static void
test_encode_body_of_each_case_writes_its_body(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(encoder_cases) / sizeof(encoder_cases[0]); i++) {
        struct buf out;
        buf_init(&out, 4096);
        assert_int_equal(sse_encode_body(&out, encoder_cases[i].name, encoder_cases[i].data), 0);
        assert_int_equal(out.size, encoder_cases[i].body.size);
        assert_memory_equal(out.data, encoder_cases[i].body.data, out.size);
        buf_fini(&out);
    }
}

static void
test_encode_body_into_a_buffer_with_content_appends(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 4096);
    assert_int_equal(buf_append_str(&out, STR("id: 1-0\n")), 0);
    assert_int_equal(sse_encode_body(&out, STR("x"), STR("a\nb")), 0);
    assert_true(str_equal(buf_str(&out), STR("id: 1-0\nevent: x\ndata: a\ndata: b\n\n")));
    buf_fini(&out);
}

static void
test_encode_body_of_malformed_input_appends_nothing(void **state)
{
    (void)state;
    const struct encoder_case bad[] = {
        {.name = STR("a\nb"), .data = STR("d")},
        {.name = STR("a\rb"), .data = STR("d")},
        {.name = STR("\n"), .data = STR("d")},
        {.name = STR("a\0"), .data = STR("d")},
        {.name = STR("\xff"), .data = STR("d")},
        {.name = STR("\xed\xa0\x80"), .data = STR("d")},
        {.name = STR("x"), .data = STR("\xed\xa0\x80")}, /* a lone surrogate */
        {.name = STR("x"), .data = STR("\xed\xbf\xbf")},
        {.name = STR("x"), .data = STR("\xc0\x8a")}, /* LF, overlong */
        {.name = STR("x"), .data = STR("a\xe2\x82")},
        {.name = STR("x"), .data = STR("\xf4\x90\x80\x80")},
        {.name = STR("x"), .data = STR("a\n\x80")},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct buf out;
        buf_init(&out, 4096);
        assert_int_equal(buf_append_char(&out, '!'), 0);
        assert_int_equal(sse_encode_body(&out, bad[i].name, bad[i].data), ERR_SYNTAX);
        assert_true(str_equal(buf_str(&out), STR("!")));
        buf_fini(&out);
    }
}

static void
test_encode_body_at_the_limit_of_the_buffer_fits_or_appends_nothing(void **state)
{
    (void)state;
    const struct str body = STR("event: x\ndata: a\ndata:\ndata: b\n\n");
    for (size_t limit = 0; limit <= body.size + 1; limit++) {
        struct buf out;
        buf_init(&out, limit);
        int expected = limit < body.size ? ERR_LIMIT : 0;
        assert_int_equal(sse_encode_body(&out, STR("x"), STR("a\n\nb")), expected);
        assert_int_equal(out.size, expected == 0 ? body.size : 0);
        buf_fini(&out);
    }
}

static void
test_event_name_is_valid_tells_what_an_event_line_can_carry(void **state)
{
    (void)state;
    assert_true(sse_event_name_is_valid(STR_NULL));
    assert_true(sse_event_name_is_valid(STR("runnel.live")));
    assert_true(sse_event_name_is_valid(STR("a b:c \t ž")));
    assert_false(sse_event_name_is_valid(STR("a\n")));
    assert_false(sse_event_name_is_valid(STR("\ra")));
    assert_false(sse_event_name_is_valid(STR("a\0b")));
    assert_false(sse_event_name_is_valid(STR("\xc3")));
}

static void
test_body_is_valid_of_what_the_encoder_writes_is_true(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(encoder_cases) / sizeof(encoder_cases[0]); i++) {
        assert_true(sse_body_is_valid(encoder_cases[i].body));
    }
}

static void
test_body_is_valid_of_a_piece_of_a_body_is_false(void **state)
{
    (void)state;
    const struct str body = STR("event: x\ndata: a\ndata:\ndata: b\n\n");
    for (size_t size = 0; size < body.size; size++) {
        assert_false(sse_body_is_valid((struct str){body.data, size}));
    }
}

static void
test_body_is_valid_of_anything_else_is_false(void **state)
{
    (void)state;
    const struct str bad[] = {
        STR_NULL,
        STR("\n"),
        STR("\n\n"),
        STR("event: x\n\n"),
        STR("data: a\n\n\n"),
        STR("data: a\n\ndata: b\n\n"),
        STR("data: a\n\nid: 9\n"),
        STR("id: 9\ndata: a\n\n"),
        STR("data: a\nid: 9\n\n"),
        STR("data: a\nevent: x\n\n"),
        STR("event: x\nevent: y\ndata: a\n\n"),
        STR("event: message\ndata: a\n\n"),
        STR("event: \ndata: a\n\n"),
        STR("event:x\ndata: a\n\n"),
        STR("event: x\0\ndata: a\n\n"),
        STR("event: x\rid: 9\ndata: a\n\n"),
        STR("retry: 1\ndata: a\n\n"),
        STR(": hi\ndata: a\n\n"),
        STR("data\n\n"),
        STR("data: \n\n"),
        STR("data:a\n\n"),
        STR("data: a\rid: 9\n\n"),
        STR("data: a\r\n\r\n"),
        STR("data: \xff\n\n"),
        STR("event: \xff\ndata: a\n\n"),
        STR(" data: a\n\n"),
        STR("\xef\xbb\xbf"
            "data: a\n\n"),
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(sse_body_is_valid(bad[i]));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encode_body_of_each_case_writes_its_body),
        cmocka_unit_test(test_encode_body_into_a_buffer_with_content_appends),
        cmocka_unit_test(test_encode_body_of_malformed_input_appends_nothing),
        cmocka_unit_test(test_encode_body_at_the_limit_of_the_buffer_fits_or_appends_nothing),
        cmocka_unit_test(test_event_name_is_valid_tells_what_an_event_line_can_carry),
        cmocka_unit_test(test_body_is_valid_of_what_the_encoder_writes_is_true),
        cmocka_unit_test(test_body_is_valid_of_a_piece_of_a_body_is_false),
        cmocka_unit_test(test_body_is_valid_of_anything_else_is_false),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
