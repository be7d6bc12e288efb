#undef NDEBUG
#include "sse/parser.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SIZE_LIMIT = 1024, NO_RETRY = 4242 };

/* What came out, as text: <type|data|id> for each event. */
struct record {
    struct buf text;
};

static void
record_on_event(void *arg, const struct sse_event *event)
{
    struct record *r = arg;
    assert_int_equal(buf_append_char(&r->text, '<'), 0);
    assert_int_equal(buf_append_str(&r->text, event->type), 0);
    assert_int_equal(buf_append_char(&r->text, '|'), 0);
    assert_int_equal(buf_append_str(&r->text, event->data), 0);
    assert_int_equal(buf_append_char(&r->text, '|'), 0);
    assert_int_equal(buf_append_str(&r->text, event->last_event_id), 0);
    assert_int_equal(buf_append_char(&r->text, '>'), 0);
}

/* Feeds by pieces on the heap of exactly their size, so that a sanitizer sees any byte too far. */
static int
feed_pieces(struct sse_parser *p, struct str stream, size_t piece_size)
{
    int err = 0;
    while (err == 0 && stream.size > 0) {
        size_t size = stream.size < piece_size ? stream.size : piece_size;
        char *piece = malloc(size);
        assert_non_null(piece);
        memcpy(piece, stream.data, size);
        err = sse_parser_feed(p, piece, size);
        free(piece);
        stream = str_after(stream, size);
    }
    return err;
}

struct parser_case {
    struct str stream;
    struct str events;
    struct str last_event_id;
    uint64_t retry_ms;
};

#define S(literal)                                                                                 \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    } /* as STR, for static storage */
#define CASE(stream_, events_)                                                                     \
    {                                                                                              \
        S(stream_), S(events_), S(""), NO_RETRY                                                    \
    }
#define CASE_ID(stream_, events_, id)                                                              \
    {                                                                                              \
        S(stream_), S(events_), S(id), NO_RETRY                                                    \
    }
#define CASE_RETRY(stream_, retry)                                                                 \
    {                                                                                              \
        S(stream_), S(""), S(""), retry                                                            \
    }

