#undef NDEBUG
#include "event/loop.h"
#include "event/resolve.h"
#include "hosts.h"

#include <event2/dns.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { PORT = 4711, WHY_SIZE = 64 };

struct fixture {
    struct loop *loop;
    struct resolve resolve;
    size_t answers;
    char why[WHY_SIZE]; /* "": found */
};

static void
on_done(void *arg, const char *why)
{
    struct fixture *f = arg;
    f->answers++;
    (void)snprintf(f->why, sizeof f->why, "%s", why != NULL ? why : "");
    loop_stop(f->loop);
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    *state = f;
    f->loop = loop_new("test");
    hosts_load(f->loop, "127.0.0.1 three.test\n127.0.0.2 three.test\n127.0.0.3 three.test\n");
    resolve_init(&f->resolve, f->loop, on_done, f);
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    resolve_cancel(&f->resolve);
    loop_free(f->loop);
    free(f);
    return 0;
}

static void
look_up(struct fixture *f, const char *host)
{
    f->answers = 0;
    assert_int_equal(resolve_start(&f->resolve, host, PORT), 0);
    assert_int_equal(loop_run(f->loop), 0);
    assert_int_equal(f->answers, 1);
}

static void
assert_next(struct fixture *f, const char *text)
{
    const struct evutil_addrinfo *address = resolve_next(&f->resolve);
    char found[INET_ADDRSTRLEN];
    assert_non_null(address);
    assert_int_equal(address->ai_family, AF_INET);
    const struct sockaddr_in *in = (const void *)address->ai_addr;
    assert_non_null(inet_ntop(AF_INET, &in->sin_addr, found, sizeof found));
    assert_string_equal(found, text);
    assert_int_equal(ntohs(in->sin_port), PORT);
}

static void
test_resolve_numeric_host_is_found_at_once(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(resolve_start(&f->resolve, "127.0.0.7", PORT), 0);
    assert_int_equal(f->answers, 1);
    assert_string_equal(f->why, "");
    assert_next(f, "127.0.0.7");
    assert_null(resolve_next(&f->resolve));
}

static void
test_resolve_each_address_is_handed_out_once(void **state)
{
    struct fixture *f = *state;
    look_up(f, "three.test");
    assert_next(f, "127.0.0.1");
    assert_next(f, "127.0.0.2");
    assert_true(resolve_has_next(&f->resolve));
    assert_next(f, "127.0.0.3");
    assert_false(resolve_has_next(&f->resolve));
    assert_null(resolve_next(&f->resolve));
    look_up(f, "three.test");
    assert_next(f, "127.0.0.1");
}

static void
test_resolve_begins_behind_what_was_skipped(void **state)
{
    struct fixture *f = *state;
    look_up(f, "three.test");
    assert_next(f, "127.0.0.1");
    assert_next(f, "127.0.0.2");
    resolve_cancel(&f->resolve);
    resolve_skip_tried(&f->resolve);
    resolve_skip_tried(&f->resolve);
    look_up(f, "three.test");
    assert_next(f, "127.0.0.3");
    assert_next(f, "127.0.0.1");
    assert_next(f, "127.0.0.2");
    assert_null(resolve_next(&f->resolve));
    look_up(f, "three.test"); /* nothing was skipped meanwhile */
    assert_next(f, "127.0.0.3");
}

/* What was tried before a lookup that found nothing is no reason to skip. */
static void
test_resolve_lookup_forgets_what_was_tried_before(void **state)
{
    struct fixture *f = *state;
    look_up(f, "three.test");
    assert_next(f, "127.0.0.1");
    look_up(f, "three.test");
    resolve_skip_tried(&f->resolve);
    look_up(f, "three.test");
    assert_next(f, "127.0.0.1");
}

static void
test_resolve_host_without_addresses_is_said(void **state)
{
    struct fixture *f = *state;
    look_up(f, "");
    assert_string_not_equal(f->why, "");
    assert_null(resolve_next(&f->resolve));
}

/* Of a nameserver that does not answer. */
static int
ask_deaf_nameserver(struct fixture *f)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    struct evdns_base *dns = loop_dns(f->loop);
    char text[sizeof "127.0.0.1:65535"];
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    (void)snprintf(text, sizeof text, "127.0.0.1:%u", (unsigned)ntohs(address.sin_port));
    assert_int_equal(evdns_base_clear_nameservers_and_suspend(dns), 0);
    assert_int_equal(evdns_base_nameserver_ip_add(dns, text), 0);
    assert_int_equal(evdns_base_resume(dns), 0);
    assert_int_equal(resolve_start(&f->resolve, "some.test", PORT), 0);
    return fd;
}

static void
test_resolve_cancelled_lookup_tells_nothing(void **state)
{
    struct fixture *f = *state;
    int fd = ask_deaf_nameserver(f);
    resolve_cancel(&f->resolve);
    look_up(f, "three.test");
    assert_next(f, "127.0.0.1");
    assert_int_equal(close(fd), 0);
}

/* Teardown cancels and frees the loop, in this order and without a turn in between. */
static void
test_resolve_may_go_while_a_lookup_is_under_way(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(close(ask_deaf_nameserver(f)), 0);
    assert_int_equal(f->answers, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(test_resolve_##name, setup, teardown)
        CASE(numeric_host_is_found_at_once),      CASE(each_address_is_handed_out_once),
        CASE(begins_behind_what_was_skipped),     CASE(lookup_forgets_what_was_tried_before),
        CASE(host_without_addresses_is_said),     CASE(cancelled_lookup_tells_nothing),
        CASE(may_go_while_a_lookup_is_under_way),
#undef CASE
    };
    return cmocka_run_group_tests_name("event.resolve", tests, NULL, NULL);
}
