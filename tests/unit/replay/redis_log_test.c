#undef NDEBUG
/* What only the Redis log has: other processes, a server that dies, forgets, refuses; a network that breaks. */
#include "brokers.h"
#include "event/loop.h"
#include "log_rig.h"
#include "observability/metrics.h"
#include "redis_rig.h"
#include "relay.h"
#include "waiting.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Survives SIGKILL: every append is on disk before its reply. */
static const char *const durable[] = {"--appendonly", "yes", "--appendfsync", "always", NULL};

static int
setup(void **state)
{
    *state = redis_rig_new_closed(NULL);
    return 0;
}

static int
setup_durable(void **state)
{
    *state = redis_rig_new_closed(durable);
    return 0;
}

/* --- several processes --- */

static void
test_redis_log_two_processes_have_one_order(void **state)
{
    struct redis_rig *f = *state;
    struct log_rig *a = redis_rig_open(f);
    struct log_rig *b = redis_rig_open_other(f);
    char text[16];
    for (int i = 0; i < 200; i++) {
        (void)snprintf(text, sizeof text, "%d", i);
        log_rig_append(i % 2 == 0 ? a : b, "c", text);
    }
    log_rig_wait_frames(a, 200);
    log_rig_wait_frames(b, 200);
    for (size_t i = 0; i < 200; i++) {
        assert_int_equal(a->frames[i]->id, b->frames[i]->id);
        assert_int_equal(a->frames[i]->floor, i == 0 ? a->first_position : a->frames[i - 1]->id);
        assert_true(str_equal(frame_wire(a->frames[i]), frame_wire(b->frames[i])));
    }
    assert_int_equal(a->starts + b->starts, 2);
}

static void
test_redis_log_process_that_comes_later_begins_at_the_head(void **state)
{
    struct redis_rig *f = *state;
    struct log_rig *a = redis_rig_open(f);
    event_id head = log_rig_put(a, "c", "1")->id;
    struct log_rig *b = redis_rig_open_other(f);
    assert_int_equal(b->first_position, head);
    event_id next = log_rig_put(a, "c", "2")->id;
    log_rig_wait_frames(b, 1);
    assert_int_equal(b->frames[0]->id, next);
    assert_false(log_rig_has_gap(log_rig_read(b, "c", head), head));
}

/* --- the server --- */

static void
test_redis_log_killed_server_loses_nothing_that_was_stored(void **state)
{
    struct redis_rig *f = *state;
    struct log_rig *r = redis_rig_open(f);
    event_id first = log_rig_put(r, "c", "1")->id;
    log_rig_wait_stored(r);
    redis_server_kill(f->server);
    log_rig_wait_down(r);
    log_rig_append(r, "c", "2"); /* waits */
    log_rig_append(r, "d", "3");
    redis_server_start_again(f->server);
    log_rig_wait_up(r);
    log_rig_wait_stored(r);
    const struct replay_page *page = log_rig_read(r, "c", 0);
    log_rig_expect_texts(page, "1 2");
    assert_false(log_rig_has_gap(page, first));
    assert_true(r->starts >= 2); /* the feed was away */
    size_t frames = r->frames_length;
    log_rig_append(r, "d", "4");
    log_rig_wait_frames(r, frames + 1);
    log_rig_expect_texts(log_rig_read(r, "d", 0), "3 4");
}

static bool
has_stored_some(void *arg)
{
    const struct redis_rig *f = arg;
    return f->rig.stored >= f->wanted;
}

/*
 * Killed once: a Redis 7.0 that dies in the middle of writing a transaction to its file leaves half of it there, and
 * carries that half out when it is started for the second time.
 */
