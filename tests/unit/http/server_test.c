/* The public front end over loopback: streams, answers, time, the end. */
#undef NDEBUG
#include "event/loop.h"
#include "front.h"
#include "http/server.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* --- streams --- */

static void
test_server_stream_moves_to_the_hub(void **state)
{
    struct fixture *f = *state;
    client_ask(f, "GET /events?channel=b&channel=a HTTP/1.1\r\n" HOST
                  "Last-Event-ID: 1700000000000-7\r\n\r\n");
    run_until(f, is_opened);
    assert_string_equal(hub.channels, "a,b,");
    assert_int_equal(hub.start.kind, HUB_START_AFTER);
    assert_true(hub.start.after == event_id_make(1700000000000, 7));
    assert_true(hub.is_chunked);
    assert_true(strncmp(hub.head, "HTTP/1.1 200 OK\r\n", 17) == 0);
    assert_non_null(strstr(hub.head, "Content-Type: text/event-stream\r\n"));
    assert_non_null(strstr(hub.head, "Transfer-Encoding: chunked\r\n"));
    assert_true((fcntl(hub.fd, F_GETFL) & O_NONBLOCK) != 0);
    assert_true((fcntl(hub.fd, F_GETFD) & FD_CLOEXEC) != 0);
    assert_int_equal(count(f, METRIC_HTTP_REQUESTS, METRIC_STATUS_200), 1);
    assert_int_equal(count(f, METRIC_HTTP_CONNECTIONS, 0), 0);
    assert_false(f->clients[0]->is_over);
}

static void
test_server_stream_for_http_1_0_has_no_chunks(void **state)
{
    struct fixture *f = *state;
    client_ask(f, "GET /events/a HTTP/1.0\r\n\r\n");
    run_until(f, is_opened);
    assert_false(hub.is_chunked);
    assert_null(strstr(hub.head, "Transfer-Encoding"));
}

/* Each byte is looked at before the next one is sent. */
static bool
feed_one_byte(struct fixture *f)
{
    static const char head[] = "GET /events/slow HTTP/1.1\r\n" HOST "Accept: */*\r\n\r\n";
    if (hub.opened == 0 && f->ticks < sizeof(head) - 1) {
        char byte[] = {head[f->ticks], '\0'};
        client_send(f->clients[0], byte);
    }
    return hub.opened > 0;
}

static void
test_server_head_may_come_one_byte_at_a_time(void **state)
{
    struct fixture *f = *state;
    client_connect(f, client_new(f));
    run_until(f, feed_one_byte);
    assert_string_equal(hub.channels, "slow,");
}

static int
hub_fd_acknowledges_at_once(void)
{
    int is_on = -1;
    socklen_t size = sizeof(is_on);
    assert_int_equal(getsockopt(hub.fd, IPPROTO_TCP, TCP_QUICKACK, &is_on, &size), 0);
    return is_on;
}

static void
test_server_head_in_one_piece_is_acknowledged_by_the_answer(void **state)
{
    struct fixture *f = *state;
    client_ask(f, "GET /events/a HTTP/1.1\r\n" HOST "\r\n");
    run_until(f, is_opened);
    assert_int_equal(hub_fd_acknowledges_at_once(), 0);
}

/* The peer may wait for that with the next one. */
static void
test_server_piece_of_a_head_is_acknowledged_at_once(void **state)
{
    struct fixture *f = *state;
    client_connect(f, client_new(f));
    run_until(f, feed_one_byte);
    assert_int_equal(hub_fd_acknowledges_at_once(), 1);
}

static void
test_server_bytes_behind_a_streams_head_are_no_request(void **state)
{
    struct fixture *f = *state;
    client_ask(f, "GET /events/a HTTP/1.1\r\n" HOST "\r\n"
                  "GET /events/b HTTP/1.1\r\n" HOST "\r\n");
    run_until(f, is_opened);
    client_ask(f, "GET /none HTTP/1.1\r\n" HOST "\r\n");
    run_until(f, is_last_client_over);
    assert_int_equal(hub.opened, 1);
    assert_string_equal(hub.channels, "a,");
}

static void
test_server_hub_without_memory_closes_that_one(void **state)
{
    struct fixture *f = *state;
    hub.fails_with = ERR_MEMORY;
    client_ask(f, "GET /events/a HTTP/1.1\r\n" HOST "\r\n");
    run_until(f, are_clients_over);
    assert_int_equal(count(f, METRIC_HTTP_REFUSED, METRIC_REFUSED_MEMORY), 1);
    assert_int_equal(count(f, METRIC_HTTP_REQUESTS, METRIC_STATUS_200), 0);
    hub.fails_with = 0;
    hub.opened = 0;
    client_ask(f, "GET /events/a HTTP/1.1\r\n" HOST "\r\n");
    run_until(f, is_opened);
    assert_true(hub.fd >= 0);
}

/* --- answers --- */

