#undef NDEBUG
#include "base/clock.h"
#include "event/loop.h"

#include <event2/dns.h>
#include <event2/event.h>
#include <event2/util.h>

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What happened, a letter each, in order. */
struct diary {
    struct loop *loop;
    struct loop_task first;
    struct loop_task second;
    char letters[32];
    size_t length;
    uint64_t seen_ms;
};

static void
note(struct diary *d, char letter)
{
    d->letters[d->length++] = letter;
}

static int
setup(void **state)
{
    struct diary *d = calloc(1, sizeof *d);
    *state = d;
    d->loop = loop_new("test");
    return d->loop == NULL;
}

static int
teardown(void **state)
{
    struct diary *d = *state;
    loop_free(d->loop);
    free(d);
    return 0;
}

static void
on_once(evutil_socket_t fd, short what, void *arg)
{
    struct diary *d = arg;
    (void)fd;
    (void)what;
    note(d, 'e');
    loop_task_schedule(d->loop, &d->first);
    loop_task_schedule(d->loop, &d->first);
}

/* An event that is ready in the next turn, once. */
static void
make_ready(struct diary *d, event_callback_fn callback)
{
    static const struct timeval at_once = {0};
    assert_int_equal(event_base_once(loop_base(d->loop), -1, EV_TIMEOUT, callback, d, &at_once), 0);
}

static void
reap(void *object)
{
    note(object, 'r');
}

struct dead {
    struct loop_reap reap;
    struct diary *diary;
};

static void
free_dead(void *object)
{
    struct dead *dead = object;
    note(dead->diary, 'r');
    free(dead);
}

static struct dead *
new_dead(struct diary *d)
{
    struct dead *dead = calloc(1, sizeof *dead);
    assert_non_null(dead);
    dead->diary = d;
    return dead;
}

static void
run_stop(void *arg)
{
    struct diary *d = arg;
    note(d, 's');
    loop_stop(d->loop);
}

static void
run_first(void *arg)
{
    struct diary *d = arg;
    struct dead *dead = new_dead(d);
    note(d, 't');
    loop_reap(d->loop, &dead->reap, free_dead, dead);
    loop_task_schedule(d->loop, &d->second);
}

static void
test_loop_turn_runs_events_then_tasks_then_reaps(void **state)
{
    struct diary *d = *state;
    loop_task_init(&d->first, run_first, d);
    loop_task_init(&d->second, run_stop, d);
    make_ready(d, on_once);
    assert_int_equal(loop_run(d->loop), 0);
    /* The second task was deferred by the first, and runs in the same turn. */
    assert_string_equal(d->letters, "etsr");
}

static void
run_again(void *arg)
{
    struct diary *d = arg;
    note(d, 'a');
    if (d->length == 5) {
        loop_stop(d->loop);
    } else {
        loop_task_schedule(d->loop, &d->first);
    }
}

static void
test_loop_task_that_defers_itself_does_not_wait_for_an_event(void **state)
{
    struct diary *d = *state;
    loop_task_init(&d->first, run_again, d);
    loop_task_schedule(d->loop, &d->first);
    assert_int_equal(loop_run(d->loop), 0);
    assert_string_equal(d->letters, "aaaaa");
}

/* Each defers the other. */
static void
run_ping(void *arg)
{
    struct diary *d = arg;
    note(d, 'p');
    make_ready(d, on_once);
    loop_task_schedule(d->loop, &d->second);
}

static void
run_pong(void *arg)
{
    struct diary *d = arg;
    note(d, 'q');
    if (d->length >= 5) {
        loop_stop(d->loop);
    } else {
        loop_task_schedule(d->loop, &d->first);
    }
}

static void
test_loop_tasks_that_defer_each_other_run_once_a_turn(void **state)
{
    struct diary *d = *state;
    loop_task_init(&d->first, run_ping, d);
    loop_task_init(&d->second, run_pong, d);
    loop_task_schedule(d->loop, &d->first);
    assert_int_equal(loop_run(d->loop), 0);
    assert_string_equal(d->letters, "pqepq");
}

static void
run_cancel_second(void *arg)
{
    struct diary *d = arg;
    note(d, 'c');
    loop_task_cancel(&d->second);
    loop_stop(d->loop);
}