static const struct parser_case parser_cases[] = {
    CASE("", ""),
    CASE("\n\n\n", ""),
    CASE("data: a\n\n", "<message|a|>"),
    CASE("data:a\n\n", "<message|a|>"),
    CASE("data:  a\n\n", "<message| a|>"),
    CASE("data:\ta\n\n", "<message|\ta|>"),
    CASE("data: a: b\n\n", "<message|a: b|>"),
    CASE("data: a\ndata: b\n\n", "<message|a\nb|>"),
    CASE("data: a\n\ndata: b\n\n", "<message|a|><message|b|>"),
    CASE("data\n\n", "<message||>"),
    CASE("data:\n\n", "<message||>"),
    CASE("data: \n\n", "<message||>"),
    CASE("data\ndata\n\n", "<message|\n|>"),
    CASE("data: a\ndata:\n\n", "<message|a\n|>"),
    CASE("data: a\n", ""),
    CASE("data: a", ""),
    CASE("data: data: a\n\n", "<message|data: a|>"),
    /* the event's name */
    CASE("event: x\ndata: a\n\n", "<x|a|>"),
    CASE("data: a\nevent: x\n\n", "<x|a|>"),
    CASE("event: x\nevent: y\ndata: a\n\n", "<y|a|>"),
    CASE("event: x\nevent\ndata: a\n\n", "<message|a|>"),
    CASE("event: x\n\ndata: a\n\n", "<message|a|>"),
    CASE("event: x\ndata: a\n\ndata: b\n\n", "<x|a|><message|b|>"),
    /* ids */
    CASE_ID("id: 7\ndata: a\n\n", "<message|a|7>", "7"),
    CASE_ID("id: 7\ndata: a\n\ndata: b\n\n", "<message|a|7><message|b|7>", "7"),
    CASE_ID("id: 7\n\n", "", "7"),
    CASE_ID("id: 7\n\nid: 8\n", "", "7"),
    CASE_ID("id: 7\n\nid: 8\ndata: a\n", "", "7"),
    CASE_ID("id: 7\n\nid\ndata: a\n\n", "<message|a|>", ""),
    CASE_ID("id: 7\n\nid:\n\n", "", ""),
    CASE_ID("id: 7\nid: 8\0\ndata: a\n\n", "<message|a|7>", "7"),
    CASE_ID("id: \0\n\n", "", ""),
    CASE_ID("id: 7\nid: 8\n\n", "", "8"),
    CASE_ID("id:  7 \n\n", "", " 7 "),
    CASE_ID("event: runnel.beat\nid: 1-2\ndata:\n\n", "<runnel.beat||1-2>", "1-2"),
    /* retry */
    CASE_RETRY("retry: 1500\n", 1500),
    CASE_RETRY("retry:0\n", 0),
    CASE_RETRY("retry: 18446744073709551615\n", UINT64_MAX),
    CASE_RETRY("retry: 18446744073709551616\n", NO_RETRY),
    CASE_RETRY("retry: 7\nretry: -1\nretry: 1e3\nretry:  5\nretry: 5 \nretry:\nretry\n", 7),
    /* neither comments nor unknown fields */
    CASE(": data: a\n:\n:::\n\n", ""),
    CASE(": beat\ndata: a\n: beat\n\n", "<message|a|>"),
    CASE("dat: a\nDATA: b\n data: c\ndata : d\ndatas: e\n\n", ""),
    /* line ends */
    CASE("data: a\rdata: b\r\r", "<message|a\nb|>"),
    CASE("data: a\r\ndata: b\r\n\r\n", "<message|a\nb|>"),
    CASE("data: a\rdata: b\ndata: c\r\n\r\ndata: d\n\r", "<message|a\nb\nc|><message|d|>"),
    CASE("data: a\r\n\n", "<message|a|>"),
    CASE("data: a\r\r\n", "<message|a|>"),
    CASE("\r\ndata: a\n\n", "<message|a|>"),
    CASE("\r\n\r\ndata: a\n\n", "<message|a|>"),
    /* byte order marks */
    CASE("\xef\xbb\xbf"
         "data: a\n\n",
         "<message|a|>"),
    CASE("\xef\xbb\xbf\n"
         "data: a\n\n",
         "<message|a|>"),
    CASE("\xef\xbb\xbf\xef\xbb\xbf"
         "data: a\n\n",
         ""),
    CASE("\xef\xbb"
         "data: a\ndata: b\n\n",
         "<message|b|>"),
    CASE("\xef"
         "data: a\ndata: b\n\n",
         "<message|b|>"),
    CASE("\xef\xbb\ndata: b\n\n", "<message|b|>"),
    CASE("data: a\n\n\xef\xbb\xbf"
         "data: b\n\n",
         "<message|a|>"),
    CASE("data: \xef\xbb\xbf\n\n", "<message|\xef\xbb\xbf|>"),
    /* any byte */
    CASE("data: a\0b\n\n", "<message|a\0b|>"),
    CASE("\0data: a\n\n", ""),
    CASE("event: x\0\ndata: a\n\n", "<x\0|a|>"),
    CASE("data: \xff\xed\xa0\x80\n\n", "<message|\xff\xed\xa0\x80|>"),
    CASE("data: \xe2\x80\xa8\xc2\x85\v\f\n\n", "<message|\xe2\x80\xa8\xc2\x85\v\f|>"),
    /* the examples of the standard */
    CASE("data: YHOO\ndata: +2\ndata: 10\n\n", "<message|YHOO\n+2\n10|>"),
    CASE_ID(": test stream\n\ndata: first\nid: 1\n\ndata:second\nid\n\ndata:  third\n\n",
            "<message|first|1><message|second|><message| third|>",
            ""),
    CASE("data\n\ndata\ndata\n\ndata:", "<message||><message|\n|>"),
};