static void
test_redis_log_killed_while_appending_applies_every_batch_once(void **state)
{
    enum { EVENTS = 2000 };
    struct redis_rig *f = *state;
    const struct replay_keep keep = {.events = EVENTS + 1000}; /* room to see doubles */
    struct log_rig *r = redis_rig_open(f);
    char text[16];
    for (int i = 0; i < EVENTS; i++) {
        (void)snprintf(text, sizeof text, "%d", i);
        log_rig_append_kept(r, "c", text, keep);
    }
    f->wanted = 1;
    wait_until(f->loop, has_stored_some, f); /* in the midst of it */
    redis_server_kill(f->server);
    redis_server_start_again(f->server);
    log_rig_wait_stored(r);
    const struct replay_page *page = log_rig_read(r, "c", 0);
    assert_int_equal(page->length, EVENTS);
    for (int i = 0; i < EVENTS; i++) {
        (void)snprintf(text, sizeof text, "%d", i);
        if (!str_equal(log_rig_text(page->frames[i]), str_from(text))) {
            fail_msg("event %d is \"" STR_FMT "\"", i, STR_ARG(log_rig_text(page->frames[i])));
        }
    }
}

static void
test_redis_log_server_that_forgot_everything_is_a_gap(void **state)
{
    struct redis_rig *f = *state;
    struct log_rig *r = redis_rig_open(f); /* the server keeps nothing on disk */
    event_id before = log_rig_put(r, "c", "1")->id;
    redis_server_kill(f->server);
    log_rig_wait_down(r);
    redis_server_start_again(f->server);
    log_rig_wait_up(r);
    const struct replay_page *page = log_rig_read(r, "c", before);
    assert_int_equal(page->length, 0);
    assert_true(log_rig_has_gap(page, before));
    assert_true(page->upto > before);
    event_id now = r->position;
    const struct frame *frame = log_rig_put(r, "c", "2");
    assert_true(frame->id > now);
    assert_true(frame->floor > before);
    page = log_rig_read(r, "c", now);
    log_rig_expect_texts(page, "2");
    assert_false(log_rig_has_gap(page, now));
}

static void
test_redis_log_flushed_under_its_feet_is_a_gap(void **state)
{
    struct redis_rig *f = *state;
    struct log_rig *r = redis_rig_open(f);
    event_id before = log_rig_put(r, "c", "1")->id;
    redis_server_do(f->server, "FLUSHALL");
    log_rig_append(r, "c", "2");
    log_rig_wait_stored(r);
    log_rig_wait_starts(r, 2);
    const struct replay_page *page = log_rig_read(r, "c", before);
    log_rig_expect_texts(page, "2");
    assert_true(page->frames[0]->id > before);
    assert_true(log_rig_has_gap(page, before));
    (void)log_rig_put(r, "c", "3");
    assert_int_equal(r->starts, 2);
}

static void
test_redis_log_flushed_while_batches_are_under_way_applies_each_once(void **state)
{
    struct redis_rig *f = *state;
    struct log_rig *r = redis_rig_open(f);
    char text[16];
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(text, sizeof text, "%d", i);
        log_rig_append(r, "c", text);
    }
    log_rig_wait_frames(r, 100);
    redis_server_do(f->server, "FLUSHALL");
    log_rig_wait_stored(r);
    const struct replay_page *page = log_rig_read(r, "c", 0);
    for (size_t i = 0; i < page->length; i++) {
        (void)snprintf(text, sizeof text, "%zu", 1000 - page->length + i);
        assert_true(str_equal(log_rig_text(page->frames[i]), str_from(text)));
    }
}

static void
test_redis_log_restored_to_an_older_state_is_a_gap(void **state)
{
    struct redis_rig *f = *state;
    struct log_rig *r = redis_rig_open(f);
    event_id kept = log_rig_put(r, "c", "1")->id;
    redis_server_do(f->server, "SAVE");
    event_id lost = log_rig_put(r, "c", "2")->id;
    redis_server_kill(f->server);
    log_rig_wait_down(r);
    redis_server_start_again(f->server);
    log_rig_wait_up(r);
    event_id next = log_rig_put(r, "c", "3")->id;
    assert_true(next > lost);
    const struct replay_page *page = log_rig_read(r, "c", kept);
    log_rig_expect_texts(page, "3");
    assert_true(log_rig_has_gap(page, kept));
    assert_true(log_rig_has_gap(page, lost));
    assert_false(log_rig_has_gap(log_rig_read(r, "c", next), next));
}

