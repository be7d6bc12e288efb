/* The public front end over loopback: whom it refuses, and how. */
#undef NDEBUG
#include "event/loop.h"
#include "front.h"
#include "http/server.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* --- refusals --- */

static void
assert_soft_refusal(const struct client *c, const char *reason)
{
    char data[64];
    (void)snprintf(data, sizeof(data), "data: {\"reason\":\"%s\"}\n\n\r\n0\r\n\r\n", reason);
    assert_begins(c, "HTTP/1.1 200 OK\r\n");
    assert_holds(c, "Content-Type: text/event-stream\r\n");
    assert_holds(c, "retry: ");
    assert_holds(c, "event: runnel.unavailable\n");
    assert_holds(c, data);
    assert_false(c->is_reset);
}

static void
test_server_limits_full_refuses_streams_softly(void **state)
{
    struct fixture *f = *state;
    set_streams(f, 999);
    client_ask(f, "GET /events/a HTTP/1.1\r\n" HOST "\r\n");
    run_until(f, is_opened); /* the limit's last place */
    set_streams(f, 1000);
    struct client *c = client_ask(f, "GET /events/a HTTP/1.1\r\n" HOST "\r\n");
    run_until(f, is_last_client_over);
    assert_soft_refusal(c, "full");
    assert_int_equal(hub.opened, 1);
    assert_int_equal(count(f, METRIC_HTTP_REFUSED, METRIC_REFUSED_FULL), 1);
}

static void
test_server_limits_full_still_answers_the_rest(void **state)
{
    struct fixture *f = *state;
    set_streams(f, 1000);
    struct client *c = client_ask(f, "GET / HTTP/1.1\r\n" HOST "\r\n");
    run_until(f, are_clients_over);
    assert_holds(c, "<!doctype html>");
}

static void
test_server_limits_draining_refuses_streams_softly(void **state)
{
    struct fixture *f = *state;
    struct client *c = client_ask(f, "GET /events/a HTT");
    run_until(f, has_connection);
    server_drain(f->server);
    client_send(c, "P/1.1\r\n" HOST "\r\n");
    run_until(f, are_clients_over);
    assert_soft_refusal(c, "draining");
    assert_int_equal(hub.opened, 0);
    assert_int_equal(count(f, METRIC_HTTP_REFUSED, METRIC_REFUSED_DRAINING), 1);
}

/* An answer to a cross-origin EventSource that the browser may not read would end it for good. */
static void
test_server_limits_refusal_may_be_read_across_origins(void **state)
{
    struct fixture *f = *state;
    char any[] = "*";
    char *origins[] = {any};
    f->config.http.cors_origins = origins;
    f->config.http.cors_origins_length = 1;
    fixture_start(f);
    struct client *c = client_ask(f, "GET /events/a HTTP/1.1\r\n" HOST);
    run_until(f, has_connection);
    server_drain(f->server);
    client_send(c, "Origin: http://x\r\n\r\n");
    run_until(f, are_clients_over);
    assert_holds(c, "Access-Control-Allow-Origin: *\r\n");
    assert_soft_refusal(c, "draining");
}

/* One stream allowed: 1 + 1 / 8 + 64 connections at a time. */
static void
test_server_limits_connections_are_bounded(void **state)
{
    struct fixture *f = *state;
    f->config.http.connections = 1;
    fixture_start(f);
    for (int i = 0; i < 65; i++) {
        client_connect(f, client_new(f));
    }
    client_connect(f, client_new(f));
    run_until(f, is_last_client_over);
    assert_int_equal(count(f, METRIC_HTTP_CONNECTIONS, 0), 65);
    assert_int_equal(count(f, METRIC_HTTP_REFUSED, METRIC_REFUSED_FULL), 1);
    for (size_t i = 0; i < 65; i++) {
        assert_false(f->clients[i]->is_over);
    }
}

/* --- no descriptor left --- */

static int hoard[1024];
static size_t hoard_length;

