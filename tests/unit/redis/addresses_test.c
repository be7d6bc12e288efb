#undef NDEBUG
/* The client and a name with several addresses. */
#include "brokers.h"
#include "event/loop.h"
#include "fake_server.h"
#include "redis/client.h"
#include "waiting.h"

#include <event2/dns.h>
#include <event2/listener.h>
#include <event2/util.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    struct loop *loop;
    struct fake_server *good;    /* on 127.0.0.1 */
    struct evconnlistener *poor; /* on 127.0.0.2, the same port */
    const char *says;            /* the poor one, before it closes */
    struct config_broker broker;
    struct redis_client *client;
    size_t ups, downs, wanted;
    int status; /* of the last down */
};

static void
on_up(void *arg)
{
    struct fixture *f = arg;
    f->ups++;
}

static void
on_down(void *arg, int status, const char *why)
{
    struct fixture *f = arg;
    (void)why;
    f->downs++;
    f->status = status;
}

static bool
is_up(void *arg)
{
    const struct fixture *f = arg;
    return f->ups >= f->wanted;
}

static void
wait_ups(struct fixture *f, size_t count)
{
    f->wanted = count;
    wait_until(f->loop, is_up, f);
}

static void
on_accepted(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *a, int size, void *arg)
{
    const struct fixture *f = arg;
    (void)l, (void)a, (void)size;
    assert_true(dprintf(fd, "%s", f->says) >= 0);
    (void)evutil_closesocket(fd);
}

/* Lookups on the loop find the poor one first. */
static void
name_both(struct fixture *f)
{
    char path[] = "/tmp/runnel-hosts-XXXXXX";
    int fd = mkstemp(path);
    assert_true(dprintf(fd, "127.0.0.2 two.test\n127.0.0.1 two.test\n") > 0);
    assert_int_equal(close(fd), 0);
    assert_int_equal(evdns_base_load_hosts(loop_dns(f->loop), path), 0);
    assert_int_equal(unlink(path), 0);
}

static int
setup(void **state)
{
    static char name[] = "two.test";
    struct fixture *f = calloc(1, sizeof *f);
    *state = f;
    f->loop = loop_new("test");
    f->good = fake_server_new(f->loop);
    f->broker = broker_on(fake_server_port(f->good));
    f->broker.host = name;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(f->broker.port)};
    assert_int_equal(inet_pton(AF_INET, "127.0.0.2", &address.sin_addr), 1);
    f->poor = evconnlistener_new_bind(loop_base(f->loop), on_accepted, f,
                                      LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, 8,
                                      (const struct sockaddr *)&address, sizeof address);
    assert_non_null(f->poor);
    name_both(f);
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    redis_client_free(f->client);
    evconnlistener_free(f->poor);
    fake_server_free(f->good);
    loop_free(f->loop);
    free(f);
    return 0;
}

static void
start(struct fixture *f)
{
    const struct redis_settings settings = {
        .broker = &f->broker,
        .listener = {.arg = f, .on_up = on_up, .on_down = on_down},
        .commands_limit = 4,
        .output_limit_bytes = 4096,
        .reply_limit_bytes = 65536,
        .command_timeout_ms = TEST_LONG_MS,
    };
    assert_int_equal(redis_client_new(f->loop, &settings, &f->client), 0);
}

static void
test_addresses_first_that_only_accepts_blocks_nobody(void **state)
{
    struct fixture *f = *state;
    f->says = "";
    start(f);
    wait_ups(f, 1);
    assert_int_equal(f->downs, 1);
    assert_int_equal(f->status, ERR_CONNECT);
}

static void
test_addresses_first_that_refuses_blocks_nobody(void **state)
{
    struct fixture *f = *state;
    f->says = "-LOADING not yet\r\n";
    start(f);
    wait_ups(f, 1);
    assert_int_equal(f->downs, 1);
}

static void
test_addresses_one_that_served_is_kept(void **state)
{
    struct fixture *f = *state;
    f->says = "";
    start(f);
    wait_ups(f, 1);
    redis_client_reconnect(f->client, ERR_REFUSED, "lost");
    wait_ups(f, 2);
    assert_int_equal(f->downs, 2);
}

/* The other one, which only accepts, is met in between. */
static void
test_addresses_one_that_became_a_replica_is_left(void **state)
{
    struct fixture *f = *state;
    f->says = "";
    start(f);
    wait_ups(f, 1);
    redis_client_reconnect(f->client, ERR_REPLICA, "a replica");
    wait_ups(f, 2);
    assert_int_equal(f->downs, 3);
}

static void
test_addresses_of_ipv6_stand_in_brackets(void **state)
{
    struct fixture *f = *state;
    static char host[] = "::1";
    f->broker.host = host;
    f->broker.port = 6379;
    start(f);
    assert_string_equal(redis_client_address(f->client), "[::1]:6379");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(test_addresses_##name, setup, teardown)
        CASE(first_that_only_accepts_blocks_nobody),
        CASE(first_that_refuses_blocks_nobody),
        CASE(one_that_served_is_kept),
        CASE(one_that_became_a_replica_is_left),
        CASE(of_ipv6_stand_in_brackets),
#undef CASE
    };
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("redis.addresses", tests, NULL, NULL);
}
