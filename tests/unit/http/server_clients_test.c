/* The public front end over loopback: limits by client, and who the client is. */
#undef NDEBUG
#include "base/map.h"
#include "event/loop.h"
#include "front.h"
#include "http/admission.h"
#include "http/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>

#include <cmocka.h>

#define STREAM  "GET /events/a HTTP/1.1\r\n" HOST "\r\n"
#define STREAM2 "GET /events/a HTTP/1.1\r\n" HOST

static struct network trusted[1];

/* 127.0.0.1, from where all clients connect that say nothing else. */
static void
trust_loopback(struct fixture *f)
{
    assert_int_equal(network_parse(STR("127.0.0.1"), &trusted[0]), 0);
    f->config.http.trusted_proxies = (struct networks){trusted, 1};
}

static void
assert_opens(struct fixture *f, struct client *c)
{
    size_t before = hub.opened;
    hub.opened = 0;
    run_until(f, is_opened);
    assert_int_equal(c->size, 0);
    hub.opened += before;
}

static void
assert_refused(struct fixture *f, struct client *c, const char *reason)
{
    char data[64];
    size_t before = hub.opened;
    run_until(f, is_last_client_over);
    (void)snprintf(data, sizeof(data), "data: {\"reason\":\"%s\"}\n\n", reason);
    assert_begins(c, "HTTP/1.1 200 OK\r\n");
    assert_holds(c, "retry: ");
    assert_holds(c, data);
    assert_int_equal(hub.opened, before);
}

/* Closed without a word. */
static void
assert_closed(struct fixture *f, struct client *c, enum metric_refused why)
{
    run_until(f, is_last_client_over);
    assert_int_equal(c->size, 0);
    assert_int_equal(count(f, METRIC_HTTP_REFUSED, why), 1);
}

/* --- connections of one address --- */

static void
test_server_clients_of_one_address_are_limited(void **state)
{
    struct fixture *f = *state;
    f->config.http.connections_per_address = 1;
    assert_opens(f, client_ask(f, STREAM));
    assert_refused(f, client_ask(f, STREAM), "address");
    assert_int_equal(count(f, METRIC_HTTP_REFUSED, METRIC_REFUSED_ADDRESS), 1);
    struct client *c = client_ask(f, "GET / HTTP/1.1\r\n" HOST "\r\n");
    run_until(f, is_last_client_over);
    assert_holds(c, "<!doctype html>");
}

static void
test_server_clients_of_another_address_have_their_own_limit(void **state)
{
    struct fixture *f = *state;
    f->config.http.connections_per_address = 1;
    assert_opens(f, client_ask(f, STREAM));
    struct client *other = client_new(f);
    client_connect_from(f, other, "127.0.0.2");
    client_send(other, STREAM);
    assert_opens(f, other);
}

static void
test_server_clients_whose_stream_ended_may_come_again(void **state)
{
    struct fixture *f = *state;
    f->config.http.connections_per_address = 1;
    for (int i = 0; i < 3; i++) {
        assert_opens(f, client_ask(f, STREAM));
        struct client *refused = client_ask(f, STREAM);
        assert_refused(f, refused, "address");
        assert_int_equal(shutdown(refused->fd, SHUT_RDWR), 0);
        run_until(f, has_no_connection);
        hub_close_stream();
    }
}

/* The hub has had the descriptor, so it says when it is closed, also where it could not open it. */
static void
test_server_clients_are_forgotten_where_the_hub_fails(void **state)
{
    struct fixture *f = *state;
    f->config.http.connections_per_address = 1;
    hub.fails_with = ERR_MEMORY;
    client_ask(f, STREAM);
    run_until(f, is_last_client_over);
    hub.fails_with = 0;
    assert_opens(f, client_ask(f, STREAM));
}

/* More addresses than the table was made for at the start: a limit cannot hold for them, and that is counted. */
static void
test_server_clients_that_cannot_be_told_apart_are_let_pass_and_counted(void **state)
{
    struct fixture *f = *state;
    f->config.http.connections_per_address = 1;
    for (uint64_t i = 0; i < 100 * f->config.http.connections; i++) {
        uint64_t client = map_hash((struct str){(const char *)&i, sizeof(i)});
        (void)admission_enter(f->admission, &f->config.http, client);
    }
    assert_opens(f, client_ask(f, STREAM));
    hub_close_stream();
    assert_opens(f, client_ask(f, STREAM));
    assert_int_equal(count(f, METRIC_HTTP_UNCOUNTED, 0), 2);
}

/* A limit of 1, and room for 17 that may be told so. */
static void
test_server_clients_far_beyond_the_limit_are_closed_at_once(void **state)
{
    struct fixture *f = *state;
    f->config.http.connections_per_address = 1;
    for (int i = 0; i < 18; i++) {
        client_connect(f, client_new(f));
    }
    struct client *c = client_new(f);
    client_connect(f, c);
    assert_closed(f, c, METRIC_REFUSED_ADDRESS);
    for (size_t i = 0; i < 18; i++) {
        assert_false(f->clients[i]->is_over);
    }
}