static void
test_redis_log_clock_that_steps_back_keeps_ids_rising(void **state)
{
    struct redis_rig *f = *state;
    struct log_rig *r = redis_rig_open(f);
    event_id before = log_rig_put(r, "c", "1")->id;
    uint64_t future_ms = event_id_ms(before) + 3600000;
    redis_server_do(f->server, "HSET {runnel}:head ms %llu seq 1048574",
                    (unsigned long long)future_ms);
    log_rig_append(r, "c", "2");
    log_rig_append(r, "c", "3");
    log_rig_wait_stored(r);
    const struct replay_page *page = log_rig_read(r, "c", before);
    log_rig_expect_texts(page, "2 3");
    assert_int_equal(page->frames[0]->id, event_id_make(future_ms, 1048575));
    assert_int_equal(page->frames[1]->id,
                     event_id_make(future_ms + 1, 0)); /* 2^20 in one ms is all */
    assert_false(log_rig_has_gap(page, before));
}

static void
test_redis_log_forgotten_scripts_are_sent_again(void **state)
{
    struct redis_rig *f = *state;
    struct log_rig *r = redis_rig_open(f);
    (void)log_rig_put(r, "c", "1");
    (void)log_rig_read(r, "c", 0);
    redis_server_do(f->server, "SCRIPT FLUSH");
    (void)log_rig_put(r, "c", "2");
    redis_server_do(f->server, "SCRIPT FLUSH");
    log_rig_expect_texts(log_rig_read(r, "c", 0), "1 2");
    assert_int_equal(r->changes, 1);
}

/* --- refusals --- */

static bool
is_refused(void *arg)
{
    const struct log_rig *r = arg;
    return !r->is_up && strstr(r->why, "OOM") != NULL;
}

static void
test_redis_log_without_memory_keeps_what_waits(void **state)
{
    struct redis_rig *f = *state;
    struct log_rig *r = redis_rig_open(f);
    (void)log_rig_put(r, "c", "1");
    redis_server_do(f->server, "CONFIG SET maxmemory 1");
    log_rig_append(r, "c", "2");
    log_rig_append(r, "d", "3");
    wait_until(f->loop, is_refused, r);
    assert_int_equal(r->stored, 1);
    log_rig_expect_texts(log_rig_read(r, "c", 0), "1"); /* reading goes on */
    redis_server_do(f->server, "CONFIG SET maxmemory 0");
    log_rig_wait_stored(r);
    log_rig_wait_up(r);
    log_rig_expect_texts(log_rig_read(r, "c", 0), "1 2");
    log_rig_wait_frames(r, 3);
    assert_int_equal(r->starts, 1); /* nothing was lost */
    assert_true(metrics_read(r->metrics, METRIC_REPLAY_APPEND_FAILURES, 0) > 0);
}

static void
test_redis_log_on_a_replica_waits_for_a_master(void **state)
{
    struct redis_rig *f = *state;
    struct log_rig *r = redis_rig_open(f);
    (void)log_rig_put(r, "c", "1");
    redis_server_do(f->server, "REPLICAOF 127.0.0.1 1");
    log_rig_append(r, "c", "2");
    log_rig_wait_down(r);
    redis_server_do(f->server, "REPLICAOF NO ONE");
    log_rig_wait_stored(r);
    log_rig_wait_up(r);
    log_rig_expect_texts(log_rig_read(r, "c", 0), "1 2");
}

/* It may be behind, so nobody is told from it where the log stands, nor what follows a cursor. */
static void
test_redis_log_on_a_replica_is_not_read(void **state)
{
    struct redis_rig *f = *state;
    struct log_rig *r = redis_rig_open(f);
    const struct replay_page_request request = {
        .channel = STR("c"), .limit_events = 1, .limit_bytes = 1024};
    (void)log_rig_put(r, "c", "1");
    (void)log_rig_read(r, "c", 0);
    redis_server_do(f->server, "REPLICAOF 127.0.0.1 1");
    assert_int_equal(replay_reader_read(r->reader, &request, log_rig_on_page, r), 0);
    log_rig_wait_pages(r, r->pages + 1);
    assert_int_equal(r->page_status, ERR_REFUSED);
    redis_server_do(f->server, "REPLICAOF NO ONE");
    log_rig_wait_up(r);
    log_rig_expect_texts(log_rig_read(r, "c", 0), "1");
}

