#undef NDEBUG
#include "http/request_parser.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { LIMIT = 16 * 1024 };

/* Feeds a head whole, or in pieces of one byte in a block that ends there, so that sanitizers see a
 * read too far. */
static int
feed(struct request_parser *p, struct str head, bool is_whole)
{
    if (is_whole) {
        return request_parser_feed(p, head.data, head.size);
    }
    int rc = REQUEST_PARSER_E_MORE;
    for (size_t size = 1; size <= head.size && rc == REQUEST_PARSER_E_MORE; size++) {
        char *moved = malloc(size);
        assert_non_null(moved);
        memcpy(moved, head.data, size);
        rc = request_parser_feed(p, moved, size);
        free(moved);
    }
    return rc;
}

static void
assert_refused(struct str head, enum metric_status status, bool is_whole)
{
    struct request_parser p;
    request_parser_init(&p, LIMIT);
    int rc = feed(&p, head, is_whole);
    if (rc != REQUEST_PARSER_E_REFUSED || p.status != status) {
        fail_msg("outcome %d, status %d (%s) of:\n" STR_FMT, rc, (int)p.status,
                 p.problem != NULL ? p.problem : "", STR_ARG(head));
    }
    assert_non_null(p.problem);
    assert_int_equal(feed(&p, head, true), REQUEST_PARSER_E_REFUSED); /* stays so */
}

static void
parse(struct str head, struct request *ret_request, bool is_whole)
{
    struct request_parser p;
    request_parser_init(&p, LIMIT);
    int rc = feed(&p, head, is_whole);
    if (rc != 0) {
        fail_msg("outcome %d (%s) of:\n" STR_FMT, rc, p.problem != NULL ? p.problem : "",
                 STR_ARG(head));
    }
    assert_int_equal(p.position, head.size);
    request_parser_get(&p, head.data, ret_request);
}

/* --- heads that are requests --- */

#define HOST "Host: example.com\r\n"

struct good {
    struct str head;
    enum request_method method;
    const char *path;
    const char *query;
    bool is_http_1_0;
};

#define HEAD(text)                                                                                 \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const struct good good_heads[] = {
    {HEAD("GET / HTTP/1.1\r\n" HOST "\r\n"), REQUEST_GET, "/", "", false},
    {HEAD("HEAD /events/a HTTP/1.1\r\n" HOST "\r\n"), REQUEST_HEAD, "/events/a", "", false},
    {HEAD("OPTIONS * HTTP/1.1\r\n" HOST "\r\n"), REQUEST_OPTIONS, "*", "", false},
    {HEAD("POST /a HTTP/1.1\r\n" HOST "\r\n"), REQUEST_OTHER, "/a", "", false},
    {HEAD("get /a HTTP/1.1\r\n" HOST "\r\n"), REQUEST_OTHER, "/a", "", false},
    {HEAD("M-SEARCH /a HTTP/1.1\r\n" HOST "\r\n"), REQUEST_OTHER, "/a", "", false},
    {HEAD("GET /a?b=c&d HTTP/1.1\r\n" HOST "\r\n"), REQUEST_GET, "/a", "b=c&d", false},
    {HEAD("GET /a|b{}\"<>^`\\ HTTP/1.1\r\n" HOST "\r\n"), REQUEST_GET, "/a|b{}\"<>^`\\", "", false},
    {HEAD("GET http://other:81/x?y HTTP/1.1\r\n" HOST "\r\n"), REQUEST_GET, "/x", "y", false},
    {HEAD("GET http://other HTTP/1.1\r\n" HOST "\r\n"), REQUEST_GET, "/", "", false},
    {HEAD("GET / HTTP/1.0\r\n\r\n"), REQUEST_GET, "/", "", true},
    {HEAD("GET / HTTP/1.0\r\n" HOST "\r\n"), REQUEST_GET, "/", "", true},
    {HEAD("GET / HTTP/1.9\r\n" HOST "\r\n"), REQUEST_GET, "/", "", false},
    {HEAD("\r\nGET / HTTP/1.1\r\n" HOST "\r\n"), REQUEST_GET, "/", "", false},
    {HEAD("GET / HTTP/1.1\r\nHost:\r\n\r\n"), REQUEST_GET, "/", "", false},
    {HEAD("GET / HTTP/1.1\r\nHost:example.com:80\r\n\r\n"), REQUEST_GET, "/", "", false},
    {HEAD("GET / HTTP/1.1\r\nhOsT: \t [::1]:80 \t \r\n\r\n"), REQUEST_GET, "/", "", false},
    {HEAD("GET / HTTP/1.1\r\n" HOST "X-Empty:\r\nX-Blank: \t\r\n\r\n"), REQUEST_GET, "/", "",
     false},
    {HEAD("GET / HTTP/1.1\r\n" HOST "X-Latin: \xE4\xFF\r\n\r\n"), REQUEST_GET, "/", "", false},
    {HEAD("GET / HTTP/1.1\r\n" HOST "Cookie: a=b\r\nCookie: c=d\r\n\r\n"), REQUEST_GET, "/", "",
     false},
    {HEAD("GET / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n\r\n"), REQUEST_GET, "/", "", false},
};

