/* The http source behind a real evhttp, as main attaches it to the admin port. */
#undef NDEBUG
#include "event/loop.h"
#include "observability/metrics.h"
#include "rig.h"
#include "sources/http.h"
#include "sources/http_waiters.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { CLIENT_ANSWER_SIZE_MAX = 4096, HTTP_TOPIC_LINE_SIZE = 1100 };

struct fixture {
    struct rig rig;
    struct evhttp *server;
    uint16_t port;
};

/* A connection of the test's; what came stands in `answer`. */
struct client {
    struct bufferevent *connection;
    char answer[CLIENT_ANSWER_SIZE_MAX];
    size_t size;
    bool is_closed;
};

static void
fixture_begin(struct fixture *f)
{
    *f = (struct fixture){0};
    rig_init_type(&f->rig, SOURCE_HTTP);
    f->server = evhttp_new(loop_base(f->rig.loop));
    assert_non_null(f->server);
    struct evhttp_bound_socket *bound = evhttp_bind_socket_with_handle(f->server, "127.0.0.1", 0);
    struct sockaddr_in address = {0};
    socklen_t size = sizeof address;
    assert_non_null(bound);
    assert_int_equal(
        getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&address, &size), 0);
    f->port = ntohs(address.sin_port);
}

static void
fixture_up(struct fixture *f)
{
    rig_start(&f->rig);
    evhttp_set_allowed_methods(f->server, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_PUT |
                                              EVHTTP_REQ_DELETE);
    evhttp_set_gencb(f->server, http_source_on_request, f->rig.source);
}

static void
fixture_end(struct fixture *f)
{
    rig_end(&f->rig);
    evhttp_free(f->server);
    rig_fini(&f->rig);
}

static void
client_on_read(struct bufferevent *connection, void *arg)
{
    struct client *c = arg;
    c->size +=
        bufferevent_read(connection, c->answer + c->size, CLIENT_ANSWER_SIZE_MAX - 1 - c->size);
    c->answer[c->size] = '\0';
}

static void
client_on_event(struct bufferevent *connection, short what, void *arg)
{
    struct client *c = arg;
    (void)connection;
    c->is_closed = (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) != 0;
}

static void
client_send(struct client *c, struct fixture *f, const char *bytes, size_t size)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(f->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    *c = (struct client){
        .connection = bufferevent_socket_new(loop_base(f->rig.loop), -1, BEV_OPT_CLOSE_ON_FREE)};
    assert_non_null(c->connection);
    bufferevent_setcb(c->connection, client_on_read, NULL, client_on_event, c);
    assert_int_equal(bufferevent_enable(c->connection, EV_READ | EV_WRITE), 0);
    assert_int_equal(bufferevent_write(c->connection, bytes, size), 0);
    assert_int_equal(
        bufferevent_socket_connect(c->connection, (struct sockaddr *)&address, (int)sizeof address),
        0);
}

static void
client_request(
    struct client *c, struct fixture *f, const char *line, const char *headers, const char *body)
{
    char request[2048];
    int size = snprintf(request, sizeof request,
                        "%s HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n%s\r\n%s", line,
                        strlen(body), headers, body);
    assert_true(size > 0 && (size_t)size < sizeof request);
    client_send(c, f, request, (size_t)size);
}

static void
client_end(struct client *c)
{
    bufferevent_free(c->connection);
}

static bool
client_has(const struct client *c, const char *words)
{
    return strstr(c->answer, words) != NULL;
}

/* One request, one answer. */
static void
check_answer(struct fixture *f, const char *line, const char *headers, const char *status)
{
    struct client c;
    client_request(&c, f, line, headers, "x");
    RIG_WAIT(&f->rig, client_has(&c, "\r\n\r\n"));
    if (!client_has(&c, status)) {
        print_error("%s\n", c.answer);
    }
    assert_true(client_has(&c, status));
    client_end(&c);
}

static void
test_http_answers_after_the_log_has_it(void **state)
{
    struct fixture f;
    struct client c;
    (void)state;
    fixture_begin(&f);
    f.rig.events = 3;
    fixture_up(&f);
    assert_true(rig_is_up(&f.rig) && rig_says(&f.rig, "ok source plant\n"));
    client_request(&c, &f, "POST /publish/orders/eu%20west", "", "{\"total\":1}");
    RIG_WAIT(&f.rig, rig_has_message(&f.rig, "orders/eu west", "{\"total\":1}"));
    for (int i = 0; i < 20; i++) {
        rig_turn(&f.rig);
    }
    assert_int_equal(c.size, 0);
    rig_store(&f.rig);
    RIG_WAIT(&f.rig, client_has(&c, "{\"events\":3}\n"));
    assert_true(client_has(&c, "HTTP/1.1 200 OK\r\n"));
    assert_true(client_has(&c, "Content-Type: application/json\r\n"));
    assert_int_equal(rig_metric(&f.rig, METRIC_SOURCE_MESSAGES), 1);
    client_end(&c);
    fixture_end(&f);
}

