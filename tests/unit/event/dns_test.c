#undef NDEBUG
#include "event/dns.h"
#include "event/loop.h"
#include "event/timer.h"

#include <event2/dns.h>
#include <event2/dns_struct.h>
#include <event2/event.h>
#include <event2/util.h>

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

enum { PATH_SIZE = 64, CONNECT_TIMEOUT_MS = 5000 };

struct fixture {
    struct loop *loop;
    struct dns *dns;
    char folder[PATH_SIZE / 2];
    char resolv_conf[PATH_SIZE];
    char hosts[PATH_SIZE];
    int deaf, deaf_too, answering; /* sockets of nameservers */
    struct evdns_server_port *port;
    size_t asked; /* the one that answers */
    char found[INET_ADDRSTRLEN];
    int error;
    size_t answers;
    struct evdns_getaddrinfo_request *request;
};

/* In place of what it was, as resolvconf(8) does. */
static void
write_file(const char *path, const char *text)
{
    char fresh[PATH_SIZE + 4];
    (void)snprintf(fresh, sizeof fresh, "%s.new", path);
    FILE *file = fopen(fresh, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(fresh, path), 0);
}

static int
new_socket(void)
{
    const struct sockaddr_in any = {.sin_family = AF_INET,
                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&any, sizeof any), 0);
    return fd;
}

static void
name_servers(struct fixture *f, const int *sockets, size_t length)
{
    struct sockaddr_in address;
    char text[256] = "";
    for (size_t i = 0; i < length; i++) {
        socklen_t size = sizeof address;
        size_t end = strlen(text);
        assert_int_equal(getsockname(sockets[i], (struct sockaddr *)&address, &size), 0);
        (void)snprintf(text + end, sizeof text - end, "nameserver 127.0.0.1:%u\n",
                       (unsigned)ntohs(address.sin_port));
    }
    write_file(f->resolv_conf, text);
}

static void
name_server(struct fixture *f, int fd)
{
    name_servers(f, &fd, 1);
}

static void
on_request(struct evdns_server_request *request, void *arg)
{
    struct fixture *f = arg;
    struct in_addr address;
    f->asked++;
    assert_int_equal(inet_pton(AF_INET, "192.0.2.1", &address), 1);
    if (request->questions[0]->type == EVDNS_TYPE_A) {
        assert_int_equal(evdns_server_request_add_a_reply(request, request->questions[0]->name, 1,
                                                          &address.s_addr, 60),
                         0);
    }
    assert_int_equal(evdns_server_request_respond(request, 0), 0);
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    *state = f;
    (void)snprintf(f->folder, sizeof f->folder, "/tmp/runnel-dns-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    (void)snprintf(f->resolv_conf, sizeof f->resolv_conf, "%s/r", f->folder);
    (void)snprintf(f->hosts, sizeof f->hosts, "%s/h", f->folder);
    f->loop = loop_new("test");
    f->deaf = new_socket();
    f->deaf_too = new_socket();
    f->answering = new_socket();
    f->port = evdns_add_server_port_with_base(loop_base(f->loop), f->answering, 0, on_request, f);
    assert_non_null(f->port);
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    dns_free(f->dns);
    evdns_close_server_port(f->port); /* and its socket */
    loop_free(f->loop);
    (void)close(f->deaf);
    (void)close(f->deaf_too);
    (void)unlink(f->resolv_conf);
    (void)unlink(f->hosts);
    assert_int_equal(rmdir(f->folder), 0);
    free(f);
    return 0;
}

static void
start(struct fixture *f)
{
    const struct dns_files files = {f->resolv_conf, f->hosts};
    f->dns = dns_new(f->loop, &files);
    assert_non_null(f->dns);
}

static void
on_address(int error, struct evutil_addrinfo *found, void *arg)
{
    struct fixture *f = arg;
    f->answers++;
    f->error = error;
    f->found[0] = '\0';
    if (found != NULL) {
        const struct sockaddr_in *address = (const void *)found->ai_addr;
        assert_non_null(inet_ntop(AF_INET, &address->sin_addr, f->found, sizeof f->found));
        evutil_freeaddrinfo(found);
    }
    loop_stop(f->loop);
}

/* The answer may come from inside; it ends the next run. */
static void
look_up(struct fixture *f, const char *name)
{
    const struct evutil_addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
    (void)evdns_getaddrinfo(dns_get(f->dns), name, NULL, &hints, on_address, f);
}

static void
assert_finds(struct fixture *f, const char *name, const char *address)
{
    look_up(f, name);
    assert_int_equal(loop_run(f->loop), 0);
    assert_int_equal(f->error, 0);
    assert_string_equal(f->found, address);
}

static void
stop(void *arg)
{
    struct fixture *f = arg;
    loop_stop(f->loop);
}

/* One, with what is to be done at its end. */
static void
turn(struct fixture *f)
{
    struct loop_task task;
    loop_task_init(&task, stop, f);
    loop_task_schedule(f->loop, &task);
    assert_int_equal(loop_run(f->loop), 0);
}

static void
test_dns_hosts_that_changed_are_found_at_once(void **state)
{
    struct fixture *f = *state;
    name_server(f, f->answering);
    write_file(f->hosts, "127.0.0.1 one.test\n127.0.0.2 two.test\n");
    start(f);
    assert_finds(f, "one.test", "127.0.0.1");
    write_file(f->hosts, "127.0.0.3 one.test\n");
    assert_finds(f, "one.test", "127.0.0.3");
    assert_int_equal(f->asked, 0);
    assert_finds(f, "two.test", "192.0.2.1"); /* no host any more: the nameserver is asked */
}

static void
test_dns_hosts_that_come_later_are_found(void **state)
{
    struct fixture *f = *state;
    start(f);
    assert_finds(f, "localhost", "127.0.0.1");
    write_file(f->hosts, "127.0.0.9 late.test\n");
    assert_finds(f, "late.test", "127.0.0.9");
}

static void
test_dns_nameserver_that_changed_is_asked(void **state)
{
    struct fixture *f = *state;
    name_server(f, f->deaf);
    start(f);
    name_server(f, f->answering);
    assert_finds(f, "some.test", "192.0.2.1");
}

static void
test_dns_request_under_way_goes_to_the_new_nameserver(void **state)
{
    struct fixture *f = *state;
    name_server(f, f->deaf);
    start(f);
    look_up(f, "first.test");
    turn(f);
    name_server(f, f->answering);
    look_up(f, "second.test");
    while (f->answers < 2) {
        assert_int_equal(loop_run(f->loop), 0);
        assert_int_equal(f->error, 0);
        assert_string_equal(f->found, "192.0.2.1");
    }
    assert_int_equal(f->asked, 2);
}

static void
test_dns_nameserver_that_comes_later_is_asked(void **state)
{
    struct fixture *f = *state;
    start(f); /* without a file: 127.0.0.1, where nobody may answer */
    name_server(f, f->answering);
    assert_finds(f, "some.test", "192.0.2.1");
}

/* As a transport does: of any family, and given up after connect_timeout. */
static void
on_too_late(void *arg)
{
    struct fixture *f = arg;
    evdns_getaddrinfo_cancel(f->request);
}

static void
look_up_as_a_transport(struct fixture *f)
{
    const struct evutil_addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_protocol = IPPROTO_TCP};
    struct timer late;
    timer_init(&late, f->loop, on_too_late, f);
    f->request = evdns_getaddrinfo(dns_get(f->dns), "some.test", "1", &hints, on_address, f);
    timer_start(&late, CONNECT_TIMEOUT_MS);
    assert_int_equal(loop_run(f->loop), 0);
    timer_stop(&late);
}