static void
hoard_descriptors(void)
{
    int fd;
    while ((fd = dup(STDERR_FILENO)) >= 0) {
        assert_true(hoard_length < 1024);
        hoard[hoard_length++] = fd;
    }
    assert_int_equal(errno, EMFILE);
}

static void
release_descriptors(void)
{
    while (hoard_length > 0) {
        close(hoard[--hoard_length]);
    }
}

static void
limit_descriptors(struct rlimit *ret_old)
{
    assert_int_equal(getrlimit(RLIMIT_NOFILE, ret_old), 0);
    struct rlimit few = {.rlim_cur = 256, .rlim_max = ret_old->rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    hoard_descriptors();
}

/* Connects a client that was made while there were descriptors. */
static void
ask_late(struct fixture *f, struct client *c)
{
    client_connect(f, c);
    client_send(c, "GET /events/a HTTP/1.1\r\n" HOST "\r\n");
}

static bool
is_first_client_over(struct fixture *f)
{
    return f->clients[0]->is_over;
}

static bool
is_second_client_over(struct fixture *f)
{
    return f->clients[1]->is_over;
}

/* The spare descriptor serves one refusal after the other: it is back when a connection closes. */
static void
test_server_limits_without_descriptors_refuses_one_after_the_other(void **state)
{
    struct fixture *f = *state;
    struct rlimit old;
    struct client *one = client_new(f);
    struct client *two = client_new(f);
    limit_descriptors(&old);
    pauses_are_endless = true;
    ask_late(f, one);
    ask_late(f, two);
    run_until(f, is_first_client_over);
    assert_int_equal(two->size, 0); /* waits in the backlog */
    assert_int_equal(shutdown(one->fd, SHUT_WR), 0);
    run_until(f, is_second_client_over);
    release_descriptors();
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_soft_refusal(one, "descriptors");
    assert_soft_refusal(two, "descriptors");
    assert_int_equal(count(f, METRIC_HTTP_REFUSED, METRIC_REFUSED_DESCRIPTORS), 2);
    assert_int_equal(hub.opened, 0);
}

/* Though the one who has the spare descriptor keeps it. */
static void
test_server_limits_accepts_again_when_descriptors_are_free(void **state)
{
    struct fixture *f = *state;
    struct rlimit old;
    struct client *idle = client_new(f);
    struct client *next = client_new(f);
    limit_descriptors(&old);
    client_connect(f, idle);
    run_until(f, has_connection);
    ask_late(f, next);
    release_descriptors();
    run_until(f, is_opened);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_false(idle->is_over);
    assert_int_equal(next->size, 0);
}

/* Each worker must have a descriptor to refuse with, whoever takes those that come free. */
static void
test_server_limits_few_descriptors_refuses_streams_softly(void **state)
{
    struct fixture *f = *state;
    struct rlimit old;
    struct client *c = client_new(f);
    struct client *second = client_new(f);
    limit_descriptors(&old);
    for (int i = 0; i < 60; i++) {
        close(hoard[--hoard_length]);
    }
    fixture_start(f);
    ask_late(f, c);
    ask_late(f, second);
    run_until(f, are_clients_over);
    release_descriptors();
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_soft_refusal(c, "descriptors");
    assert_soft_refusal(second, "descriptors");
    assert_int_equal(hub.opened, 0);
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define WITH_CONFIG(test) cmocka_unit_test_setup_teardown(test, setup_not_started, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVER(test_server_limits_full_refuses_streams_softly),
        WITH_SERVER(test_server_limits_full_still_answers_the_rest),
        WITH_SERVER(test_server_limits_draining_refuses_streams_softly),
        WITH_CONFIG(test_server_limits_refusal_may_be_read_across_origins),
        WITH_CONFIG(test_server_limits_connections_are_bounded),
        WITH_SERVER(test_server_limits_without_descriptors_refuses_one_after_the_other),
        WITH_SERVER(test_server_limits_accepts_again_when_descriptors_are_free),
        WITH_CONFIG(test_server_limits_few_descriptors_refuses_streams_softly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
