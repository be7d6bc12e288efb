#undef NDEBUG
#include "main/tail_response.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define STREAM "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"

/* What came out, as text: [status|reason|media type|location] and then the body. */
struct record {
    struct buf text;
    int head_answer;
};

static int
record_on_head(void *arg, const struct tail_response_head *head)
{
    struct record *r = arg;
    assert_int_equal(buf_printf(&r->text, "[%d|" STR_FMT "|" STR_FMT "|" STR_FMT "]", head->status,
                                STR_ARG(head->reason), STR_ARG(head->media_type),
                                STR_ARG(head->location)),
                     0);
    return r->head_answer;
}

static int
record_on_body(void *arg, struct str data)
{
    struct record *r = arg;
    assert_true(data.size > 0);
    assert_int_equal(buf_append_str(&r->text, data), 0);
    return 0;
}

static const struct tail_response_handler record_handler = {record_on_head, record_on_body};

/* Feeds by pieces on the heap of exactly their size, so that a sanitizer sees any byte too far. */
static int
feed_pieces(struct tail_response *r, struct str data, size_t piece_size)
{
    int err = 0;
    while (err == 0 && data.size > 0) {
        size_t size = data.size < piece_size ? data.size : piece_size;
        char *piece = malloc(size);
        assert_non_null(piece);
        memcpy(piece, data.data, size);
        err = tail_response_feed(r, (struct str){piece, size});
        free(piece);
        data = str_after(data, size);
    }
    return err;
}

struct response_case {
    struct str bytes;
    struct str seen;
    bool is_done;
};

static void
check_case(const struct response_case *c, size_t piece_size)
{
    struct record record = {.head_answer = 0};
    struct tail_response r;
    buf_init(&record.text, 1 << 20);
    tail_response_init(&r, &record_handler, &record);
    assert_int_equal(feed_pieces(&r, c->bytes, piece_size), 0);
    if (!str_equal(buf_str(&record.text), c->seen) || tail_response_is_done(&r) != c->is_done) {
        fail_msg("\"" STR_FMT "\" by %zu gave " STR_FMT, STR_ARG(c->bytes), piece_size,
                 STR_ARG(buf_str(&record.text)));
    }
    tail_response_fini(&r);
    buf_fini(&record.text);
}