/* The first may ask the dead ones only; the next one knows them. */
static void
assert_finds_within_two_attempts(struct fixture *f, const int *sockets, size_t length)
{
    name_servers(f, sockets, length);
    start(f);
    look_up_as_a_transport(f);
    if (f->error != 0) {
        look_up_as_a_transport(f);
    }
    assert_int_equal(f->error, 0);
    assert_string_equal(f->found, "192.0.2.1");
}

static void
test_dns_dead_nameserver_before_one_that_answers_is_passed_over(void **state)
{
    struct fixture *f = *state;
    assert_finds_within_two_attempts(f, (const int[]){f->deaf, f->answering}, 2);
}

static void
test_dns_dead_nameserver_behind_one_that_answers_is_passed_over(void **state)
{
    struct fixture *f = *state;
    assert_finds_within_two_attempts(f, (const int[]){f->answering, f->deaf}, 2);
}

static void
test_dns_two_dead_nameservers_are_passed_over(void **state)
{
    struct fixture *f = *state;
    assert_finds_within_two_attempts(f, (const int[]){f->deaf, f->deaf_too, f->answering}, 3);
}

static void
test_dns_two_dead_nameservers_behind_are_passed_over(void **state)
{
    struct fixture *f = *state;
    assert_finds_within_two_attempts(f, (const int[]){f->answering, f->deaf, f->deaf_too}, 3);
}

static void
test_dns_files_that_stay_are_not_read_again(void **state)
{
    struct fixture *f = *state;
    name_server(f, f->deaf);
    start(f);
    struct evdns_base *base = dns_get(f->dns);
    assert_int_equal(evdns_base_clear_nameservers_and_suspend(base), 0);
    (void)dns_get(f->dns);
    turn(f);
    assert_int_equal(evdns_base_count_nameservers(base), 0);
    name_server(f, f->answering);
    (void)dns_get(f->dns);
    turn(f);
    assert_int_equal(evdns_base_count_nameservers(base), 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(test_dns_##name, setup, teardown)
        CASE(hosts_that_changed_are_found_at_once),
        CASE(hosts_that_come_later_are_found),
        CASE(nameserver_that_changed_is_asked),
        CASE(request_under_way_goes_to_the_new_nameserver),
        CASE(nameserver_that_comes_later_is_asked),
        CASE(dead_nameserver_before_one_that_answers_is_passed_over),
        CASE(dead_nameserver_behind_one_that_answers_is_passed_over),
        CASE(two_dead_nameservers_are_passed_over),
        CASE(two_dead_nameservers_behind_are_passed_over),
        CASE(files_that_stay_are_not_read_again),
#undef CASE
    };
    return cmocka_run_group_tests_name("event.dns", tests, NULL, NULL);
}