/* Nothing is appended, and nobody reads: the watch finds out. */
static void
test_redis_log_that_became_a_replica_is_left(void **state)
{
    struct redis_rig *f = *state;
    f->config.redis.idle_timeout_ms = 100;
    struct log_rig *r = redis_rig_open(f);
    (void)log_rig_put(r, "c", "1");
    redis_server_do(f->server, "REPLICAOF 127.0.0.1 1");
    log_rig_wait_down(r);
    size_t starts = r->starts;
    redis_server_do(f->server, "REPLICAOF NO ONE");
    log_rig_wait_up(r);
    assert_true(r->starts > starts); /* the feed has begun again, too */
}

static const char *const no_xadd[] = {"--user", "default", "on",    "nopass", "~*",
                                      "&*",     "+@all",   "-xadd", NULL};

static int
setup_no_xadd(void **state)
{
    *state = redis_rig_new_closed(no_xadd);
    return 0;
}

/* In the words of Redis 7, or of Redis 8. */
static bool
is_not_permitted(void *arg)
{
    const struct log_rig *r = arg;
    return !r->is_up && (strstr(r->why, "can't run this command") != NULL ||
                         strstr(r->why, "has no permissions to run") != NULL);
}

static void
test_redis_log_without_permission_says_so_and_keeps_what_waits(void **state)
{
    struct redis_rig *f = *state;
    struct log_rig *r = redis_rig_open(f);
    log_rig_append(r, "c", "1");
    log_rig_append(r, "c", "2");
    wait_until(f->loop, is_not_permitted, r);
    assert_int_equal(r->stored, 0);
    redis_server_do(f->server, "ACL SETUSER default +xadd");
    log_rig_wait_stored(r);
    log_rig_wait_up(r);
    log_rig_expect_texts(log_rig_read(r, "c", 0), "1 2");
}

/* --- the queue --- */

static void
test_redis_log_full_queue_takes_nothing_more(void **state)
{
    struct redis_rig *f = *state;
    const struct replay_keep keep = {.events = 0};
    f->config.queue_events = 10;
    f->config.queue_bytes = 5000;
    redis_server_kill(f->server);
    log_rig_open(&f->rig, f->loop, replay_redis_new, &f->config);
    struct log_rig *r = &f->rig;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(log_rig_try_append(r, "c", STR("x"), keep), 0);
    }
    assert_int_equal(log_rig_try_append(r, "c", STR("x"), keep), REPLAY_E_FULL);
    uint64_t length;
    uint64_t bytes;
    replay_queue(r->log, &length, &bytes);
    assert_int_equal(length, 10);
    redis_server_start_again(f->server);
    log_rig_wait_stored(r);
    assert_int_equal(log_rig_try_append(r, "c", STR("x"), keep), 0);
    log_rig_wait_stored(r);
    assert_int_equal(log_rig_read(r, "c", 0)->length, 11);
}

static void
test_redis_log_queue_is_bounded_in_bytes_but_takes_one_larger_event(void **state)
{
    struct redis_rig *f = *state;
    const struct replay_keep keep = {.events = 0};
    static char large[6000];
    memset(large, 'x', sizeof large);
    f->config.queue_bytes = 5000;
    struct log_rig *r = redis_rig_open(f);
    assert_int_equal(log_rig_try_append(r, "c", (struct str){large, sizeof large}, keep), 0);
    assert_int_equal(log_rig_try_append(r, "c", STR("x"), keep), REPLAY_E_FULL);
    log_rig_wait_stored(r);
    assert_int_equal(log_rig_try_append(r, "c", STR("x"), keep), 0);
    log_rig_wait_stored(r);
    assert_int_equal(log_rig_read(r, "c", 0)->length, 2);
}

