#undef NDEBUG
/* What marks are for: processes that die, processes that are not alone, a server that forgets. */
#include "event/loop.h"
#include "redis_rig.h"
#include "waiting.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int
setup(void **state)
{
    /* Survives SIGKILL: every append is on disk before its reply. */
    static const char *const durable[] = {"--appendonly", "yes", "--appendfsync", "always", NULL};
    *state = redis_rig_new(durable);
    return 0;
}

static size_t
count_events(struct log_rig *r, const char *channel)
{
    return log_rig_read(r, channel, 0)->length;
}

static void
test_redis_marks_next_process_goes_on_where_the_last_one_stopped(void **state)
{
    struct redis_rig *f = *state;
    log_rig_append_marked(&f->rig, "c", "1", MARK("m", "", "one"));
    log_rig_wait_stored(&f->rig);
    assert_string_equal(log_rig_read_mark(redis_rig_open_other(f), "m"), "m=one ");
}

/*
 * What a process that was killed had sent arrives after the next one has read the mark: the log
 * takes it once, from whoever comes first.
 */
static void
test_redis_marks_of_two_processes_store_each_step_once(void **state)
{
    struct redis_rig *f = *state;
    struct log_rig *a = &f->rig;
    struct log_rig *b = redis_rig_open_other(f);
    log_rig_append_marked(a, "c", "1", MARK("m", "", "one"));
    log_rig_wait_stored(a);
    log_rig_append_marked(b, "c", "1", MARK("m", "", "one"));
    log_rig_append_marked(b, "c", "2", MARK("m", "one", "two"));
    log_rig_wait_stored(b);
    /* Both went in one batch: as one step from "" to "two". */
    assert_string_equal(log_rig_read_mark(b, "m"), "m:!=one m=one ");
    log_rig_append_marked(b, "c", "2", MARK("m", "one", "two"));
    log_rig_wait_stored(b);
    log_rig_append_marked(a, "c", "2", MARK("m", "one", "two"));
    log_rig_wait_stored(a);
    assert_string_equal(log_rig_read_mark(a, "m"), "m:one!=two m=two ");
    assert_int_equal(count_events(a, "c"), 2);
}

static void
test_redis_marks_go_with_a_log_that_was_flushed(void **state)
{
    struct redis_rig *f = *state;
    struct log_rig *r = &f->rig;
    log_rig_append_marked(r, "c", "1", MARK("m", "", "one"));
    log_rig_wait_stored(r);
    redis_server_do(f->server, "FLUSHALL");
    log_rig_append_marked(r, "c", "2", MARK("m", "one", "two"));
    log_rig_wait_stored(r);
    assert_string_equal(r->marks, "m:one!= ");
    assert_int_equal(count_events(r, "c"), 0);
    log_rig_append_marked(r, "c", "2", MARK("m", "", "two"));
    log_rig_wait_stored(r);
    assert_int_equal(count_events(r, "c"), 1);
}

static void
test_redis_marks_that_are_not_answered_are_asked_again(void **state)
{
    struct redis_rig *f = *state;
    struct log_rig *r = &f->rig;
    log_rig_append_marked(r, "c", "1", MARK("m", "", "one"));
    log_rig_wait_stored(r);
    redis_server_kill(f->server);
    assert_int_equal(replay_read_mark(r->log, STR("m")), 0); /* nothing was noticed yet */
    log_rig_wait_down(r);
    assert_int_equal(replay_read_mark(r->log, STR("m")), ERR_CONNECT);
    redis_server_start_again(f->server);
    log_rig_wait_up(r);
    assert_string_equal(log_rig_read_mark(r, "m"), "m=one ");
}

/* Killed in the midst: the log has as many events as the mark says. */
static void
test_redis_marks_and_events_of_a_killed_server_agree(void **state)
{
    enum { EVENTS = 900 };
    struct redis_rig *f = *state;
    struct log_rig *r = &f->rig;
    char positions[2][16] = {"", ""};
    char wanted[32];
    for (int i = 1; i <= EVENTS; i++) {
        char *before = positions[i % 2];
        char *position = positions[(i + 1) % 2];
        (void)snprintf(position, sizeof positions[0], "%d", i);
        const struct mark mark = {
            .name = STR("m"), .before = str_from(before), .position = str_from(position)};
        log_rig_append_marked(r, "c", position, &mark);
    }
    log_rig_wait_frames(r, 100);
    redis_server_kill(f->server);
    log_rig_wait_down(r);
    log_rig_close(r); /* and the process with it */
    redis_server_start_again(f->server);
    log_rig_open(r, f->loop, replay_redis_new, &f->config);
    log_rig_wait_up(r);
    size_t stored = count_events(r, "c");
    assert_in_range(stored, 100, EVENTS);
    (void)snprintf(wanted, sizeof wanted, "m=%zu ", stored);
    assert_string_equal(log_rig_read_mark(r, "m"), wanted);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name)                                                                                 \
    cmocka_unit_test_setup_teardown(test_redis_marks_##name, setup, redis_rig_teardown)
        CASE(next_process_goes_on_where_the_last_one_stopped),
        CASE(of_two_processes_store_each_step_once),
        CASE(go_with_a_log_that_was_flushed),
        CASE(that_are_not_answered_are_asked_again),
        CASE(and_events_of_a_killed_server_agree),
#undef CASE
    };
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("replay.redis_marks", tests, NULL, NULL);
}
