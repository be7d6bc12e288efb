#undef NDEBUG
#include "base/log.h"
#include "http/listen_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct config_listen
listen_on(const char *host)
{
    static char copy[64];
    assert_true(strlen(host) < sizeof(copy));
    return (struct config_listen){.host = memcpy(copy, host, strlen(host) + 1)};
}

static int
open_socket(const char *host, uint16_t port, enum listen_socket_sharing sharing)
{
    struct config_listen listen = listen_on(host);
    int fd = -1;
    assert_int_equal(listen_socket_open(&listen, port, sharing, "test", &fd), 0);
    assert_true(fd >= 0);
    return fd;
}

static bool
can_connect(const char *host, uint16_t port)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    bool is_v4 = inet_pton(AF_INET, host, &v4.sin_addr) == 1;
    assert_true(is_v4 || inet_pton(AF_INET6, host, &v6.sin6_addr) == 1);
    int fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM, 0);
    int rc = is_v4 ? connect(fd, (struct sockaddr *)&v4, sizeof(v4))
                   : connect(fd, (struct sockaddr *)&v6, sizeof(v6));
    close(fd);
    return rc == 0;
}

static bool
has_ipv6(void)
{
    struct sockaddr_in6 loopback = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    bool is_there = fd >= 0 && bind(fd, (struct sockaddr *)&loopback, sizeof(loopback)) == 0;
    close(fd);
    return is_there;
}

static void
test_listen_socket_any_host_takes_both_families(void **state)
{
    int fd = open_socket("", 0, LISTEN_SOCKET_ALONE);
    uint16_t port = listen_socket_port(fd);
    (void)state;
    assert_true(port > 0);
    assert_true(can_connect("127.0.0.1", port));
    assert_int_equal(can_connect("::1", port), has_ipv6());
    close(fd);
}

static void
test_listen_socket_one_host_takes_only_that(void **state)
{
    int fd = open_socket("127.0.0.1", 0, LISTEN_SOCKET_ALONE);
    (void)state;
    assert_true(can_connect("127.0.0.1", listen_socket_port(fd)));
    assert_false(can_connect("127.0.0.2", listen_socket_port(fd)));
    close(fd);
    if (has_ipv6()) {
        fd = open_socket("::1", 0, LISTEN_SOCKET_ALONE);
        assert_true(can_connect("::1", listen_socket_port(fd)));
        close(fd);
    }
}

static void
test_listen_socket_is_shared_by_its_own_only(void **state)
{
    int first = open_socket("127.0.0.1", 0, LISTEN_SOCKET_FIRST);
    uint16_t port = listen_socket_port(first);
    int next = open_socket("127.0.0.1", port, LISTEN_SOCKET_NEXT);
    struct config_listen listen = listen_on("127.0.0.1");
    int fd = -1;
    (void)state;
    assert_int_equal(listen_socket_port(next), port);
    assert_int_equal(listen_socket_open(&listen, port, LISTEN_SOCKET_FIRST, "test", &fd),
                     ERR_ADDRESS);
    assert_int_equal(listen_socket_open(&listen, port, LISTEN_SOCKET_ALONE, "test", &fd),
                     ERR_ADDRESS);
    assert_int_equal(fd, -1);
    close(next);
    close(first);
}

static void
test_listen_socket_any_host_in_use_is_an_error(void **state)
{
    int first = open_socket("", 0, LISTEN_SOCKET_ALONE);
    struct config_listen listen = listen_on("");
    int fd = -1;
    (void)state;
    int rc =
        listen_socket_open(&listen, listen_socket_port(first), LISTEN_SOCKET_FIRST, "test", &fd);
    assert_int_equal(rc, ERR_ADDRESS);
    close(first);
}

static void
test_listen_socket_port_of_a_closed_one_is_free_at_once(void **state)
{
    int first = open_socket("127.0.0.1", 0, LISTEN_SOCKET_FIRST);
    uint16_t port = listen_socket_port(first);
    (void)state;
    assert_true(can_connect("127.0.0.1", port));
    close(first);
    close(open_socket("127.0.0.1", port, LISTEN_SOCKET_FIRST));
}

static void
test_listen_socket_bad_hosts_are_errors(void **state)
{
    static const char *const hosts[] = {"localhost.invalid", "127.0.0.256", "[::1]", "192.0.2.1",
                                        "*"};
    (void)state;
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        struct config_listen listen = listen_on(hosts[i]);
        int fd = -1;
        assert_int_equal(listen_socket_open(&listen, 0, LISTEN_SOCKET_ALONE, "test", &fd),
                         ERR_ADDRESS);
    }
}

static void
test_listen_socket_accepted_ones_inherit_nodelay(void **state)
{
    int fd = open_socket("127.0.0.1", 0, LISTEN_SOCKET_ALONE);
    int is_on = 0;
    socklen_t size = sizeof(is_on);
    (void)state;
    assert_int_equal(accept4(fd, NULL, NULL, 0), -1); /* non-blocking */
    assert_int_equal(errno, EAGAIN);
    assert_true(can_connect("127.0.0.1", listen_socket_port(fd)));
    int accepted = accept4(fd, NULL, NULL, 0);
    assert_true(accepted >= 0);
    assert_int_equal(getsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &is_on, &size), 0);
    assert_int_not_equal(is_on, 0);
    close(accepted);
    close(fd);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_listen_socket_any_host_takes_both_families),
        cmocka_unit_test(test_listen_socket_one_host_takes_only_that),
        cmocka_unit_test(test_listen_socket_is_shared_by_its_own_only),
        cmocka_unit_test(test_listen_socket_any_host_in_use_is_an_error),
        cmocka_unit_test(test_listen_socket_port_of_a_closed_one_is_free_at_once),
        cmocka_unit_test(test_listen_socket_bad_hosts_are_errors),
        cmocka_unit_test(test_listen_socket_accepted_ones_inherit_nodelay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