static void
check_good(const struct good *g, bool is_whole)
{
    struct request r;
    parse(g->head, &r, is_whole);
    assert_int_equal(r.method, g->method);
    assert_int_equal(r.is_http_1_0, g->is_http_1_0);
    assert_true(str_equal(r.path, str_from(g->path)));
    assert_true(str_equal(r.query, str_from(g->query)));
    assert_false(request_has_body(&r));
}

static void
check_lines(bool is_whole)
{
    static const char *const lines[][2] = {
        {"Host", "h"}, {"X-a", "1 : 2"}, {"X-A", ""}, {"y", "z"}};
    struct request r;
    struct str rest;
    struct str name;
    struct str value;
    parse(STR("GET / HTTP/1.1\r\nHost:h\r\nX-a: \t1 : 2 \r\nX-A:\r\ny: z\r\n\r\n"), &r, is_whole);
    rest = r.lines;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        assert_true(request_next_line(&rest, &name, &value));
        assert_true(str_equal(name, str_from(lines[i][0])));
        assert_true(str_equal(value, str_from(lines[i][1])));
    }
    assert_false(request_next_line(&rest, &name, &value));
    parse(STR("GET / HTTP/1.0\r\n\r\n"), &r, is_whole);
    rest = r.lines;
    assert_false(request_next_line(&rest, &name, &value));
}

static void
test_request_parser_lines_are_all_fields_in_order(void **state)
{
    (void)state;
    check_lines(true);
}

static void
test_request_parser_lines_are_all_fields_in_order_one_byte_at_a_time(void **state)
{
    (void)state;
    check_lines(false);
}

static void
check_all_good(bool is_whole)
{
    for (size_t i = 0; i < sizeof(good_heads) / sizeof(good_heads[0]); i++) {
        check_good(&good_heads[i], is_whole);
    }
}

static void
test_request_parser_good_heads_are_taken(void **state)
{
    (void)state;
    check_all_good(true);
}

static void
test_request_parser_good_heads_are_taken_one_byte_at_a_time(void **state)
{
    (void)state;
    check_all_good(false);
}

/* --- heads that are refused --- */

struct bad {
    struct str head;
    enum metric_status status;
};

#define BAD(text)                                                                                  \
    {                                                                                              \
        HEAD(text), METRIC_STATUS_400                                                              \
    }
#define BAD_FIELD(lines) BAD("GET / HTTP/1.1\r\n" HOST lines "\r\n")