static void
test_loop_task_cancelled_by_one_of_the_same_turn_does_not_run(void **state)
{
    struct diary *d = *state;
    loop_task_init(&d->first, run_cancel_second, d);
    loop_task_init(&d->second, run_stop, d);
    loop_task_schedule(d->loop, &d->first);
    loop_task_schedule(d->loop, &d->second);
    assert_int_equal(loop_run(d->loop), 0);
    assert_string_equal(d->letters, "c");
}

static void
test_loop_task_cancelled_can_be_scheduled_again(void **state)
{
    struct diary *d = *state;
    loop_task_init(&d->first, run_stop, d);
    loop_task_cancel(&d->first);
    loop_task_schedule(d->loop, &d->first);
    loop_task_cancel(&d->first);
    loop_task_schedule(d->loop, &d->first);
    assert_int_equal(loop_run(d->loop), 0);
    assert_string_equal(d->letters, "s");
}

static void
test_loop_stopped_before_it_runs_runs_no_turn_and_then_may_run_again(void **state)
{
    struct diary *d = *state;
    loop_task_init(&d->first, run_stop, d);
    loop_task_schedule(d->loop, &d->first);
    loop_stop(d->loop);
    assert_int_equal(loop_run(d->loop), 0);
    assert_string_equal(d->letters, "");
    assert_int_equal(loop_run(d->loop), 0);
    assert_string_equal(d->letters, "s");
}

static void
test_loop_free_runs_reaps_and_unlinks_tasks(void **state)
{
    struct diary *d = *state;
    struct loop *l = loop_new("other");
    assert_non_null(l);
    loop_task_init(&d->first, run_stop, d);
    loop_task_schedule(l, &d->first);
    struct loop_reap r;
    loop_reap(l, &r, reap, d);
    loop_free(l);
    assert_string_equal(d->letters, "r");
    loop_task_cancel(&d->first); /* touches nothing of the loop that is gone */
    loop_free(NULL);
}

static void
reap_one_more(void *object)
{
    struct dead *dead = object;
    struct dead *child = new_dead(dead->diary);
    note(dead->diary, 'p');
    loop_reap(dead->diary->loop, &child->reap, free_dead, child);
    free(dead);
}

static void
test_loop_reap_asked_for_while_reaping_is_done_in_the_same_turn(void **state)
{
    struct diary *d = *state;
    struct dead *parent = new_dead(d);
    loop_reap(d->loop, &parent->reap, reap_one_more, parent);
    loop_task_init(&d->first, run_stop, d);
    loop_task_schedule(d->loop, &d->first);
    assert_int_equal(loop_run(d->loop), 0);
    assert_string_equal(d->letters, "spr");
}

static void
spin_ms(uint64_t ms)
{
    uint64_t until_ns = clock_mono_ns() + ms * 1000000;
    while (clock_mono_ns() < until_ns) {
        /* the loop's thread is busy */
    }
}

static void
run_two_readings(void *arg)
{
    struct diary *d = arg;
    uint64_t now_ms = loop_now_ms(d->loop);
    uint64_t wall_ms = loop_wall_ms(d->loop);
    spin_ms(3);
    assert_true(loop_now_ms(d->loop) == now_ms);
    assert_true(loop_wall_ms(d->loop) == wall_ms);
    if (d->length > 0) {
        loop_stop(d->loop);
    } else {
        note(d, 'c');
        loop_task_schedule(d->loop, &d->first);
    }
}

static void
test_loop_clock_stands_still_within_a_turn(void **state)
{
    struct diary *d = *state;
    uint64_t before_ms = loop_now_ms(d->loop);
    loop_task_init(&d->first, run_two_readings, d);
    loop_task_schedule(d->loop, &d->first);
    assert_int_equal(loop_run(d->loop), 0);
    /* The second turn saw what the first spun, and outside of turns the clock runs. */
    assert_true(loop_now_ms(d->loop) >= before_ms + 6);
}

static void
on_late_event(evutil_socket_t fd, short what, void *arg)
{
    struct diary *d = arg;
    (void)fd;
    (void)what;
    note(d, 'l');
    d->seen_ms = loop_now_ms(d->loop);
    loop_stop(d->loop);
}

static void
test_loop_clock_is_read_behind_the_wait(void **state)
{
    static const struct timeval wait = {.tv_usec = 30000};
    struct diary *d = *state;
    uint64_t before_ms = loop_now_ms(d->loop);
    (void)event_base_once(loop_base(d->loop), -1, EV_TIMEOUT, on_late_event, d, &wait);
    assert_int_equal(loop_run(d->loop), 0);
    assert_true(d->seen_ms >= before_ms + 15); /* libevent may be a coarse tick early */
}

