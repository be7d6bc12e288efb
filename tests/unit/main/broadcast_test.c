#undef NDEBUG
#include "event/loop.h"
#include "event/mailbox.h"
#include "main/broadcast.h"
#include "observability/metrics.h"
#include "streaming/hub.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { WORKERS = 2, BODY_BYTES = 100 * 1000, LIMIT_BYTES = 3 * BODY_BYTES, EVENTS_MAX = 64 };

/* Reads its mail as a hub does, when the test lets its loop run. */
struct worker_box {
    struct loop *loop;
    struct mailbox *box;
    struct metrics_slot *metrics;
    event_id frames[EVENTS_MAX];
    size_t frames_length;
    event_id told; /* where to read from the log up to */
};

struct world {
    struct loop *loop;
    struct metrics *metrics;
    struct worker_box workers[WORKERS];
    struct broadcast *broadcast;
    event_id newest;
};

static void
stop_loop(void *arg)
{
    loop_stop(arg);
}

/* One turn. */
static void
turn(struct loop *loop)
{
    struct loop_task stop;
    loop_task_init(&stop, stop_loop, loop);
    loop_task_schedule(loop, &stop);
    assert_int_equal(loop_run(loop), 0);
}

static void
on_mail(void *arg, const struct mail *mails, size_t length)
{
    struct worker_box *w = arg;
    for (size_t i = 0; i < length; i++) {
        metrics_move(w->metrics, METRIC_MEMORY, METRIC_USE_MAILBOXES, -(int64_t)mails[i].bytes);
        if (mails[i].type == HUB_MAIL_FEED_START) {
            w->told = mails[i].number;
            continue;
        }
        struct frame *frame = mails[i].object;
        w->frames[w->frames_length++] = frame->id;
        frame_unref(frame);
    }
}

static int
setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    *state = w;
    w->loop = loop_new("ingest");
    w->metrics = metrics_new(1 + WORKERS, 1);
    w->broadcast = broadcast_new(w->loop, metrics_slot(w->metrics, 0));
    for (size_t i = 0; i < WORKERS; i++) {
        struct worker_box *worker = &w->workers[i];
        worker->loop = loop_new("worker");
        worker->metrics = metrics_slot(w->metrics, 1 + i);
        worker->box = mailbox_new(worker->loop, EVENTS_MAX, on_mail, worker);
        mailbox_set_limits(worker->box, EVENTS_MAX, LIMIT_BYTES);
        assert_int_equal(broadcast_add(w->broadcast, worker->box), 0);
    }
    return 0;
}

static int
teardown(void **state)
{
    struct world *w = *state;
    broadcast_free(w->broadcast);
    for (size_t i = 0; i < WORKERS; i++) {
        mailbox_free(w->workers[i].box);
        loop_free(w->workers[i].loop);
    }
    metrics_free(w->metrics);
    loop_free(w->loop);
    free(w);
    return 0;
}

static void
push(struct world *w, size_t bytes)
{
    char *body = calloc(1, bytes);
    event_id before = w->newest++;
    struct frame *frame = frame_new(STR("channel"), w->newest, before, (struct str){body, bytes},
                                    (struct event_traits){0});
    assert_non_null(frame);
    broadcast_frame(w->broadcast, frame);
    frame_unref(frame);
    free(body);
}

/* Each in a turn of its own. */
static void
push_in_turns(struct world *w, size_t count, size_t bytes)
{
    for (size_t i = 0; i < count; i++) {
        push(w, bytes);
        turn(w->loop);
    }
}

static int64_t
waiting_bytes(const struct world *w)
{
    return metrics_read(w->metrics, METRIC_MEMORY, METRIC_USE_MAILBOXES);
}

static int64_t
dropped(const struct world *w)
{
    return metrics_read(w->metrics, METRIC_MAILBOX_DROPPED, 0);
}

static void
test_broadcast_counts_what_waits_for_each_worker_until_it_reads(void **state)
{
    struct world *w = *state;
    push_in_turns(w, 1, BODY_BYTES);
    int64_t one = waiting_bytes(w) / WORKERS;
    assert_in_range(one, BODY_BYTES, BODY_BYTES + 200);
    turn(w->workers[0].loop);
    assert_int_equal(waiting_bytes(w), one);
    turn(w->workers[1].loop);
    assert_int_equal(waiting_bytes(w), 0);
    assert_int_equal(dropped(w), 0);
}

/* A worker that stands still: what waits for it stays bounded, and later it is told what it missed. */
static void
test_broadcast_of_many_bytes_to_who_does_not_read_them_is_bounded(void **state)
{
    struct world *w = *state;
    struct worker_box *reads = &w->workers[0], *stands = &w->workers[1];
    for (size_t i = 0; i < 50; i++) {
        push_in_turns(w, 1, BODY_BYTES);
        turn(reads->loop);
        assert_true(waiting_bytes(w) <= LIMIT_BYTES);
    }
    assert_int_equal(reads->frames_length, 50);
    assert_int_equal(reads->told, 0);
    assert_int_equal(dropped(w), 48);
    turn(stands->loop);
    assert_int_equal(stands->frames_length, 2);
    assert_int_equal(waiting_bytes(w), 0);
    push_in_turns(w, 1, 1);
    turn(stands->loop);
    assert_int_equal(stands->told, 50);
    assert_int_equal(stands->frames[2], 51);
    assert_int_equal(dropped(w), 48);
}

static void
test_broadcast_of_an_event_larger_than_the_limit_arrives(void **state)
{
    struct world *w = *state;
    push_in_turns(w, 1, LIMIT_BYTES + 1);
    turn(w->workers[0].loop);
    assert_int_equal(w->workers[0].frames_length, 1);
    assert_int_equal(dropped(w), 0);
}

/* Or else all of it, far more than the limit, would be taken by a mailbox in which nothing waits. */
static void
test_broadcast_of_a_turn_with_very_many_bytes_goes_out_in_parts(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < 50; i++) {
        push(w, BODY_BYTES);
    }
    turn(w->loop);
    assert_true(waiting_bytes(w) < WORKERS * ((1 << 20) + 2 * BODY_BYTES));
    assert_true(dropped(w) > 0);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(test_broadcast_counts_what_waits_for_each_worker_until_it_reads),
        WITH_WORLD(test_broadcast_of_many_bytes_to_who_does_not_read_them_is_bounded),
        WITH_WORLD(test_broadcast_of_an_event_larger_than_the_limit_arrives),
        WITH_WORLD(test_broadcast_of_a_turn_with_very_many_bytes_goes_out_in_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