static void
test_server_answer_is_whole_and_closed_cleanly(void **state)
{
    struct fixture *f = *state;
    struct client *c = client_ask(f, "GET /none HTTP/1.1\r\n" HOST "\r\n");
    run_until(f, are_clients_over);
    assert_begins(c, "HTTP/1.1 404 Not Found\r\n");
    assert_holds(c, "Connection: close\r\n");
    assert_holds(c, "\r\n\r\nnothing here");
    assert_int_equal(c->in[c->size - 1], '\n');
    assert_false(c->is_reset);
    assert_int_equal(count(f, METRIC_HTTP_REQUESTS, METRIC_STATUS_404), 1);
    close(c->fd);
    c->fd = -1;
    run_until(f, has_no_connection);
}

static void
test_server_only_the_first_request_is_answered(void **state)
{
    struct fixture *f = *state;
    struct client *c = client_ask(f, "GET /one HTTP/1.1\r\n" HOST "\r\n"
                                     "GET /two HTTP/1.1\r\n" HOST "\r\n");
    run_until(f, are_clients_over);
    assert_null(strstr(c->in + 1, "HTTP/1.1 "));
    assert_int_equal(count(f, METRIC_HTTP_REQUESTS, METRIC_STATUS_404), 1);
}

static void
test_server_head_gets_no_body(void **state)
{
    struct fixture *f = *state;
    struct client *c = client_ask(f, "HEAD / HTTP/1.1\r\n" HOST "\r\n");
    run_until(f, are_clients_over);
    assert_begins(c, "HTTP/1.1 200 OK\r\n");
    assert_string_equal(strstr(c->in, "\r\n\r\n"), "\r\n\r\n");
}

static void
test_server_page_is_served(void **state)
{
    struct fixture *f = *state;
    struct client *c = client_ask(f, "GET /?channel=a HTTP/1.1\r\n" HOST "\r\n");
    run_until(f, are_clients_over);
    assert_holds(c, "\r\n\r\n<!doctype html>");
    assert_holds(c, "</html>\n");
}

static void
test_server_answer_goes_out_piece_by_piece(void **state)
{
    struct fixture *f = *state;
    send_most = 100;
    struct client *c = client_ask(f, "GET / HTTP/1.1\r\n" HOST "\r\n");
    run_until(f, are_clients_over);
    assert_begins(c, "HTTP/1.1 200 OK\r\n");
    assert_holds(c, "</html>\n");
    assert_false(c->is_reset);
}

static void
test_server_bad_head_is_400_with_the_reason(void **state)
{
    struct fixture *f = *state;
    struct client *c = client_ask(f, "GET /a HTTP/1.1\r\n\r\n");
    run_until(f, are_clients_over);
    assert_begins(c, "HTTP/1.1 400 Bad Request\r\n");
    assert_holds(c, "\r\n\r\nthe Host field is missing\n");
    assert_int_equal(count(f, METRIC_HTTP_REQUESTS, METRIC_STATUS_400), 1);
}

/* A close with unread bytes would be a reset, which takes the answer away from the client. */
static void
test_server_answer_arrives_though_the_client_still_sends(void **state)
{
    struct fixture *f = *state;
    static char body[300 * 1024];
    memset(body, 'x', sizeof(body));
    struct client *c =
        client_ask(f, "POST /events/a HTTP/1.1\r\n" HOST "Content-Length: 307200\r\n\r\n");
    assert_true(__real_send(c->fd, body, sizeof(body), MSG_NOSIGNAL | MSG_DONTWAIT) > 0);
    run_until(f, are_clients_over);
    assert_begins(c, "HTTP/1.1 405 Method Not Allowed\r\n");
    assert_false(c->is_reset);
}

static void
test_server_head_limit(void **state)
{
    struct fixture *f = *state;
    char head[4096 + 2];
    int begin = snprintf(head, sizeof(head), "GET /none HTTP/1.1\r\n" HOST "X: ");
    for (size_t size = 4095; size <= 4097; size++) {
        memset(head + begin, 'x', size - (size_t)begin);
        memcpy(head + size - 4, "\r\n\r\n", 5);
        const struct client *c = client_ask(f, head);
        run_until(f, are_clients_over);
        assert_begins(c, size <= 4096 ? "HTTP/1.1 404" : "HTTP/1.1 431");
    }
}

/* --- time --- */

static void
test_server_slow_head_is_408(void **state)
{
    struct fixture *f = *state;
    f->config.http.head_timeout_ms = 200;
    fixture_start(f);
    struct client *c = client_ask(f, "GET /events/a HTT");
    run_until(f, are_clients_over);
    assert_begins(c, "HTTP/1.1 408 Request Timeout\r\n");
    assert_false(c->is_reset);
}

/* Not after the wheel's first turn. */
static void
test_server_timeout_longer_than_the_wheel_is_kept(void **state)
{
    struct fixture *f = *state;
    f->config.http.head_timeout_ms = 500;
    wheel_most_ms = 100;
    fixture_start(f);
    uint64_t begin_ms = loop_now_ms(f->loop);
    struct client *c = client_ask(f, "GET /events/a HTT");
    run_until(f, are_clients_over);
    assert_true(loop_now_ms(f->loop) - begin_ms >= 500);
    assert_begins(c, "HTTP/1.1 408 Request Timeout\r\n");
}