static void
check_cases(size_t piece_size)
{
    const struct response_case cases[] = {
        /* until the connection ends */
        {STR(STREAM "\r\n"), STR("[200|OK|text/event-stream|]"), false},
        {STR(STREAM "\r\ndata: a\n\n"), STR("[200|OK|text/event-stream|]data: a\n\n"), false},
        {STR("HTTP/1.0 200 OK\r\n\r\na"), STR("[200|OK||]a"), false},
        {STR("HTTP/1.1 200 OK\n\na"), STR("[200|OK||]a"), false},
        {STR("HTTP/1.1 200\r\n\r\na"), STR("[200|||]a"), false},
        {STR("HTTP/1.1 200 \r\n\r\na"), STR("[200|||]a"), false},
        /* of a known size */
        {STR(STREAM "Content-Length: 3\r\n\r\nabcd"), STR("[200|OK|text/event-stream|]abc"), true},
        {STR(STREAM "Content-Length: 3\r\n\r\nab"), STR("[200|OK|text/event-stream|]ab"), false},
        {STR(STREAM "Content-Length: 0\r\n\r\na"), STR("[200|OK|text/event-stream|]"), true},
        {STR(STREAM "content-length:2\r\nContent-Length: 2 \r\n\r\nab"),
         STR("[200|OK|text/event-stream|]ab"), true},
        /* chunked */
        {STR(STREAM
             "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0a;x=y\r\n0123456789\r\n0\r\n\r\nz"),
         STR("[200|OK|text/event-stream|]abc0123456789"), true},
        {STR(STREAM "transfer-encoding:Chunked\r\nContent-Length: 1\r\n\r\nA\r\n0123456789\r\n"),
         STR("[200|OK|text/event-stream|]0123456789"), false},
        {STR(STREAM "Transfer-Encoding: chunked\r\n\r\n5\r\nab"),
         STR("[200|OK|text/event-stream|]ab"), false},
        {STR(STREAM "Transfer-Encoding: chunked\r\n\r\n000 \r\nX: y\r\n\r\n"),
         STR("[200|OK|text/event-stream|]"), true},
        {STR(STREAM "Transfer-Encoding: chunked\r\n\r\n2\r\n\r\n\r\n1\na\n0\n\n"),
         STR("[200|OK|text/event-stream|]\r\na"), true},
        /* none at all */
        {STR("HTTP/1.1 204 No Content\r\n\r\na"), STR("[204|No Content||]"), true},
        {STR("HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\na"),
         STR("[304|Not Modified||]"), true},
        /* what is read of a head */
        {STR("HTTP/1.1 200 OK\r\nCONTENT-TYPE:\t Text/Event-Stream ; charset=utf-8\r\n\r\n"),
         STR("[200|OK|Text/Event-Stream|]"), false},
        {STR("HTTP/1.1 200 OK\r\nContent-Type:\r\nX:y:z\r\n\r\n"), STR("[200|OK||]"), false},
        {STR("HTTP/1.1 307 Look there\r\nLocation: /a:b?c \r\nContent-Length: 0\r\n\r\n"),
         STR("[307|Look there||/a:b?c]"), true},
        /* heads before the head */
        {STR("HTTP/1.1 103 Early Hints\r\nLocation: /a\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" STREAM
             "\r\na"),
         STR("[200|OK|text/event-stream|]a"), false},
        /* not a whole head */
        {STR(""), STR(""), false},
        {STR(STREAM), STR(""), false},
        {STR(STREAM "\r"), STR(""), false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check_case(&cases[i], piece_size);
    }
}

static void
test_tail_response_feed_of_each_case_gives_head_and_body(void **state)
{
    (void)state;
    check_cases(SIZE_MAX);
}

static void
test_tail_response_feed_of_each_case_gives_head_and_body_one_byte_at_a_time(void **state)
{
    (void)state;
    check_cases(1);
}

static void
test_tail_response_feed_of_each_case_gives_head_and_body_by_small_pieces(void **state)
{
    (void)state;
    for (size_t piece_size = 2; piece_size < 20; piece_size++) {
        check_cases(piece_size);
    }
}

static int
feed_all(struct str bytes, size_t piece_size)
{
    struct record record = {.head_answer = 0};
    struct tail_response r;
    buf_init(&record.text, 1 << 20);
    tail_response_init(&r, &record_handler, &record);
    int err = feed_pieces(&r, bytes, piece_size);
    tail_response_fini(&r);
    buf_fini(&record.text);
    return err;
}

static void
check_refused(struct str bytes, size_t piece_size)
{
    if (feed_all(bytes, piece_size) != ERR_PROTOCOL) {
        fail_msg("taken: \"" STR_FMT "\"", STR_ARG(bytes));
    }
}

static void
test_tail_response_feed_of_anything_else_fails(void **state)
{
    (void)state;
    const struct str bad[] = {
        STR("\r\n"),
        STR("data: a\n\n"),
        STR("+PONG\r\n\r\n"),
        STR("HTTP/2 200 OK\r\n\r\n"),
        STR("HTTP/1.2 200 OK\r\n\r\n"),
        STR("HTTP/1.1 20 OK\r\n\r\n"),
        STR("HTTP/1.1 2000 OK\r\n\r\n"),
        STR("HTTP/1.1 -20 OK\r\n\r\n"),
        STR("HTTP/1.1  200 OK\r\n\r\n"),
        STR("http/1.1 200 OK\r\n\r\n"),
        STR("HTTP/1.1\r\n\r\n"),
        STR("HTTP/1.1 101 Switching Protocols\r\n\r\n"),
        STR("HTTP/1.1 200 OK\r\nno colon\r\n\r\n"),
        STR("HTTP/1.1 200 OK\r\n: x\r\n\r\n"),
        STR("HTTP/1.1 200 OK\r\nA: b\r\n folded: x\r\n\r\n"),
        STR(STREAM "Content-Length: x\r\n\r\n"),
        STR(STREAM "Content-Length: -1\r\n\r\n"),
        STR(STREAM "Content-Length:\r\n\r\n"),
        STR(STREAM "Content-Length: 1\r\nContent-Length: 2\r\n\r\n"),
        STR(STREAM "Content-Length: 99999999999999999999\r\n\r\n"),
        STR(STREAM "Transfer-Encoding: gzip\r\n\r\n"),
        STR(STREAM "Transfer-Encoding: gzip, chunked\r\n\r\n"),
        STR(STREAM "Transfer-Encoding: chunked\r\n\r\n\r\n"),
        STR(STREAM "Transfer-Encoding: chunked\r\n\r\nx\r\n"),
        STR(STREAM "Transfer-Encoding: chunked\r\n\r\n1x\r\n"),
        STR(STREAM "Transfer-Encoding: chunked\r\n\r\n-1\r\n"),
        STR(STREAM "Transfer-Encoding: chunked\r\n\r\n ;1\r\n"),
        STR(STREAM "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n"),
        STR(STREAM "Transfer-Encoding: chunked\r\n\r\n1000000000000000\r\n"),
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        check_refused(bad[i], 1);
        check_refused(bad[i], 30);
        check_refused(bad[i], SIZE_MAX);
    }
}

static void
test_tail_response_feed_of_a_head_at_the_limit_takes_what_fits_and_no_more(void **state)
{
    (void)state;
    enum { LIMIT = 64 * 1024 };
    for (size_t size = LIMIT - 1; size <= LIMIT + 1; size++) {
        struct buf head;
        buf_init(&head, LIMIT + 1);
        assert_int_equal(buf_append_str(&head, STR(STREAM "X: ")), 0);
        while (head.size < size - 4) {
            assert_int_equal(buf_append_char(&head, 'x'), 0);
        }
        assert_int_equal(buf_append_str(&head, STR("\r\n\r\n")), 0);
        assert_int_equal(feed_all(buf_str(&head), 100), size <= LIMIT ? 0 : ERR_LIMIT);
        buf_fini(&head);
    }
}

static void
test_tail_response_feed_when_the_head_is_refused_stops(void **state)
{
    (void)state;
    struct record record = {.head_answer = TAIL_RESPONSE_STOP};
    struct tail_response r;
    buf_init(&record.text, 1024);
    tail_response_init(&r, &record_handler, &record);
    struct str bytes = STR("HTTP/1.1 404 Not Found\r\n\r\nbody");
    assert_int_equal(tail_response_feed(&r, bytes), TAIL_RESPONSE_STOP);
    assert_true(str_equal(buf_str(&record.text), STR("[404|Not Found||]")));
    tail_response_fini(&r);
    buf_fini(&record.text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tail_response_feed_of_each_case_gives_head_and_body),
        cmocka_unit_test(
            test_tail_response_feed_of_each_case_gives_head_and_body_one_byte_at_a_time),
        cmocka_unit_test(test_tail_response_feed_of_each_case_gives_head_and_body_by_small_pieces),
        cmocka_unit_test(test_tail_response_feed_of_anything_else_fails),
        cmocka_unit_test(
            test_tail_response_feed_of_a_head_at_the_limit_takes_what_fits_and_no_more),
        cmocka_unit_test(test_tail_response_feed_when_the_head_is_refused_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