/* --- rates --- */

static void
test_server_clients_may_not_come_faster_than_the_rate(void **state)
{
    struct fixture *f = *state;
    f->config.http.connect_rate = 1;
    assert_opens(f, client_ask(f, STREAM));
    struct client *c = client_new(f);
    client_connect_from(f, c, "127.0.0.2");
    client_send(c, STREAM);
    assert_refused(f, c, "rate");
    assert_int_equal(count(f, METRIC_HTTP_REFUSED, METRIC_REFUSED_RATE), 1);
}

static void
test_server_clients_of_one_address_have_their_own_rate(void **state)
{
    struct fixture *f = *state;
    f->config.http.connect_rate_per_address = 1;
    assert_opens(f, client_ask(f, STREAM));
    assert_refused(f, client_ask(f, STREAM), "address_rate");
    assert_int_equal(count(f, METRIC_HTTP_REFUSED, METRIC_REFUSED_ADDRESS_RATE), 1);
    struct client *c = client_new(f);
    client_connect_from(f, c, "127.0.0.2");
    client_send(c, STREAM);
    assert_opens(f, c);
}

static void
test_server_clients_without_room_for_channels_are_refused(void **state)
{
    struct fixture *f = *state;
    hub.is_full = true;
    assert_refused(f, client_ask(f, STREAM), "channels");
    assert_int_equal(count(f, METRIC_HTTP_REFUSED, METRIC_REFUSED_CHANNELS), 1);
}

/* --- X-Forwarded-For --- */

static void
test_server_clients_of_a_trusted_proxy_are_told_apart(void **state)
{
    struct fixture *f = *state;
    trust_loopback(f);
    f->config.http.connections_per_address = 1;
    assert_opens(f, client_ask(f, STREAM2 "X-Forwarded-For: 192.0.2.1\r\n\r\n"));
    assert_opens(f, client_ask(f, STREAM2 "X-Forwarded-For: 192.0.2.2\r\n\r\n"));
    const char *again = STREAM2 "X-Forwarded-For: 192.0.2.9, 192.0.2.1\r\n\r\n";
    assert_refused(f, client_ask(f, again), "address");
}

static void
test_server_clients_that_a_proxy_does_not_name_have_no_limit(void **state)
{
    struct fixture *f = *state;
    trust_loopback(f);
    f->config.http.connections_per_address = 1;
    f->config.http.connect_rate_per_address = 1;
    assert_opens(f, client_ask(f, STREAM));
    assert_opens(f, client_ask(f, STREAM));
}

static void
test_server_clients_that_are_no_proxy_cannot_name_another(void **state)
{
    struct fixture *f = *state;
    f->config.http.connections_per_address = 1;
    assert_opens(f, client_ask(f, STREAM2 "X-Forwarded-For: 192.0.2.1\r\n\r\n"));
    assert_refused(f, client_ask(f, STREAM2 "X-Forwarded-For: 192.0.2.2\r\n\r\n"), "address");
}

/* --- the PROXY protocol --- */

#define FROM(address) "PROXY TCP4 " address " 127.0.0.1 1 2\r\n"

static void
expect_proxy_header(struct fixture *f)
{
    trust_loopback(f);
    f->config.http.proxy_protocol = true;
    f->config.http.connections_per_address = 1;
}

static void
test_server_clients_are_named_by_the_proxy_protocol(void **state)
{
    struct fixture *f = *state;
    expect_proxy_header(f);
    assert_opens(f, client_ask(f, FROM("192.0.2.1") STREAM));
    assert_opens(f, client_ask(f, FROM("192.0.2.2") STREAM));
    /* Its own words count for nothing. */
    assert_refused(f, client_ask(f, FROM("192.0.2.1") STREAM2 "X-Forwarded-For: 192.0.2.3\r\n\r\n"),
                   "address");
}

/* A proxy behind a balancer: the header names the proxy, the head the client. */
static void
test_server_clients_behind_two_proxies_are_named_by_the_head(void **state)
{
    struct fixture *f = *state;
    expect_proxy_header(f);
    assert_opens(f, client_ask(f, FROM("127.0.0.1") STREAM2 "X-Forwarded-For: 192.0.2.1\r\n\r\n"));
    assert_refused(f, client_ask(f, FROM("127.0.0.1") STREAM2 "X-Forwarded-For: 192.0.2.1\r\n\r\n"),
                   "address");
}

static bool
has_taken_it(struct fixture *f)
{
    return has_connection(f) || hub.opened > 0;
}

static void
test_server_clients_header_may_come_in_pieces(void **state)
{
    struct fixture *f = *state;
    static const char text[] = FROM("192.0.2.1") STREAM;
    expect_proxy_header(f);
    struct client *c = client_new(f);
    client_connect(f, c);
    for (size_t i = 0; text[i] != '\0'; i++) {
        client_send(c, (char[]){text[i], '\0'});
        run_until(f, has_taken_it);
    }
    run_until(f, is_opened);
    assert_string_equal(hub.channels, "a,");
}