/* Browsers open connections in advance. */
static void
test_server_connection_that_never_spoke_is_closed_silently(void **state)
{
    struct fixture *f = *state;
    f->config.http.head_timeout_ms = 200;
    fixture_start(f);
    struct client *c = client_ask(f, "");
    run_until(f, are_clients_over);
    assert_int_equal(c->size, 0);
    assert_int_equal(count(f, METRIC_HTTP_REQUESTS, METRIC_STATUS_408), 0);
    assert_int_equal(count(f, METRIC_HTTP_CONNECTIONS, 0), 0);
}

static void
test_server_client_that_leaves_is_forgotten(void **state)
{
    struct fixture *f = *state;
    struct client *c = client_ask(f, "GET /eve");
    run_until(f, has_connection);
    close(c->fd);
    c->fd = -1;
    c->is_over = true;
    run_until(f, has_no_connection);
    assert_int_equal(hub.opened, 0);
}

static void
test_server_client_that_does_not_read_is_closed(void **state)
{
    struct fixture *f = *state;
    f->config.http.head_timeout_ms = 200;
    fixture_start(f);
    send_most = SEND_NOTHING;
    struct client *c = client_ask(f, "GET / HTTP/1.1\r\n" HOST "\r\n");
    run_until(f, are_clients_over);
    assert_int_equal(c->size, 0);
    assert_int_equal(count(f, METRIC_HTTP_CONNECTIONS, 0), 0);
}

static void
test_server_answered_client_that_stays_is_closed(void **state)
{
    struct fixture *f = *state;
    client_ask(f, "GET /none HTTP/1.1\r\n" HOST "\r\n");
    run_until(f, are_clients_over);
    assert_true(has_connection(f)); /* lingers */
    run_until(f, has_no_connection);
}

/* --- several servers, and the end --- */

static void
test_server_next_worker_shares_the_port(void **state)
{
    struct fixture *f = *state;
    struct server *next = NULL;
    uint16_t port = server_port(f->server);
    int rc = fixture_serve(f, port, &next);
    assert_int_equal(rc, 0);
    assert_int_equal(server_port(next), port);
    server_free(next);
}

static void
test_server_port_in_use_is_an_address_error(void **state)
{
    struct fixture *f = *state;
    struct server *other = NULL;
    f->config.http.listen.port = server_port(f->server);
    int rc = fixture_serve(f, 0, &other);
    assert_int_equal(rc, ERR_ADDRESS);
    assert_null(other);
}

static void
test_server_free_closes_what_is_no_stream(void **state)
{
    struct fixture *f = *state;
    client_ask(f, "GET /events/a HTTP/1.1\r\n" HOST "\r\n");
    run_until(f, is_opened);
    client_ask(f, "GET /none HTTP/1.1\r\n" HOST "\r\n"); /* will linger */
    run_until(f, is_last_client_over);
    struct client *half = client_ask(f, "GET /eve");
    run_until(f, has_connection);
    server_free(f->server);
    f->server = NULL;
    run_until(f, is_last_client_over);
    assert_int_equal(half->size, 0);
    assert_false(f->clients[0]->is_over);
    assert_int_equal(count(f, METRIC_HTTP_CONNECTIONS, 0), 0);
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define WITH_CONFIG(test) cmocka_unit_test_setup_teardown(test, setup_not_started, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVER(test_server_stream_moves_to_the_hub),
        WITH_SERVER(test_server_stream_for_http_1_0_has_no_chunks),
        WITH_SERVER(test_server_head_may_come_one_byte_at_a_time),
        WITH_SERVER(test_server_head_in_one_piece_is_acknowledged_by_the_answer),
        WITH_SERVER(test_server_piece_of_a_head_is_acknowledged_at_once),
        WITH_SERVER(test_server_bytes_behind_a_streams_head_are_no_request),
        WITH_SERVER(test_server_hub_without_memory_closes_that_one),
        WITH_SERVER(test_server_answer_is_whole_and_closed_cleanly),
        WITH_SERVER(test_server_only_the_first_request_is_answered),
        WITH_SERVER(test_server_head_gets_no_body),
        WITH_SERVER(test_server_page_is_served),
        WITH_SERVER(test_server_answer_goes_out_piece_by_piece),
        WITH_SERVER(test_server_bad_head_is_400_with_the_reason),
        WITH_SERVER(test_server_answer_arrives_though_the_client_still_sends),
        WITH_SERVER(test_server_head_limit),
        WITH_CONFIG(test_server_slow_head_is_408),
        WITH_CONFIG(test_server_timeout_longer_than_the_wheel_is_kept),
        WITH_CONFIG(test_server_connection_that_never_spoke_is_closed_silently),
        WITH_SERVER(test_server_client_that_leaves_is_forgotten),
        WITH_CONFIG(test_server_client_that_does_not_read_is_closed),
        WITH_SERVER(test_server_answered_client_that_stays_is_closed),
        WITH_SERVER(test_server_next_worker_shares_the_port),
        WITH_SERVER(test_server_port_in_use_is_an_address_error),
        WITH_SERVER(test_server_free_closes_what_is_no_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
