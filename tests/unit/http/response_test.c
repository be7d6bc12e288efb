#undef NDEBUG
#include "http/response.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define WALL_MS UINT64_C(784111777999) /* the example of RFC 9110 5.6.7 */
#define DATE    "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
#define END     "Connection: close\r\n\r\n"

static void
assert_rendered(const struct response *r, const char *expected)
{
    struct buf out;
    buf_init(&out, 4096);
    assert_int_equal(response_render(r, &out), 0);
    if (!str_equal(buf_str(&out), str_from(expected))) {
        fail_msg("not %s but " STR_FMT, expected, STR_ARG(buf_str(&out)));
    }
    buf_fini(&out);
}

static void
test_response_text_is_sized_and_closes(void **state)
{
    struct response r = response_text(METRIC_STATUS_404, STR("no\n"));
    (void)state;
    r.wall_ms = WALL_MS;
    assert_rendered(&r,
                    "HTTP/1.1 404 Not Found\r\n" DATE "Content-Type: text/plain; charset=utf-8\r\n"
                    "X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n"
                    "Content-Length: 3\r\n" END "no\n");
}

static void
test_response_to_head_has_the_size_and_no_body(void **state)
{
    struct response r = response_text(METRIC_STATUS_404, STR("no\n"));
    (void)state;
    r.wall_ms = WALL_MS;
    r.is_head = true;
    assert_rendered(&r,
                    "HTTP/1.1 404 Not Found\r\n" DATE "Content-Type: text/plain; charset=utf-8\r\n"
                    "X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n"
                    "Content-Length: 3\r\n" END);
}

#define STREAM                                                                                     \
    "HTTP/1.1 200 OK\r\n" DATE "Content-Type: text/event-stream\r\n"                               \
    "X-Content-Type-Options: nosniff\r\nCache-Control: no-cache, no-transform\r\n"                 \
    "X-Accel-Buffering: no\r\n"

static void
test_response_stream_is_chunked(void **state)
{
    struct response r = response_stream(false);
    (void)state;
    r.wall_ms = WALL_MS;
    assert_rendered(&r, STREAM "Transfer-Encoding: chunked\r\n" END);
}

static void
test_response_stream_for_http_1_0_is_bare(void **state)
{
    struct response r = response_stream(true);
    (void)state;
    r.wall_ms = WALL_MS;
    assert_rendered(&r, STREAM END);
}

static void
test_response_204_has_neither_size_nor_type(void **state)
{
    struct response r = {.status = METRIC_STATUS_204, .fields = STR("Allow: GET\r\n")};
    (void)state;
    r.wall_ms = WALL_MS;
    assert_rendered(&r, "HTTP/1.1 204 No Content\r\n" DATE "Allow: GET\r\n" END);
}

static void
test_response_cors_fields(void **state)
{
    struct response r = {.status = METRIC_STATUS_204};
    (void)state;
    r.wall_ms = WALL_MS;
    r.cors = (struct cors){.origin = STR("https://a.b"), .is_varying = true};
    assert_rendered(&r, "HTTP/1.1 204 No Content\r\n" DATE
                        "Access-Control-Allow-Origin: https://a.b\r\nVary: Origin\r\n" END);
    r.cors = (struct cors){.origin = STR_NULL, .is_varying = true};
    assert_rendered(&r, "HTTP/1.1 204 No Content\r\n" DATE "Vary: Origin\r\n" END);
    r.cors = (struct cors){.origin = STR("*")};
    assert_rendered(&r,
                    "HTTP/1.1 204 No Content\r\n" DATE "Access-Control-Allow-Origin: *\r\n" END);
}

static void
test_response_every_status_has_its_line(void **state)
{
    (void)state;
    for (enum metric_status status = 0; status < METRIC_STATUS_COUNT; status++) {
        struct response r = response_text(status, STR(""));
        struct buf out;
        buf_init(&out, 4096);
        assert_int_equal(response_render(&r, &out), 0);
        assert_true(str_starts_with(buf_str(&out), STR("HTTP/1.1 ")));
        assert_true(out.data[9] >= '2' && out.data[9] <= '5');
        buf_fini(&out);
    }
}

static void
test_response_that_does_not_fit_fails(void **state)
{
    struct response r = response_text(METRIC_STATUS_404, STR("no\n"));
    struct buf whole;
    (void)state;
    buf_init(&whole, 4096);
    assert_int_equal(response_render(&r, &whole), 0);
    for (size_t limit = 0; limit < whole.size; limit++) {
        struct buf out;
        buf_init(&out, limit);
        assert_int_equal(response_render(&r, &out), ERR_LIMIT);
        buf_fini(&out);
    }
    buf_fini(&whole);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_response_text_is_sized_and_closes),
        cmocka_unit_test(test_response_to_head_has_the_size_and_no_body),
        cmocka_unit_test(test_response_stream_is_chunked),
        cmocka_unit_test(test_response_stream_for_http_1_0_is_bare),
        cmocka_unit_test(test_response_204_has_neither_size_nor_type),
        cmocka_unit_test(test_response_cors_fields),
        cmocka_unit_test(test_response_every_status_has_its_line),
        cmocka_unit_test(test_response_that_does_not_fit_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