static void
test_redis_log_event_too_large_for_any_reply_is_refused(void **state)
{
    enum { TOO_LARGE = 32 * 1024 * 1024 + 1 };
    struct redis_rig *f = *state;
    const struct replay_keep keep = {.events = 0};
    struct log_rig *r = redis_rig_open(f);
    char *large = malloc(TOO_LARGE);
    assert_non_null(large);
    memset(large, 'x', TOO_LARGE);
    assert_int_equal(log_rig_try_append(r, "c", (struct str){large, TOO_LARGE}, keep), ERR_LIMIT);
    free(large);
    (void)log_rig_put(r, "c", "1");
    log_rig_expect_texts(log_rig_read(r, "c", 0), "1");
}

/* --- the network --- */

static void
open_through_relay(struct redis_rig *f)
{
    f->relay = relay_new(f->loop, f->config.redis.port);
    f->config.redis.port = relay_port(f->relay);
    (void)redis_rig_open(f);
}

static bool
has_swallowed(void *arg)
{
    const struct redis_rig *f = arg;
    return relay_swallowed_bytes(f->relay) >= f->wanted;
}

static void
test_redis_log_lost_reply_appends_nothing_twice(void **state)
{
    struct redis_rig *f = *state;
    open_through_relay(f);
    struct log_rig *r = &f->rig;
    (void)log_rig_put(r, "c", "1");
    log_rig_wait_stored(r);
    relay_swallow_replies(f->relay);
    log_rig_append(r, "c", "2");
    log_rig_append(r, "d", "3");
    f->wanted = 1;
    wait_until(f->loop, has_swallowed,
               f); /* the server has answered, so it has applied the batch */
    assert_int_equal(r->stored, 1);
    relay_cut(f->relay);
    log_rig_wait_stored(r);
    log_rig_append(r, "c", "4");
    log_rig_wait_stored(r);
    log_rig_expect_texts(log_rig_read(r, "c", 0), "1 2 4");
    log_rig_expect_texts(log_rig_read(r, "d", 0), "3");
    assert_true(metrics_read(r->metrics, METRIC_REPLAY_APPEND_RETRIES, 0) >= 2);
}

static void
test_redis_log_feed_that_was_away_begins_again_and_says_where(void **state)
{
    struct redis_rig *f = *state;
    open_through_relay(f);
    f->config.redis.port = redis_server_port(f->server);
    struct log_rig *other = redis_rig_open_other(f);
    event_id seen = log_rig_put(&f->rig, "c", "1")->id;
    relay_swallow_replies(f->relay);
    event_id missed = log_rig_put(other, "c", "2")->id;
    relay_cut(f->relay);
    log_rig_wait_starts(&f->rig, 2);
    assert_true(f->rig.position >= missed);
    const struct replay_page *page = log_rig_read(&f->rig, "c", seen);
    log_rig_expect_texts(page, "2");
    assert_false(log_rig_has_gap(page, seen));
    event_id next = log_rig_put(other, "c", "3")->id;
    log_rig_wait_frames(&f->rig, 2);
    assert_int_equal(f->rig.frames[1]->id, next);
}

static void
test_redis_log_half_open_connection_is_noticed(void **state)
{
    struct redis_rig *f = *state;
    f->config.redis.idle_timeout_ms = 300;
    f->config.redis.connect_timeout_ms = 1000;
    open_through_relay(f);
    struct log_rig *r = &f->rig;
    relay_swallow_replies(f->relay);
    log_rig_wait_down(r);
    log_rig_wait_up(r);
    (void)log_rig_put(r, "c", "1");
}

/* --- reading without a server --- */

static void
test_redis_log_read_without_a_server_fails(void **state)
{
    struct redis_rig *f = *state;
    const struct replay_page_request request = {
        .channel = STR("c"), .limit_events = 1, .limit_bytes = 1024};
    struct log_rig *r = redis_rig_open(f);
    (void)log_rig_read(r, "c", 0);
    redis_server_kill(f->server);
    log_rig_wait_down(r);
    int outcome;
    do { /* the reader's own connection has to notice it too */
        outcome = replay_reader_read(r->reader, &request, log_rig_on_page, r);
        if (outcome == 0) {
            log_rig_wait_pages(r, r->pages + 1);
            assert_int_not_equal(r->page_status, 0);
        }
    } while (outcome == 0);
    assert_int_equal(outcome, ERR_CONNECT);
    redis_server_start_again(f->server);
    log_rig_wait_up(r);
    (void)log_rig_put(r, "c", "1");
}