static void *
check_other_thread(void *arg)
{
    struct diary *d = arg;
    note(d, loop_is_current(d->loop) ? 'y' : 'n');
    return NULL;
}

static void
ask_other_thread(struct diary *d)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, check_other_thread, d), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void
run_ask_other_thread(void *arg)
{
    struct diary *d = arg;
    assert_true(loop_is_current(d->loop));
    ask_other_thread(d);
    loop_stop(d->loop);
}

static void
test_loop_is_current_on_its_own_thread_and_on_any_while_it_rests(void **state)
{
    struct diary *d = *state;
    ask_other_thread(d);
    loop_task_init(&d->first, run_ask_other_thread, d);
    loop_task_schedule(d->loop, &d->first);
    assert_int_equal(loop_run(d->loop), 0);
    ask_other_thread(d);
    assert_string_equal(d->letters, "yny");
}

static void *
run_in_thread(void *arg)
{
    struct diary *d = arg;
    char name[16];
    assert_int_equal(loop_run(d->loop), 0);
    assert_int_equal(pthread_getname_np(pthread_self(), name, sizeof name), 0);
    note(d, strcmp(name, "a name that is ") == 0 ? 'y' : 'n');
    return NULL;
}

static void
test_loop_names_its_thread_and_cuts_a_long_name(void **state)
{
    struct diary *d = *state;
    pthread_t thread;
    loop_free(d->loop);
    d->loop = loop_new("a name that is too long for Linux");
    loop_task_init(&d->first, run_stop, d);
    loop_task_schedule(d->loop, &d->first);
    assert_int_equal(pthread_create(&thread, NULL, run_in_thread, d), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_string_equal(d->letters, "sy");
}

static void
on_address(int error, struct evutil_addrinfo *addresses, void *arg)
{
    struct diary *d = arg;
    note(d, error == 0 ? 'y' : 'n');
    if (addresses != NULL) {
        evutil_freeaddrinfo(addresses);
    }
    loop_stop(d->loop);
}

static void
test_loop_dns_is_made_once_and_reads_the_hosts_file(void **state)
{
    struct diary *d = *state;
    struct evutil_addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
    struct evdns_base *dns = loop_dns(d->loop);
    assert_non_null(dns);
    assert_ptr_equal(loop_dns(d->loop), dns);
    if (evdns_getaddrinfo(dns, "localhost", NULL, &hints, on_address, d) != NULL) {
        assert_int_equal(loop_run(d->loop), 0);
    }
    assert_string_equal(d->letters, "y");
}

static void
test_loop_free_with_a_pending_request_leaks_nothing(void **state)
{
    struct diary *d = *state;
    struct evutil_addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
    struct loop *l = loop_new("other");
    struct evdns_base *dns = loop_dns(l);
    assert_non_null(dns);
    /* A server that never answers: nobody reads this socket. */
    assert_int_equal(evdns_base_clear_nameservers_and_suspend(dns), 0);
    assert_int_equal(evdns_base_nameserver_ip_add(dns, "127.0.0.1:9"), 0);
    struct evdns_getaddrinfo_request *request =
        evdns_getaddrinfo(dns, "runnel.test", NULL, &hints, on_address, d);
    assert_non_null(request);
    evdns_getaddrinfo_cancel(request);
    loop_free(l);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_loop_turn_runs_events_then_tasks_then_reaps, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_loop_tasks_that_defer_each_other_run_once_a_turn,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_loop_task_that_defers_itself_does_not_wait_for_an_event, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_loop_task_cancelled_by_one_of_the_same_turn_does_not_run, setup, teardown),
        cmocka_unit_test_setup_teardown(test_loop_task_cancelled_can_be_scheduled_again, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            test_loop_stopped_before_it_runs_runs_no_turn_and_then_may_run_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_loop_free_runs_reaps_and_unlinks_tasks, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            test_loop_reap_asked_for_while_reaping_is_done_in_the_same_turn, setup, teardown),
        cmocka_unit_test_setup_teardown(test_loop_clock_stands_still_within_a_turn, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_loop_clock_is_read_behind_the_wait, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_loop_is_current_on_its_own_thread_and_on_any_while_it_rests, setup, teardown),
        cmocka_unit_test_setup_teardown(test_loop_names_its_thread_and_cuts_a_long_name, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_loop_dns_is_made_once_and_reads_the_hosts_file, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_loop_free_with_a_pending_request_leaks_nothing, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
