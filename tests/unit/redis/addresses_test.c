#undef NDEBUG
/* The client and a name with several addresses. */
#include "brokers.h"
#include "client_rig.h"
#include "event/loop.h"
#include "fake_server.h"
#include "hosts.h"
#include "redis/client.h"

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
    struct client_rig rig;
    struct fake_server *good;    /* on 127.0.0.1 */
    struct evconnlistener *poor; /* on 127.0.0.2, the same port */
    const char *says;            /* the poor one, before it closes */
};

static void
on_accepted(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *a, int size, void *arg)
{
    const struct fixture *f = arg;
    (void)l, (void)a, (void)size;
    assert_true(dprintf(fd, "%s", f->says) >= 0);
    (void)evutil_closesocket(fd);
}

static int
setup(void **state)
{
    static char name[] = "two.test";
    struct fixture *f = calloc(1, sizeof *f);
    *state = f;
    client_rig_init(&f->rig);
    f->good = fake_server_new(f->rig.loop);
    f->rig.broker = broker_on(fake_server_port(f->good));
    f->rig.broker.host = name;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(f->rig.broker.port)};
    assert_int_equal(inet_pton(AF_INET, "127.0.0.2", &address.sin_addr), 1);
    f->poor = evconnlistener_new_bind(loop_base(f->rig.loop), on_accepted, f,
                                      LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, 8,
                                      (const struct sockaddr *)&address, sizeof address);
    assert_non_null(f->poor);
    hosts_load(f->rig.loop, "127.0.0.2 two.test\n127.0.0.1 two.test\n"); /* the poor one first */
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    evconnlistener_free(f->poor);
    fake_server_free(f->good);
    client_rig_fini(&f->rig);
    free(f);
    return 0;
}

static void
test_addresses_first_that_only_accepts_blocks_nobody(void **state)
{
    struct fixture *f = *state;
    f->says = "";
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
    assert_int_equal(f->rig.downs, 1);
    assert_int_equal(f->rig.status, ERR_CONNECT);
}

static void
test_addresses_first_that_refuses_blocks_nobody(void **state)
{
    struct fixture *f = *state;
    f->says = "-LOADING not yet\r\n";
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
    assert_int_equal(f->rig.downs, 1);
}

static void
test_addresses_one_that_served_is_kept(void **state)
{
    struct fixture *f = *state;
    f->says = "";
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
    redis_client_reconnect(f->rig.client, ERR_REFUSED, "lost");
    client_rig_wait_ups(&f->rig, 2);
    assert_int_equal(f->rig.downs, 2);
}

/* The other one, which only accepts, is met in between. */
static void
test_addresses_one_that_became_a_replica_is_left(void **state)
{
    struct fixture *f = *state;
    f->says = "";
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
    redis_client_reconnect(f->rig.client, ERR_REPLICA, "a replica");
    client_rig_wait_ups(&f->rig, 2);
    assert_int_equal(f->rig.downs, 3);
}

static void
test_addresses_of_ipv6_stand_in_brackets(void **state)
{
    struct fixture *f = *state;
    static char host[] = "::1";
    f->rig.broker.host = host;
    f->rig.broker.port = 6379;
    client_rig_start(&f->rig);
    assert_string_equal(redis_client_address(f->rig.client), "[::1]:6379");
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