/* --- readers on their own loops --- */

enum { WORKER_PAGES = 300 };

struct worker {
    struct loop *loop;
    struct replay_reader *reader;
    size_t pages;
    bool is_wrong;
};

static void worker_on_page(void *arg, int status, struct replay_page *page);

static void
worker_read(struct worker *w)
{
    const struct replay_page_request request = {
        .channel = STR("c"), .limit_events = 7, .limit_bytes = 65536};
    w->is_wrong = w->is_wrong || replay_reader_read(w->reader, &request, worker_on_page, w) != 0;
}

static void
worker_on_page(void *arg, int status, struct replay_page *page)
{
    struct worker *w = arg;
    w->is_wrong = w->is_wrong || status != 0;
    replay_page_free(page);
    if (++w->pages == WORKER_PAGES || w->is_wrong) {
        loop_stop(w->loop);
        return;
    }
    worker_read(w);
}

static void *
worker_run(void *arg)
{
    struct worker *w = arg;
    worker_read(w);
    w->is_wrong = loop_run(w->loop) != 0 || w->is_wrong;
    return NULL;
}

static bool
has_counted(void *arg)
{
    const struct log_rig *r = arg;
    return metrics_read(r->metrics, METRIC_REPLAY_INVALID, 0) == WORKER_PAGES;
}

static void
test_redis_log_reader_works_on_a_thread_of_its_own(void **state)
{
    struct redis_rig *f = *state;
    /* How often the ingest loop takes over what readers count; a busy machine's PONG is no silence. */
    f->config.redis.idle_timeout_ms = 500;
    struct log_rig *r = redis_rig_open(f);
    struct worker w = {.loop = loop_new("worker")};
    pthread_t thread;
    unsigned long long ms = event_id_ms(r->position) - 1;
    redis_server_do(f->server, "XADD {runnel}:c:c %llu-1 x y", ms); /* every page leaves it out */
    w.reader = replay_reader_new(r->log, w.loop);
    assert_non_null(w.reader);
    assert_int_equal(pthread_create(&thread, NULL, worker_run, &w), 0);
    for (int i = 0; i < 100; i++) {
        (void)log_rig_put(r, "c", "x");
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    replay_reader_free(w.reader);
    loop_free(w.loop);
    assert_false(w.is_wrong);
    assert_int_equal(w.pages, WORKER_PAGES);
    wait_until(f->loop, has_counted, r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE_ON(server, name)                                                                      \
    cmocka_unit_test_setup_teardown(test_redis_log_##name, server, redis_rig_teardown)
#define CASE(name) CASE_ON(setup, name)
        CASE(two_processes_have_one_order),
        CASE(process_that_comes_later_begins_at_the_head),
        CASE_ON(setup_durable, killed_server_loses_nothing_that_was_stored),
        CASE_ON(setup_durable, killed_while_appending_applies_every_batch_once),
        CASE(server_that_forgot_everything_is_a_gap),
        CASE(flushed_under_its_feet_is_a_gap),
        CASE(flushed_while_batches_are_under_way_applies_each_once),
        CASE(restored_to_an_older_state_is_a_gap),
        CASE(clock_that_steps_back_keeps_ids_rising),
        CASE(forgotten_scripts_are_sent_again),
        CASE(without_memory_keeps_what_waits),
        CASE(on_a_replica_waits_for_a_master),
        CASE(on_a_replica_is_not_read),
        CASE(that_became_a_replica_is_left),
        CASE_ON(setup_no_xadd, without_permission_says_so_and_keeps_what_waits),
        CASE(full_queue_takes_nothing_more),
        CASE(queue_is_bounded_in_bytes_but_takes_one_larger_event),
        CASE(event_too_large_for_any_reply_is_refused),
        CASE(lost_reply_appends_nothing_twice),
        CASE(feed_that_was_away_begins_again_and_says_where),
        CASE(half_open_connection_is_noticed),
        CASE(read_without_a_server_fails),
        CASE(reader_works_on_a_thread_of_its_own),
#undef CASE
#undef CASE_ON
    };
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("replay.redis_log", tests, NULL, NULL);
}