static void
test_http_stored_at_once_is_answered_at_once(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f);
    f.rig.stores_at_once = true;
    fixture_up(&f);
    check_answer(&f, "POST /publish/a", "", "{\"events\":1}\n");
    check_answer(&f, "POST /publish/a", "", "{\"events\":1}\n");
    assert_int_equal(rig_count(&f.rig, "a", "x"), 2);
    fixture_end(&f);
}

static void
test_http_answers_in_the_order_of_storing(void **state)
{
    struct fixture f;
    struct client c[3];
    (void)state;
    fixture_begin(&f);
    fixture_up(&f);
    for (size_t i = 0; i < 3; i++) {
        client_request(&c[i], &f, "POST /publish/a", "", "x");
        RIG_WAIT(&f.rig, f.rig.messages_length == i + 1);
    }
    f.rig.source->ops->on_stored(f.rig.source, 2);
    RIG_WAIT(&f.rig, client_has(&c[0], "200 OK") && client_has(&c[1], "200 OK"));
    assert_int_equal(c[2].size, 0);
    rig_store(&f.rig);
    RIG_WAIT(&f.rig, client_has(&c[2], "200 OK"));
    for (size_t i = 0; i < 3; i++) {
        client_end(&c[i]);
    }
    fixture_end(&f);
}

static void
test_http_event_that_the_log_never_stores_is_an_error(void **state)
{
    struct fixture f;
    struct client c[3];
    (void)state;
    fixture_begin(&f);
    fixture_up(&f);
    for (size_t i = 0; i < 3; i++) {
        client_request(&c[i], &f, "POST /publish/a", "", "x");
        RIG_WAIT(&f.rig, f.rig.messages_length == i + 1);
    }
    source_on_dropped(f.rig.source, 2);
    rig_turn(&f.rig);
    assert_int_equal(c[1].size, 0); /* not before its turn */
    rig_store(&f.rig);
    RIG_WAIT(&f.rig, client_has(&c[0], " 200 OK") && client_has(&c[2], " 200 OK"));
    RIG_WAIT(&f.rig, client_has(&c[1], " 500 Internal Server Error"));
    source_on_dropped(f.rig.source, 9); /* nobody waits for it */
    for (size_t i = 0; i < 3; i++) {
        client_end(&c[i]);
    }
    fixture_end(&f);
}

static void
test_http_requests_that_are_no_message_are_refused(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f);
    fixture_up(&f);
    check_answer(&f, "GET /publish/a", "", "405 Method Not Allowed\r\n");
    check_answer(&f, "GET /publish/a", "", "Allow: POST\r\n");
    check_answer(&f, "PUT /publish/a", "", "405 ");
    check_answer(&f, "DELETE /publish/a", "", "405 ");
    check_answer(&f, "POST /publish/", "", "404 ");
    check_answer(&f, "POST /publish", "", "404 ");
    check_answer(&f, "POST /other", "", "404 ");
    check_answer(&f, "POST /publish/%zz", "", "400 ");
    check_answer(&f, "POST /publish/a?b=c", "", "400 ");
    check_answer(&f, "POST /publish/a", "Origin: https://evil.example\r\n", "403 ");
    char line[HTTP_TOPIC_LINE_SIZE];
    memset(line, 'a', sizeof line);
    memcpy(line, "POST /publish/", 14);
    line[14 + 1025] = '\0';
    check_answer(&f, line, "", "400 ");
    line[14 + 1024] = '\0';
    f.rig.stores_at_once = true;
    check_answer(&f, line, "", "200 OK");
    assert_int_equal(f.rig.messages_length, 1);
    fixture_end(&f);
}

static void
test_http_token_is_asked_for(void **state)
{
    struct fixture f;
    char token[] = "s3cret";
    (void)state;
    fixture_begin(&f);
    f.rig.config.http.token = token;
    f.rig.stores_at_once = true;
    fixture_up(&f);
    check_answer(&f, "POST /publish/a", "", "401 ");
    check_answer(&f, "POST /publish/a", "", "WWW-Authenticate: Bearer\r\n");
    check_answer(&f, "POST /publish/a", "Authorization: Bearer wrong!\r\n", "401 ");
    assert_int_equal(f.rig.messages_length, 0);
    check_answer(&f, "POST /publish/a", "Authorization: Bearer s3cret\r\n", "200 OK");
    check_answer(&f, "POST /publish/a",
                 "Authorization: Bearer s3cret\r\nOrigin: https://trusted.example\r\n", "200 OK");
    fixture_end(&f);
}

static void
test_http_full_sink_asks_to_come_back(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f);
    f.rig.is_full = true;
    fixture_up(&f);
    check_answer(&f, "POST /publish/a", "", "503 ");
    check_answer(&f, "POST /publish/a", "", "Retry-After: 1\r\n");
    check_answer(&f, "POST /publish/a", "", "The replay log's queue is full.\n");
    assert_int_equal(f.rig.losses, 0); /* the client knows */
    f.rig.is_full = false;
    f.rig.stores_at_once = true;
    check_answer(&f, "POST /publish/a", "", "200 OK");
    fixture_end(&f);
}

