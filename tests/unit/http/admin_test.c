/* The admin port over loopback. */
#undef NDEBUG
#include "event/loop.h"
#include "event/timer.h"
#include "http/admin.h"
#include "observability/health.h"
#include "observability/metrics.h"

#include <event2/http.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    IN_SIZE_MAX = 256 * 1024,
    TICK_MS = 1,
    STARVED_TICKS = 20,
    STANDARD_STREAMS = 3,
    PATIENCE_TICKS = 10000
};

static char loopback[] = "127.0.0.1";

struct fixture {
    struct config config;
    struct loop *loop;
    struct health *health;
    struct metrics *metrics;
    struct admin *admin;
    struct timer tick;
    size_t ticks;
    int fd;
    char in[IN_SIZE_MAX];
    size_t size;
    char posted[64]; /* the path that the prefix hook saw */
    struct rlimit descriptors;
    bool is_starved; /* no descriptors, until some ticks have passed */
};

static void
fixture_starve(struct fixture *f)
{
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &f->descriptors), 0);
    struct rlimit none = {.rlim_cur = STANDARD_STREAMS, .rlim_max = f->descriptors.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    f->is_starved = true;
}

static void
fixture_feed(struct fixture *f)
{
    assert_int_equal(f->size, 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &f->descriptors), 0);
    f->is_starved = false;
}

/* Reads until the peer closes. */
static void
fixture_on_tick(void *arg)
{
    struct fixture *f = arg;
    ssize_t size = recv(f->fd, f->in + f->size, sizeof(f->in) - 1 - f->size, MSG_DONTWAIT);
    f->size += size > 0 ? (size_t)size : 0;
    f->in[f->size] = '\0';
    if (size == 0 || (size < 0 && errno != EAGAIN) || ++f->ticks > PATIENCE_TICKS) {
        loop_stop(f->loop);
        return;
    }
    if (f->is_starved && f->ticks == STARVED_TICKS) {
        fixture_feed(f);
    }
    timer_start(&f->tick, TICK_MS);
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    f->config.admin =
        (struct config_admin){.is_on = true, .listen = {.host = loopback}, .body_bytes = 1000};
    f->loop = loop_new("test");
    f->health = health_new();
    f->metrics = metrics_new(1, 0);
    timer_init(&f->tick, f->loop, fixture_on_tick, f);
    assert_int_equal(admin_new(&f->config, f->loop, f->health, f->metrics, &f->admin), 0);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    timer_stop(&f->tick);
    admin_free(f->admin);
    loop_free(f->loop);
    health_free(f->health);
    metrics_free(f->metrics);
    free(f);
    return 0;
}

