#undef NDEBUG
#include "event/farewell.h"
#include "event/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { FAR_MS = 60 * 1000 };

struct world {
    struct loop *loop;
    struct farewell farewell;
    struct timer poll; /* stops the loop when it is over */
    int ours, peer;
};

static struct world world;

static void
on_poll(void *arg)
{
    struct world *w = arg;
    if (farewell_is_over(&w->farewell)) {
        loop_stop(w->loop);
    } else {
        timer_start(&w->poll, 1);
    }
}

static int
setup(void **state)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    world = (struct world){.loop = loop_new("test"), .ours = fds[0], .peer = fds[1]};
    farewell_init(&world.farewell, world.loop);
    timer_init(&world.poll, world.loop, on_poll, &world);
    *state = &world;
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    farewell_stop(&world.farewell);
    timer_stop(&world.poll);
    loop_free(world.loop);
    close(world.peer);
    return 0;
}

static void
assert_closed(int fd)
{
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    assert_int_equal(errno, EBADF);
}

static void
test_farewell_unread_bytes_do_not_take_away_what_was_sent(void **state)
{
    struct world *w = *state;
    char bytes[16];
    assert_int_equal(send(w->peer, "unread", 6, 0), 6);
    assert_int_equal(send(w->ours, "last", 4, 0), 4);
    farewell_start(&w->farewell, w->ours, FAR_MS);
    assert_false(farewell_is_over(&w->farewell));
    assert_int_equal(recv(w->peer, bytes, sizeof bytes, 0), 4);
    assert_int_equal(recv(w->peer, bytes, sizeof bytes, 0), 0);
    shutdown(w->peer, SHUT_WR);
    timer_start(&w->poll, 1);
    assert_int_equal(loop_run(w->loop), 0);
    assert_closed(w->ours);
}

static void
test_farewell_peer_that_stays_is_left(void **state)
{
    struct world *w = *state;
    farewell_start(&w->farewell, w->ours, 1);
    timer_start(&w->poll, 1);
    assert_int_equal(loop_run(w->loop), 0);
    assert_closed(w->ours);
}

static void
test_farewell_stop_closes_at_once(void **state)
{
    struct world *w = *state;
    farewell_start(&w->farewell, w->ours, FAR_MS);
    farewell_stop(&w->farewell);
    assert_true(farewell_is_over(&w->farewell));
    assert_closed(w->ours);
}

static void
test_farewell_that_never_began_is_over(void **state)
{
    struct world *w = *state;
    assert_true(farewell_is_over(&w->farewell));
    close(w->ours);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_farewell_unread_bytes_do_not_take_away_what_was_sent,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_farewell_peer_that_stays_is_left, setup, teardown),
        cmocka_unit_test_setup_teardown(test_farewell_stop_closes_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_farewell_that_never_began_is_over, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
