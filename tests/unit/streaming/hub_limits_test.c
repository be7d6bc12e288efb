/* What the hub tells the front end for its limits: room for channels, and which stream is closed. */
#undef NDEBUG
#include "hub_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { TOLD_MAX = 8 };

static uint64_t told[TOLD_MAX];
static size_t told_length;

static void
on_closed(void *arg, uint64_t ticket)
{
    assert_ptr_equal(arg, told);
    assert_true(told_length < TOLD_MAX);
    told[told_length++] = ticket;
}

static void
begin(uint64_t channels)
{
    struct config_stream config = stream_config();
    config.channels = channels;
    told_length = 0;
    world_begin_with(config, replay_config());
    world_start();
    hub_set_on_closed(world.hub, on_closed, told);
}

static bool
has_room(const char *a, const char *b)
{
    const struct str names[] = {str_from(a), str_from(b)};
    return hub_has_room(world.hub, names, b == NULL ? 1 : 2);
}

static void
test_hub_has_room_up_to_its_limit(void **state)
{
    (void)state;
    begin(2);
    assert_true(has_room("a", "b"));
    struct client *one = client_open("a", hub_rig_now);
    assert_true(has_room("b", NULL));
    assert_true(has_room("a", "b"));
    assert_false(has_room("b", "c"));
    struct client *two = client_open("b", hub_rig_now);
    assert_true(has_room("b", "a")); /* nothing new */
    assert_false(has_room("c", NULL));
    assert_false(has_room("c", "a"));
    client_free(one);
    while (hub_streams(world.hub) > 1) {
        run_turns(1);
    }
    assert_true(has_room("c", NULL));
    assert_false(has_room("c", "a"));
    client_free(two);
    world_end();
}

/* Those that only their tails keep in memory are bounded by stream.tail_bytes. */
static void
test_hub_has_room_does_not_count_channels_without_subscribers(void **state)
{
    (void)state;
    begin(1);
    struct client *one = client_open("a", hub_rig_now);
    client_wait(one, 0);
    publish("a");
    client_wait(one, 1);
    client_free(one);
    while (hub_streams(world.hub) > 0) {
        run_turns(1);
    }
    assert_true(has_room("b", NULL));
    world_end();
}

static void
open_with_ticket(uint64_t ticket, int *ret_fd)
{
    int pair[2];
    struct str name = STR("a");
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    struct hub_stream stream = {.fd = pair[0],
                                .head = STR("x"),
                                .channels = &name,
                                .channels_length = 1,
                                .start = hub_rig_now,
                                .ticket = ticket};
    assert_int_equal(hub_open(world.hub, &stream), 0);
    *ret_fd = pair[1];
}

static void
test_hub_tells_once_which_stream_is_closed(void **state)
{
    int fds[3];
    (void)state;
    begin(10);
    open_with_ticket(7, &fds[0]);
    open_with_ticket(0, &fds[1]); /* nobody wants to know */
    open_with_ticket(8, &fds[2]);
    run_turns(3);
    assert_int_equal(told_length, 0);
    close(fds[0]);
    close(fds[1]);
    while (hub_streams(world.hub) > 1) {
        run_turns(1);
    }
    assert_int_equal(told_length, 1);
    assert_int_equal(told[0], 7);
    world_end(); /* also of those that it closes itself */
    assert_int_equal(told_length, 2);
    assert_int_equal(told[1], 8);
    close(fds[2]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hub_has_room_up_to_its_limit),
        cmocka_unit_test(test_hub_has_room_does_not_count_channels_without_subscribers),
        cmocka_unit_test(test_hub_tells_once_which_stream_is_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