static void
test_server_clients_without_header_are_closed(void **state)
{
    struct fixture *f = *state;
    expect_proxy_header(f);
    struct client *c = client_ask(f, STREAM);
    assert_closed(f, c, METRIC_REFUSED_PROXY_HEADER);
}

static void
test_server_clients_with_half_a_header_are_closed_in_time(void **state)
{
    struct fixture *f = *state;
    expect_proxy_header(f);
    f->config.http.head_timeout_ms = 50;
    struct client *c = client_ask(f, "PROXY TCP4 192");
    assert_closed(f, c, METRIC_REFUSED_PROXY_HEADER);
}

/* As a proxy that looks whether the port is open. */
static void
test_server_clients_that_say_nothing_are_no_bad_header(void **state)
{
    struct fixture *f = *state;
    expect_proxy_header(f);
    f->config.http.head_timeout_ms = 50;
    client_connect(f, client_new(f));
    run_until(f, is_last_client_over);
    assert_int_equal(count(f, METRIC_HTTP_REFUSED, METRIC_REFUSED_PROXY_HEADER), 0);
}

/* Nobody else is asked for a header, and from nobody else is one taken. */
static void
test_server_clients_that_are_no_proxy_speak_plainly(void **state)
{
    struct fixture *f = *state;
    expect_proxy_header(f);
    struct client *plain = client_new(f);
    client_connect_from(f, plain, "127.0.0.2");
    client_send(plain, STREAM);
    assert_opens(f, plain);
    struct client *liar = client_new(f);
    client_connect_from(f, liar, "127.0.0.3");
    client_send(liar, FROM("192.0.2.1") STREAM);
    run_until(f, is_last_client_over);
    assert_begins(liar, "HTTP/1.1 400 ");
}

static void
test_server_clients_header_is_not_part_of_the_head(void **state)
{
    struct fixture *f = *state;
    char head[512] = FROM("192.0.2.1") STREAM2 "X: ";
    expect_proxy_header(f);
    f->config.http.head_bytes = 256;
    size_t size = strlen(head);
    size_t wanted = strlen(FROM("192.0.2.1")) + 256;
    memset(head + size, 'x', wanted - 4 - size);
    memcpy(head + wanted - 4, "\r\n\r\n", 5);
    assert_opens(f, client_ask(f, head));
}

/* --- a reload --- */

static void
test_server_set_config_changes_the_limits(void **state)
{
    struct fixture *f = *state;
    struct config tight = f->config;
    tight.http.connections_per_address = 1;
    assert_opens(f, client_ask(f, STREAM));
    assert_opens(f, client_ask(f, STREAM));
    server_set_config(f->server, &tight);
    assert_opens(f, client_ask(f, STREAM)); /* those of before are not counted */
    assert_refused(f, client_ask(f, STREAM), "address");
    tight.http.connections_per_address = 0;
    server_set_config(f->server, &tight);
    assert_opens(f, client_ask(f, STREAM));
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVER(test_server_clients_of_one_address_are_limited),
        WITH_SERVER(test_server_clients_of_another_address_have_their_own_limit),
        WITH_SERVER(test_server_clients_whose_stream_ended_may_come_again),
        WITH_SERVER(test_server_clients_are_forgotten_where_the_hub_fails),
        WITH_SERVER(test_server_clients_that_cannot_be_told_apart_are_let_pass_and_counted),
        WITH_SERVER(test_server_clients_far_beyond_the_limit_are_closed_at_once),
        WITH_SERVER(test_server_clients_may_not_come_faster_than_the_rate),
        WITH_SERVER(test_server_clients_of_one_address_have_their_own_rate),
        WITH_SERVER(test_server_clients_without_room_for_channels_are_refused),
        WITH_SERVER(test_server_clients_of_a_trusted_proxy_are_told_apart),
        WITH_SERVER(test_server_clients_that_a_proxy_does_not_name_have_no_limit),
        WITH_SERVER(test_server_clients_that_are_no_proxy_cannot_name_another),
        WITH_SERVER(test_server_clients_are_named_by_the_proxy_protocol),
        WITH_SERVER(test_server_clients_behind_two_proxies_are_named_by_the_head),
        WITH_SERVER(test_server_clients_header_may_come_in_pieces),
        WITH_SERVER(test_server_clients_without_header_are_closed),
        WITH_SERVER(test_server_clients_with_half_a_header_are_closed_in_time),
        WITH_SERVER(test_server_clients_that_say_nothing_are_no_bad_header),
        WITH_SERVER(test_server_clients_that_are_no_proxy_speak_plainly),
        WITH_SERVER(test_server_clients_header_is_not_part_of_the_head),
        WITH_SERVER(test_server_set_config_changes_the_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