static const struct bad bad_heads[] = {
    /* the request line */
    BAD(" GET / HTTP/1.1\r\n" HOST "\r\n"),
    BAD("\tGET / HTTP/1.1\r\n" HOST "\r\n"),
    BAD("\nGET / HTTP/1.1\r\n" HOST "\r\n"),
    BAD("\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n"),
    BAD("\rGET / HTTP/1.1\r\n" HOST "\r\n"),
    BAD(" / HTTP/1.1\r\n" HOST "\r\n"),
    BAD("GET\t/ HTTP/1.1\r\n" HOST "\r\n"),
    BAD("GET  / HTTP/1.1\r\n" HOST "\r\n"),
    BAD("GET /  HTTP/1.1\r\n" HOST "\r\n"),
    BAD("GET / HTTP/1.1 \r\n" HOST "\r\n"),
    BAD("GET /a b HTTP/1.1\r\n" HOST "\r\n"),
    BAD("G(T / HTTP/1.1\r\n" HOST "\r\n"),
    BAD("GET\0 / HTTP/1.1\r\n" HOST "\r\n"),
    BAD("GET\r\n"),
    BAD("GET /\r\n" HOST "\r\n"),
    BAD("GET /\n"),
    BAD("GET / HTTP/1.1\n" HOST "\n"),
    BAD("GET / HTTP/1.1\r" HOST "\r\n"),
    BAD("GET / http/1.1\r\n" HOST "\r\n"),
    BAD("GET / HTTP/11\r\n" HOST "\r\n"),
    BAD("GET / HTTP/1.\r\n" HOST "\r\n"),
    BAD("GET / HTTP/1.10\r\n" HOST "\r\n"),
    BAD("GET / HTTP/x.1\r\n" HOST "\r\n"),
    BAD("GET / HTTPS/1.1\r\n" HOST "\r\n"),
    BAD("GET / \r\n" HOST "\r\n"),
    BAD("\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03"), /* TLS */
    /* the target */
    BAD("GET a HTTP/1.1\r\n" HOST "\r\n"),
    BAD("GET * HTTP/1.1\r\n" HOST "\r\n"),
    BAD("GET /a#b HTTP/1.1\r\n" HOST "\r\n"),
    BAD("GET /\0 HTTP/1.1\r\n" HOST "\r\n"),
    BAD("GET /\x7F HTTP/1.1\r\n" HOST "\r\n"),
    BAD("GET /k\xC3\xA4se HTTP/1.1\r\n" HOST "\r\n"),
    BAD("GET /\tHTTP/1.1\r\n" HOST "\r\n"),
    BAD("GET ftp://example.com/ HTTP/1.1\r\n" HOST "\r\n"),
    BAD("GET http:///a HTTP/1.1\r\n" HOST "\r\n"),
    BAD("GET http://u:p@example.com/ HTTP/1.1\r\n" HOST "\r\n"),
    BAD("CONNECT example.com:443 HTTP/1.1\r\n" HOST "\r\n"),
    /* versions */
    {HEAD("GET / HTTP/2.0\r\n" HOST "\r\n"), METRIC_STATUS_505},
    {HEAD("GET / HTTP/0.9\r\n" HOST "\r\n"), METRIC_STATUS_505},
    {HEAD("OPTIONS * HTTP/2.0\r\n\r\nSM\r\n\r\n"), METRIC_STATUS_505},
    /* Host */
    BAD("GET / HTTP/1.1\r\n\r\n"),
    BAD("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
    BAD("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
    BAD("GET / HTTP/1.0\r\nHost: a\r\nhost: a\r\n\r\n"),
    BAD("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
    BAD("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
    BAD("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n"),
    BAD("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"),
    BAD("GET http://a/ HTTP/1.1\r\n\r\n"),
    /* fields */
    BAD_FIELD("X-A : b\r\n"),
    BAD_FIELD("X-A\t: b\r\n"),
    BAD_FIELD("X A: b\r\n"),
    BAD_FIELD(": b\r\n"),
    BAD_FIELD("X-A\r\n"),
    BAD_FIELD("X-A: b\r\n c\r\n"),
    BAD_FIELD("X-A: b\r\n\tc\r\n"),
    BAD("GET / HTTP/1.1\r\n " HOST "\r\n"),
    BAD_FIELD("X-A: b\nX-B: c\r\n"),
    BAD_FIELD("X-A: b\rX-B: c\r\n"),
    BAD_FIELD("X-A: b\r\r\n"),
    BAD_FIELD("X-A: \0\r\n"),
    BAD_FIELD("X-A: \x01\r\n"),
    BAD_FIELD("X-A: \x7F\r\n"),
    BAD_FIELD("X-\0: b\r\n"),
    BAD_FIELD("X-\xC3\xA4: b\r\n"),
    BAD_FIELD("X\"Y: b\r\n"),
    BAD("GET / HTTP/1.1\r\n" HOST "\n"),
    BAD("GET / HTTP/1.1\r\n" HOST "\rX"),
    BAD_FIELD("Last-Event-ID: 1-1\r\nLast-Event-ID: 1-2\r\n"),
    BAD_FIELD("Origin: http://a\r\nOrigin: http://b\r\n"),
    /* where does the body end? */
    BAD_FIELD("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"),
    BAD_FIELD("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"),
    BAD_FIELD("Content-Length: 3\r\nContent-Length: 3\r\n"),
    BAD_FIELD("Content-Length: 3\r\nContent-Length: 4\r\n"),
    BAD_FIELD("Content-Length: 3, 3\r\n"),
    BAD_FIELD("Content-Length: +3\r\n"),
    BAD_FIELD("Content-Length: -3\r\n"),
    BAD_FIELD("Content-Length: 0x3\r\n"),
    BAD_FIELD("Content-Length: 3 4\r\n"),
    BAD_FIELD("Content-Length:\r\n"),
    BAD_FIELD("Content-Length: 99999999999999999999\r\n"),
    BAD_FIELD("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"),
    BAD_FIELD("Transfer-Encoding : chunked\r\n"),
    BAD_FIELD("Transfer-Encoding\x0B: chunked\r\n"),
    BAD_FIELD("X: y\r\n\rTransfer-Encoding: chunked\r\n"),
    BAD("POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"),
};

static void
check_all_bad(bool is_whole)
{
    for (size_t i = 0; i < sizeof(bad_heads) / sizeof(bad_heads[0]); i++) {
        assert_refused(bad_heads[i].head, bad_heads[i].status, is_whole);
    }
}

static void
test_request_parser_bad_heads_are_refused(void **state)
{
    (void)state;
    check_all_bad(true);
}

static void
test_request_parser_bad_heads_are_refused_one_byte_at_a_time(void **state)
{
    (void)state;
    check_all_bad(false);
}

/* --- what is kept --- */

static void
check_fields(bool is_whole)
{
    static const char head[] = "GET / HTTP/1.1\r\nHost: h\r\nACCEPT: text/event-stream\r\n"
                               "last-event-id:  1700000000000-7 \t\r\nOrigin: https://a.b\r\n"
                               "User-Agent: x\r\n\r\n";
    struct request r;
    parse(STR(head), &r, is_whole);
    assert_true(str_equal(r.fields[REQUEST_HOST], STR("h")));
    assert_true(str_equal(r.fields[REQUEST_ACCEPT], STR("text/event-stream")));
    assert_true(str_equal(r.fields[REQUEST_LAST_EVENT_ID], STR("1700000000000-7")));
    assert_true(str_equal(r.fields[REQUEST_ORIGIN], STR("https://a.b")));
    assert_null(r.fields[REQUEST_CONTENT_LENGTH].data);
    assert_null(r.fields[REQUEST_TRANSFER_ENCODING].data);
    assert_false(r.is_accept_repeated);
}

static void
test_request_parser_keeps_the_known_fields(void **state)
{
    (void)state;
    check_fields(true);
}

static void
test_request_parser_keeps_the_known_fields_one_byte_at_a_time(void **state)
{
    (void)state;
    check_fields(false);
}

static void
test_request_parser_empty_field_is_there(void **state)
{
    struct request r;
    (void)state;
    parse(STR("GET / HTTP/1.1\r\n" HOST "Last-Event-ID:   \r\n\r\n"), &r, true);
    assert_non_null(r.fields[REQUEST_LAST_EVENT_ID].data);
    assert_int_equal(r.fields[REQUEST_LAST_EVENT_ID].size, 0);
}

static void
test_request_parser_repeated_accept_is_told(void **state)
{
    struct request r;
    (void)state;
    parse(STR("GET / HTTP/1.1\r\n" HOST "Accept: a/b\r\nAccept: c/d\r\n\r\n"), &r, true);
    assert_true(r.is_accept_repeated);
    assert_true(str_equal(r.fields[REQUEST_ACCEPT], STR("a/b")));
}

static void
test_request_parser_body_is_announced(void **state)
{
    struct request r;
    (void)state;
    parse(STR("POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\n"), &r, true);
    assert_true(request_has_body(&r));
    parse(STR("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"), &r, true);
    assert_true(request_has_body(&r));
    parse(STR("GET / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n"), &r, true);
    assert_false(request_has_body(&r));
}

static void
test_request_parser_stops_behind_the_head(void **state)
{
    static const char head[] = "GET / HTTP/1.1\r\n" HOST "\r\n";
    struct request_parser p;
    (void)state;
    request_parser_init(&p, LIMIT);
    assert_int_equal(
        feed(&p, STR("GET / HTTP/1.1\r\n" HOST "\r\nGET /smuggled HTTP/1.1\r\n"), true), 0);
    assert_int_equal(p.position, sizeof(head) - 1);
}

static void
test_request_parser_half_a_head_needs_more(void **state)
{
    struct request_parser p;
    (void)state;
    request_parser_init(&p, LIMIT);
    assert_int_equal(request_parser_feed(&p, "", 0), REQUEST_PARSER_E_MORE);
    assert_int_equal(feed(&p, STR("GET / HTTP/1.1\r\n" HOST "\r"), true), REQUEST_PARSER_E_MORE);
}

/* --- limits --- */

/* A head of exactly `size` bytes, most of them in the target or in one field. Free it. */
static char *
make_head(size_t size, bool is_in_target)
{
    static const char before[] = "GET /";
    static const char between[] = " HTTP/1.1\r\n" HOST "X: ";
    static const char after[] = "\r\n\r\n";
    size_t fill = size - (sizeof(before) + sizeof(between) + sizeof(after) - 3);
    char *head = malloc(size + 1);
    assert_non_null(head);
    char *to = stpcpy(head, before);
    to = is_in_target ? (char *)memset(to, 'a', fill) + fill : to;
    to = stpcpy(to, between);
    to = is_in_target ? to : (char *)memset(to, 'a', fill) + fill;
    (void)stpcpy(to, after);
    assert_int_equal(strlen(head), size);
    return head;
}

static int
feed_sized(size_t size, size_t limit, bool is_in_target, enum metric_status *ret_status)
{
    struct request_parser p;
    char *head = make_head(size, is_in_target);
    request_parser_init(&p, (uint32_t)limit);
    int rc = request_parser_feed(&p, head, size);
    *ret_status = p.status;
    free(head);
    return rc;
}

static void
test_request_parser_head_size_limit(void **state)
{
    enum metric_status status;
    (void)state;
    for (size_t limit = 1000; limit <= 1001; limit++) {
        assert_int_equal(feed_sized(limit - 1, limit, false, &status), 0);
        assert_int_equal(feed_sized(limit, limit, false, &status), 0);
        assert_int_equal(feed_sized(limit + 1, limit, false, &status), REQUEST_PARSER_E_REFUSED);
        assert_int_equal(status, METRIC_STATUS_431);
    }
}

static void
test_request_parser_request_line_limit(void **state)
{
    enum metric_status status;
    (void)state;
    assert_int_equal(feed_sized(1000, 1000, true, &status), 0);
    assert_int_equal(feed_sized(2000, 1000, true, &status), REQUEST_PARSER_E_REFUSED);
    assert_int_equal(status, METRIC_STATUS_414);
}

static int
feed_fields(size_t length)
{
    struct request_parser p;
    struct buf head;
    buf_init(&head, LIMIT);
    assert_int_equal(buf_append_str(&head, STR("GET / HTTP/1.1\r\n" HOST)), 0);
    for (size_t i = 1; i < length; i++) {
        assert_int_equal(buf_append_str(&head, STR("X: y\r\n")), 0);
    }
    assert_int_equal(buf_append_str(&head, STR("\r\n")), 0);
    request_parser_init(&p, LIMIT);
    int rc = request_parser_feed(&p, head.data, head.size);
    assert_int_equal(p.status, rc == 0 ? 0 : METRIC_STATUS_431);
    buf_fini(&head);
    return rc;
}

static void
test_request_parser_fields_limit(void **state)
{
    (void)state;
    assert_int_equal(feed_fields(REQUEST_PARSER_FIELDS_MAX - 1), 0);
    assert_int_equal(feed_fields(REQUEST_PARSER_FIELDS_MAX), 0);
    assert_int_equal(feed_fields(REQUEST_PARSER_FIELDS_MAX + 1), REQUEST_PARSER_E_REFUSED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request_parser_good_heads_are_taken),
        cmocka_unit_test(test_request_parser_lines_are_all_fields_in_order),
        cmocka_unit_test(test_request_parser_lines_are_all_fields_in_order_one_byte_at_a_time),
        cmocka_unit_test(test_request_parser_good_heads_are_taken_one_byte_at_a_time),
        cmocka_unit_test(test_request_parser_bad_heads_are_refused),
        cmocka_unit_test(test_request_parser_bad_heads_are_refused_one_byte_at_a_time),
        cmocka_unit_test(test_request_parser_keeps_the_known_fields),
        cmocka_unit_test(test_request_parser_keeps_the_known_fields_one_byte_at_a_time),
        cmocka_unit_test(test_request_parser_empty_field_is_there),
        cmocka_unit_test(test_request_parser_repeated_accept_is_told),
        cmocka_unit_test(test_request_parser_body_is_announced),
        cmocka_unit_test(test_request_parser_stops_behind_the_head),
        cmocka_unit_test(test_request_parser_half_a_head_needs_more),
        cmocka_unit_test(test_request_parser_head_size_limit),
        cmocka_unit_test(test_request_parser_request_line_limit),
        cmocka_unit_test(test_request_parser_fields_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