static void
check_case(const struct parser_case *c, size_t piece_size)
{
    struct record record;
    buf_init(&record.text, 1 << 20);
    struct sse_parser *p = sse_parser_new(SIZE_LIMIT, STR_NULL, record_on_event, &record);
    assert_non_null(p);
    assert_int_equal(feed_pieces(p, c->stream, piece_size), 0);
    if (!str_equal(buf_str(&record.text), c->events)) {
        fail_msg("\"" STR_FMT "\" by %zu gave " STR_FMT, STR_ARG(c->stream), piece_size,
                 STR_ARG(buf_str(&record.text)));
    }
    assert_true(str_equal(sse_parser_last_event_id(p), c->last_event_id));
    assert_true(sse_parser_retry_ms(p, NO_RETRY) == c->retry_ms);
    sse_parser_free(p);
    buf_fini(&record.text);
}

static void
check_cases(size_t piece_size)
{
    for (size_t i = 0; i < sizeof(parser_cases) / sizeof(parser_cases[0]); i++) {
        check_case(&parser_cases[i], piece_size);
    }
}

static void
test_parser_feed_of_each_case_gives_its_events(void **state)
{
    (void)state;
    check_cases(SIZE_MAX);
}

static void
test_parser_feed_of_each_case_gives_its_events_one_byte_at_a_time(void **state)
{
    (void)state;
    check_cases(1);
}

static void
test_parser_feed_of_each_case_gives_its_events_by_small_pieces(void **state)
{
    (void)state;
    for (size_t piece_size = 2; piece_size < 12; piece_size++) {
        check_cases(piece_size);
    }
}

static void
test_parser_feed_of_nothing_does_nothing(void **state)
{
    (void)state;
    struct record record;
    buf_init(&record.text, 1024);
    struct sse_parser *p = sse_parser_new(SIZE_LIMIT, STR_NULL, record_on_event, &record);
    assert_int_equal(sse_parser_feed(p, NULL, 0), 0);
    assert_int_equal(sse_parser_feed(p, "data: a\r", 8), 0);
    assert_int_equal(sse_parser_feed(p, NULL, 0), 0);
    assert_int_equal(sse_parser_feed(p, "\n\n", 2), 0);
    assert_true(str_equal(buf_str(&record.text), STR("<message|a|>")));
    sse_parser_free(p);
    buf_fini(&record.text);
}

/* A CR ends its line at once: an event must not wait for the byte behind it. */
static void
test_parser_feed_up_to_a_cr_gives_the_event_at_once(void **state)
{
    (void)state;
    struct record record;
    buf_init(&record.text, 1024);
    struct sse_parser *p = sse_parser_new(SIZE_LIMIT, STR_NULL, record_on_event, &record);
    assert_int_equal(sse_parser_feed(p, "data: a\r\r", 9), 0);
    assert_true(str_equal(buf_str(&record.text), STR("<message|a|>")));
    sse_parser_free(p);
    buf_fini(&record.text);
}

/* What `first` leaves must not show in `second`, on a connection of its own. */
static void
check_reset(struct str first, struct str second, struct str events)
{
    struct record record;
    buf_init(&record.text, 1024);
    struct sse_parser *p = sse_parser_new(SIZE_LIMIT, STR("3"), record_on_event, &record);
    assert_non_null(p);
    assert_true(str_equal(sse_parser_last_event_id(p), STR("3")));
    assert_int_equal(sse_parser_feed(p, first.data, first.size), 0);
    sse_parser_reset(p);
    assert_int_equal(sse_parser_feed(p, second.data, second.size), 0);
    assert_true(str_equal(buf_str(&record.text), events));
    sse_parser_free(p);
    buf_fini(&record.text);
}