static void
connect_and_send(struct fixture *f, const char *request)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET,
        .sin_port = htons(admin_port(f->admin)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    f->fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(f->fd, (struct sockaddr *)&to, sizeof(to)), 0);
    assert_int_equal(send(f->fd, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
}

/* The whole answer to what was sent. */
static const char *
read_answer(struct fixture *f)
{
    f->size = 0;
    f->ticks = 0;
    timer_start(&f->tick, 0);
    assert_int_equal(loop_run(f->loop), 0);
    assert_true(f->ticks <= PATIENCE_TICKS);
    close(f->fd);
    return f->in;
}

static const char *
ask(struct fixture *f, const char *request)
{
    connect_and_send(f, request);
    return read_answer(f);
}

#define END "Host: h\r\nConnection: close\r\n\r\n"

static void
assert_answer(const char *answer, const char *begin, const char *part)
{
    if (strncmp(answer, begin, strlen(begin)) != 0 || strstr(answer, part) == NULL) {
        fail_msg("not %s … %s but %s", begin, part, answer);
    }
}

static void
test_admin_healthz_is_ok_whatever_is_down(void **state)
{
    struct fixture *f = *state;
    health_set(f->health, "replay log", false, "gone");
    const char *answer = ask(f, "GET /healthz HTTP/1.1\r\n" END);
    assert_answer(answer, "HTTP/1.1 200 OK\r\n", "\r\n\r\nok\n");
}

static void
test_admin_readyz_follows_health(void **state)
{
    struct fixture *f = *state;
    health_set(f->health, "replay log", true, "");
    const char *answer = ask(f, "GET /readyz HTTP/1.1\r\n" END);
    assert_answer(answer, "HTTP/1.1 200 OK\r\n", "\r\n\r\nready\nok replay log\n");
    health_set(f->health, "replay log", false, "refused");
    answer = ask(f, "GET /readyz HTTP/1.1\r\n" END);
    assert_answer(answer, "HTTP/1.1 503 Service Unavailable\r\n",
                  "\r\n\r\nnot ready\ndown replay log: refused\n");
}

static void
test_admin_servez_outlasts_an_outage_of_the_log(void **state)
{
    struct fixture *f = *state;
    health_set(f->health, "replay log", false, "not started yet");
    const char *answer = ask(f, "GET /servez HTTP/1.1\r\n" END);
    assert_answer(answer, "HTTP/1.1 503 Service Unavailable\r\n", "\r\n\r\nnot serving\n");
    health_set(f->health, "replay log", true, "");
    health_set(f->health, "replay log", false, "refused");
    answer = ask(f, "GET /servez HTTP/1.1\r\n" END);
    assert_answer(answer, "HTTP/1.1 200 OK\r\n", "\r\n\r\nserving\n");
}

static void
test_admin_metrics_are_prometheus_text(void **state)
{
    struct fixture *f = *state;
    metrics_add(metrics_slot(f->metrics, 0), METRIC_GAPS, METRIC_GAP_EXPIRED, 5);
    const char *answer = ask(f, "GET /metrics HTTP/1.1\r\n" END);
    assert_answer(answer, "HTTP/1.1 200 OK\r\n", "\nrunnel_gaps_total{reason=\"expired\"} 5\n");
    assert_non_null(strstr(answer, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
}

static void
test_admin_index_names_what_there_is(void **state)
{
    struct fixture *f = *state;
    const char *answer = ask(f, "GET / HTTP/1.1\r\n" END);
    assert_answer(answer, "HTTP/1.1 200 OK\r\n", "/metrics");
    assert_non_null(strstr(answer, "/readyz"));
}

static void
test_admin_head_has_no_body(void **state)
{
    struct fixture *f = *state;
    const char *answer = ask(f, "HEAD /healthz HTTP/1.1\r\n" END);
    assert_answer(answer, "HTTP/1.1 200 OK\r\n", "\r\n\r\n");
    assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
}

static void
test_admin_other_paths_and_methods_are_refused(void **state)
{
    struct fixture *f = *state;
    assert_answer(ask(f, "GET /nothing HTTP/1.1\r\n" END), "HTTP/1.1 404 ", "nothing here");
    assert_answer(ask(f, "GET /publish/a HTTP/1.1\r\n" END), "HTTP/1.1 404 ", "nothing here");
    assert_answer(ask(f, "POST /metrics HTTP/1.1\r\nContent-Length: 0\r\n" END), "HTTP/1.1 405 ",
                  "Allow: GET, HEAD\r\n");
}

static void
on_publish(struct evhttp_request *request, void *arg)
{
    struct fixture *f = arg;
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    (void)snprintf(f->posted, sizeof(f->posted), "%s", evhttp_uri_get_path(uri));
    evhttp_send_reply(request, 200, NULL, NULL);
}

static void
test_admin_prefix_gets_its_requests(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(admin_add_prefix(f->admin, "/publish/", on_publish, f), 0);
    const char *answer = ask(f, "POST /publish/a/b HTTP/1.1\r\nContent-Length: 2\r\n" END "{}");
    assert_answer(answer, "HTTP/1.1 200 OK\r\n", "");
    assert_string_equal(f->posted, "/publish/a/b");
    assert_answer(ask(f, "GET /publish HTTP/1.1\r\n" END), "HTTP/1.1 404 ", "");
}

static void
test_admin_body_limit(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(admin_add_prefix(f->admin, "/publish/", on_publish, f), 0);
    for (int size = 999; size <= 1001; size++) {
        char request[2048];
        int head = snprintf(request, sizeof(request),
                            "POST /publish/a HTTP/1.1\r\nContent-Length: %d\r\n" END, size);
        memset(request + head, 'x', (size_t)size);
        request[head + size] = '\0';
        assert_answer(ask(f, request), size <= 1000 ? "HTTP/1.1 200 " : "HTTP/1.1 413 ", "");
    }
}

static void
test_admin_prefixes_are_bounded(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 8; i++) {
        assert_int_equal(admin_add_prefix(f->admin, "/x/", on_publish, f), 0);
    }
    assert_int_equal(admin_add_prefix(f->admin, "/x/", on_publish, f), ERR_LIMIT);
}

static void
test_admin_port_in_use_is_an_address_error(void **state)
{
    struct fixture *f = *state;
    struct admin *other = NULL;
    f->config.admin.listen.port = admin_port(f->admin);
    assert_int_equal(admin_new(&f->config, f->loop, f->health, f->metrics, &other), ERR_ADDRESS);
    assert_null(other);
}

static void
test_admin_without_descriptors_waits_and_goes_on(void **state)
{
    struct fixture *f = *state;
    connect_and_send(f, "GET /healthz HTTP/1.1\r\n" END);
    fixture_starve(f);
    const char *answer = read_answer(f);
    assert_answer(answer, "HTTP/1.1 200 OK\r\n", "\r\n\r\nok\n");
    assert_false(f->is_starved);
}

#define WITH_ADMIN(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ADMIN(test_admin_healthz_is_ok_whatever_is_down),
        WITH_ADMIN(test_admin_readyz_follows_health),
        WITH_ADMIN(test_admin_servez_outlasts_an_outage_of_the_log),
        WITH_ADMIN(test_admin_metrics_are_prometheus_text),
        WITH_ADMIN(test_admin_index_names_what_there_is),
        WITH_ADMIN(test_admin_head_has_no_body),
        WITH_ADMIN(test_admin_other_paths_and_methods_are_refused),
        WITH_ADMIN(test_admin_prefix_gets_its_requests),
        WITH_ADMIN(test_admin_body_limit),
        WITH_ADMIN(test_admin_prefixes_are_bounded),
        WITH_ADMIN(test_admin_port_in_use_is_an_address_error),
        WITH_ADMIN(test_admin_without_descriptors_waits_and_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
