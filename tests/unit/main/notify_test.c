#undef NDEBUG
#include "base/clock.h"
#include "event/loop.h"
#include "main/notify.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

enum { MESSAGE_SIZE_MAX = 512 };

/* The manager's end: a socket, and its name in the environment. */
struct manager {
    int fd;
    char path[64]; /* empty: the socket is an abstract one */
};

static void
manager_listen(struct manager *m, const char *name, bool is_abstract)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t size = strlen(name);
    memcpy(address.sun_path + is_abstract, name, size);
    m->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(m->fd >= 0);
    assert_int_equal(bind(m->fd, (const struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + is_abstract + size)),
                     0);
}

static int
manager_start(void **state)
{
    static struct manager manager;
    snprintf(manager.path, sizeof(manager.path), "/tmp/runnel-notify-%d", (int)getpid());
    unlink(manager.path);
    manager_listen(&manager, manager.path, false);
    assert_int_equal(setenv("NOTIFY_SOCKET", manager.path, 1), 0);
    *state = &manager;
    return 0;
}

static int
manager_start_abstract(void **state)
{
    static struct manager manager;
    char name[64];
    snprintf(name, sizeof(name), "@runnel-notify-%d", (int)getpid());
    manager_listen(&manager, name + 1, true);
    assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
    *state = &manager;
    return 0;
}

static int
manager_stop(void **state)
{
    struct manager *m = *state;
    close(m->fd);
    unlink(m->path);
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    return 0;
}

/* The next message, which has been sent: "" where there is none. */
static const char *
manager_next(const struct manager *m)
{
    static char text[MESSAGE_SIZE_MAX];
    ssize_t size = recv(m->fd, text, sizeof(text) - 1, MSG_DONTWAIT);
    text[size < 0 ? 0 : size] = '\0';
    return text;
}

static void
test_notify_ready_says_so_with_its_status(void **state)
{
    notify_ready("Serving");
    assert_string_equal(manager_next(*state), "READY=1\nSTATUS=Serving");
}

static void
test_notify_stopping_asks_for_the_time_it_takes(void **state)
{
    notify_stopping(7000);
    assert_string_equal(manager_next(*state),
                        "STOPPING=1\nSTATUS=Ending the streams\nEXTEND_TIMEOUT_USEC=7000000");
}

static void
test_notify_reloading_carries_the_time(void **state)
{
    static const char begin[] = "RELOADING=1\nMONOTONIC_USEC=";
    uint64_t before = clock_mono_ns() / 1000;
    notify_reloading();
    const char *message = manager_next(*state);
    assert_memory_equal(message, begin, sizeof(begin) - 1);
    uint64_t usec = strtoull(message + sizeof(begin) - 1, NULL, 10);
    assert_in_range(usec, before, clock_mono_ns() / 1000);
}

static void
test_notify_without_a_manager_does_nothing(void **state)
{
    unsetenv("NOTIFY_SOCKET");
    notify_ready("Serving");
    assert_string_equal(manager_next(*state), "");
}

/* It is said in the log, and nothing else happens. */
static void
test_notify_survives_a_socket_that_is_none(void **state)
{
    char text[256];
    static const char *const names[] = {"", "relative", "/nowhere/at/all", "vsock:2:1234"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        setenv("NOTIFY_SOCKET", names[i], 1);
        notify_ready("Serving");
    }
    memset(text, '/', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    setenv("NOTIFY_SOCKET", text, 1);
    notify_ready("Serving");
    assert_string_equal(manager_next(*state), "");
}

static void
stop_loop(void *arg)
{
    loop_stop(arg);
}

/* Messages that come while a loop turns for `ms` with a watchdog. */
static unsigned
count_pings(const struct manager *m, uint64_t ms)
{
    struct notify_watchdog watchdog = {.interval_ms = 0};
    struct timer end;
    unsigned pings = 0;
    struct loop *loop = loop_new("test");
    assert_non_null(loop);
    timer_init(&end, loop, stop_loop, loop);
    timer_start(&end, ms);
    notify_watchdog_start(&watchdog, loop);
    assert_int_equal(loop_run(loop), 0);
    notify_watchdog_stop(&watchdog);
    timer_stop(&end);
    loop_free(loop);
    while (strcmp(manager_next(m), "WATCHDOG=1") == 0) {
        pings++;
    }
    return pings;
}

static void
test_notify_watchdog_pings_as_long_as_the_loop_turns(void **state)
{
    char pid[32];
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    setenv("WATCHDOG_USEC", "20000", 1);
    assert_in_range(count_pings(*state, 100), 1, 10);
    setenv("WATCHDOG_PID", pid, 1);
    assert_in_range(count_pings(*state, 100), 1, 10);
}

static void
test_notify_watchdog_is_silent_where_nobody_asks(void **state)
{
    assert_int_equal(count_pings(*state, 20), 0);
    setenv("WATCHDOG_USEC", "lots", 1);
    assert_int_equal(count_pings(*state, 20), 0);
    setenv("WATCHDOG_USEC", "2000", 1);
    setenv("WATCHDOG_PID", "1", 1);
    assert_int_equal(count_pings(*state, 20), 0);
}

#define WITH_MANAGER(test) cmocka_unit_test_setup_teardown(test, manager_start, manager_stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_MANAGER(test_notify_ready_says_so_with_its_status),
        cmocka_unit_test_setup_teardown(test_notify_stopping_asks_for_the_time_it_takes,
                                        manager_start_abstract, manager_stop),
        WITH_MANAGER(test_notify_reloading_carries_the_time),
        WITH_MANAGER(test_notify_without_a_manager_does_nothing),
        WITH_MANAGER(test_notify_survives_a_socket_that_is_none),
        WITH_MANAGER(test_notify_watchdog_pings_as_long_as_the_loop_turns),
        WITH_MANAGER(test_notify_watchdog_is_silent_where_nobody_asks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