static void
test_parser_reset_in_mid_event_drops_it(void **state)
{
    (void)state;
    const struct str next = STR("data: b\n\n");
    check_reset(STR("data: a"), next, STR("<message|b|3>"));
    check_reset(STR("data: a\n"), next, STR("<message|b|3>"));
    check_reset(STR("event: x\nid: 9\ndata: a\n"), next, STR("<message|b|3>"));
    check_reset(STR("data: a\r"), STR("\ndata: b\n\n"), STR("<message|b|3>"));
    check_reset(STR("\xef\xbb"),
                STR("\xef\xbb\xbf"
                    "data: b\n\n"),
                STR("<message|b|3>"));
}

static void
test_parser_reset_keeps_the_last_event_id_and_retry(void **state)
{
    (void)state;
    check_reset(STR("id: 5\ndata: a\n\nid: 6\n"), STR("data: b\n\n"),
                STR("<message|a|5><message|b|5>"));
    check_reset(STR("id: 5\n\n"), STR("data: b\n\n"), STR("<message|b|5>"));
    check_reset(STR("id\n\n"), STR("data: b\n\n"), STR("<message|b|>"));

    struct sse_parser *p = sse_parser_new(SIZE_LIMIT, STR_NULL, record_on_event, NULL);
    assert_int_equal(sse_parser_feed(p, "retry: 9\n", 9), 0);
    sse_parser_reset(p);
    assert_true(sse_parser_retry_ms(p, NO_RETRY) == 9);
    sse_parser_free(p);
}

static int
feed_with_limit(size_t limit, struct str stream, size_t piece_size)
{
    struct record record;
    buf_init(&record.text, 1 << 20);
    struct sse_parser *p = sse_parser_new(limit, STR_NULL, record_on_event, &record);
    assert_non_null(p);
    int err = feed_pieces(p, stream, piece_size);
    sse_parser_free(p);
    buf_fini(&record.text);
    return err;
}

static void
check_limit(size_t limit, struct str stream)
{
    for (size_t piece_size = 1; piece_size < 40; piece_size++) {
        assert_int_equal(feed_with_limit(limit - 1, stream, piece_size), ERR_LIMIT);
        assert_int_equal(feed_with_limit(limit, stream, piece_size), 0);
        assert_int_equal(feed_with_limit(limit + 1, stream, piece_size), 0);
    }
}

static void
test_parser_feed_at_the_limit_takes_what_fits_and_no_more(void **state)
{
    (void)state;
    check_limit(10, STR("data: 0123456789\n\n"));
    check_limit(10, STR("data: 01234\ndata: 6789\n\n"));
    check_limit(10, STR("event: 0123456789\n\n"));
    check_limit(10, STR("id: 0123456789\n\n"));
    check_limit(12, STR("event: 0123\nid: 4567\ndata: 8\ndata: 0\ndata\n\n"));
    check_limit(12, STR(": 012345678901234567\n"));
    check_limit(12, STR(": 012345678901234567"));
}

static void
test_parser_new_with_an_id_above_the_limit_fails(void **state)
{
    (void)state;
    struct sse_parser *p = sse_parser_new(3, STR("123"), record_on_event, NULL);
    assert_non_null(p);
    sse_parser_free(p);
    assert_null(sse_parser_new(3, STR("1234"), record_on_event, NULL));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parser_feed_of_each_case_gives_its_events),
        cmocka_unit_test(test_parser_feed_of_each_case_gives_its_events_one_byte_at_a_time),
        cmocka_unit_test(test_parser_feed_of_each_case_gives_its_events_by_small_pieces),
        cmocka_unit_test(test_parser_feed_of_nothing_does_nothing),
        cmocka_unit_test(test_parser_feed_up_to_a_cr_gives_the_event_at_once),
        cmocka_unit_test(test_parser_reset_in_mid_event_drops_it),
        cmocka_unit_test(test_parser_reset_keeps_the_last_event_id_and_retry),
        cmocka_unit_test(test_parser_feed_at_the_limit_takes_what_fits_and_no_more),
        cmocka_unit_test(test_parser_new_with_an_id_above_the_limit_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