static void
test_http_sink_without_memory_asks_to_come_back(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f);
    f.rig.refusal = ERR_MEMORY;
    fixture_up(&f);
    check_answer(&f, "POST /publish/a", "", "Retry-After: 1\r\n");
    check_answer(&f, "POST /publish/a", "", "Out of memory.\n");
    assert_int_equal(f.rig.losses, 0); /* the client knows */
    fixture_end(&f);
}

static void
test_http_message_that_can_never_be_taken_is_too_large(void **state)
{
    struct fixture f;
    (void)state;
    fixture_begin(&f);
    f.rig.refusal = ERR_LIMIT;
    fixture_up(&f);
    check_answer(&f, "POST /publish/a", "", "413 ");
    fixture_end(&f);
}

static void
test_http_client_that_leaves_is_forgotten(void **state)
{
    struct fixture f;
    struct client gone, next;
    (void)state;
    fixture_begin(&f);
    fixture_up(&f);
    client_request(&gone, &f, "POST /publish/a", "", "1");
    RIG_WAIT(&f.rig, f.rig.messages_length == 1);
    client_end(&gone);
    client_request(&next, &f, "POST /publish/a", "", "2");
    RIG_WAIT(&f.rig, f.rig.messages_length == 2);
    rig_store(&f.rig);
    RIG_WAIT(&f.rig, client_has(&next, "200 OK"));
    client_end(&next);
    fixture_end(&f);
}

/* Whoever ends first: the source answers, or the server takes its requests with it. */
static void
test_http_end_with_requests_that_wait_is_clean(void **state)
{
    struct fixture f;
    struct client c;
    (void)state;
    fixture_begin(&f);
    fixture_up(&f);
    client_request(&c, &f, "POST /publish/a", "", "x");
    RIG_WAIT(&f.rig, f.rig.messages_length == 1);
    rig_end(&f.rig);
    RIG_WAIT(&f.rig, client_has(&c, "503 "));
    client_end(&c);
    fixture_end(&f);

    fixture_begin(&f);
    fixture_up(&f);
    client_request(&c, &f, "POST /publish/a", "", "x");
    RIG_WAIT(&f.rig, f.rig.messages_length == 1);
    evhttp_free(f.server);
    rig_store(&f.rig);
    RIG_WAIT(&f.rig, c.is_closed);
    client_end(&c);
    rig_fini(&f.rig);
}

static void
test_http_stopped_takes_nothing_and_still_answers(void **state)
{
    struct fixture f;
    struct client c;
    (void)state;
    fixture_begin(&f);
    fixture_up(&f);
    client_request(&c, &f, "POST /publish/a", "", "x");
    RIG_WAIT(&f.rig, f.rig.messages_length == 1);
    f.rig.source->ops->stop(f.rig.source);
    check_answer(&f, "POST /publish/a", "", "503 ");
    assert_int_equal(f.rig.messages_length, 1);
    rig_store(&f.rig);
    RIG_WAIT(&f.rig, client_has(&c, "200 OK"));
    assert_false(rig_is_up(&f.rig));
    client_end(&c);
    fixture_end(&f);
}

static void
test_http_waiting_requests_are_bounded(void **state)
{
    struct fixture f;
    static struct http_waiter *places[HTTP_WAITERS_MAX];
    struct http_waiters w;
    (void)state;
    fixture_begin(&f);
    http_waiters_init(&w, f.rig.loop);
    for (size_t i = 0; i < HTTP_WAITERS_MAX; i++) {
        places[i] = http_waiters_reserve(&w);
        assert_non_null(places[i]);
    }
    assert_null(http_waiters_reserve(&w));
    http_waiters_cancel(&w, places[7]);
    places[7] = http_waiters_reserve(&w);
    assert_non_null(places[7]);
    for (size_t i = 0; i < HTTP_WAITERS_MAX; i++) {
        http_waiters_cancel(&w, places[i]);
    }
    http_waiters_fini(&w);
    fixture_end(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http_answers_after_the_log_has_it),
        cmocka_unit_test(test_http_stored_at_once_is_answered_at_once),
        cmocka_unit_test(test_http_answers_in_the_order_of_storing),
        cmocka_unit_test(test_http_event_that_the_log_never_stores_is_an_error),
        cmocka_unit_test(test_http_requests_that_are_no_message_are_refused),
        cmocka_unit_test(test_http_token_is_asked_for),
        cmocka_unit_test(test_http_full_sink_asks_to_come_back),
        cmocka_unit_test(test_http_sink_without_memory_asks_to_come_back),
        cmocka_unit_test(test_http_message_that_can_never_be_taken_is_too_large),
        cmocka_unit_test(test_http_client_that_leaves_is_forgotten),
        cmocka_unit_test(test_http_end_with_requests_that_wait_is_clean),
        cmocka_unit_test(test_http_stopped_takes_nothing_and_still_answers),
        cmocka_unit_test(test_http_waiting_requests_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
