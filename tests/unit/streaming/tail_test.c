#undef NDEBUG
/* The tail: what is in memory, what is missing, what is a gap. */

#include "replay/replay.h"
#include "streaming/tail.h"
#include "streaming/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct event_traits no_traits;

enum { POOL_BYTES = 1 << 20 };

static size_t evictions;

static void
count_eviction(struct tail *t)
{
    (void)t;
    evictions++;
}

static struct frame *
make_frame(event_id id, event_id floor)
{
    struct frame *f = frame_new(STR("c"), id, floor, STR("data: x\n\n"), no_traits);
    assert_non_null(f);
    return f;
}

/* `position` as the hub has it: the id before this one. */
static void
append(struct tail *t, event_id id, event_id floor, event_id position)
{
    struct frame *f = make_frame(id, floor);
    tail_append(t, f, position);
    frame_unref(f);
}

static struct replay_page *
make_page(
    event_id after, event_id upto, bool is_end, event_id floor, const event_id *ids, size_t length)
{
    struct replay_page *page = calloc(1, sizeof *page);
    assert_non_null(page);
    *page = (struct replay_page){.after = after, .upto = upto, .is_end = is_end, .floor = floor};
    page->frames = calloc(length + 1, sizeof(struct frame *));
    assert_non_null(page->frames);
    for (size_t i = 0; i < length; i++) {
        page->frames[page->length++] = make_frame(ids[i], i == 0 ? floor : ids[i - 1]);
    }
    return page;
}

struct fixture {
    struct tail_pool pool;
    struct tail tail;
};

static void
begin(struct fixture *f, event_id position, uint64_t bytes)
{
    evictions = 0;
    tail_pool_init(&f->pool, bytes, count_eviction);
    tail_init(&f->tail, &f->pool, position);
}

static void
end(struct fixture *f)
{
    tail_fini(&f->tail);
    assert_int_equal(f->pool.bytes, 0);
}

static void
check_run(struct tail *t, event_id cursor, event_id first, size_t length)
{
    struct tail_run run;
    event_id after = 0;
    event_id floor = 0;
    assert_int_equal(tail_next(t, cursor, &run, &after, &floor), TAIL_RUN);
    assert_int_equal(run.entries[0].id, first);
    assert_int_equal(run.length, length);
    assert_int_equal(floor, 0);
}

static void
check_outcome(
    struct tail *t, event_id cursor, enum tail_outcome outcome, event_id after, event_id floor)
{
    struct tail_run run;
    event_id found_after = 0;
    event_id found_floor = 0;
    assert_int_equal(tail_next(t, cursor, &run, &found_after, &found_floor), outcome);
    assert_int_equal(found_after, after);
    assert_int_equal(found_floor, floor);
}

static void
test_tail_live_frames_are_runs_after_any_cursor(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 100, POOL_BYTES);
    check_outcome(&f.tail, 100, TAIL_HEAD, 100, 0);
    check_outcome(&f.tail, 99, TAIL_MISS, 99, 0);
    append(&f.tail, 101, 50, 100);
    append(&f.tail, 105, 101, 104);
    append(&f.tail, 109, 105, 108);
    check_run(&f.tail, 100, 101, 3);
    check_run(&f.tail, 101, 105, 2);
    check_run(&f.tail, 104, 105, 2);
    check_run(&f.tail, 105, 109, 1);
    check_outcome(&f.tail, 109, TAIL_HEAD, 109, 0);
    check_outcome(&f.tail, 99, TAIL_MISS, 99, 0);
    end(&f);
}

static void
test_tail_run_is_the_chunks_one_after_another(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 1, POOL_BYTES);
    append(&f.tail, 2, 1, 1);
    append(&f.tail, 3, 2, 2);
    struct tail_run run;
    event_id after = 0;
    event_id floor = 0;
    assert_int_equal(tail_next(&f.tail, 2, &run, &after, &floor), TAIL_RUN);
    struct str chunk = {run.bytes, tail_run_size(&run, 1)};
    assert_true(str_equal(wire_chunk_payload(chunk), STR("id: 0-3\ndata: x\n\n")));
    end(&f);
}

static void
test_tail_a_floor_newer_than_the_feed_is_a_miss(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 100, POOL_BYTES);
    append(&f.tail, 101, 90, 100);
    append(&f.tail, 120, 110, 101); /* 110 never came by */
    check_run(&f.tail, 100, 101, 1);
    check_outcome(&f.tail, 101, TAIL_MISS, 101, 0);
    check_run(&f.tail, 110, 120, 1);
    end(&f);
}

static void
test_tail_restart_makes_everybody_behind_miss(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 100, POOL_BYTES);
    append(&f.tail, 101, 90, 100);
    tail_restart(&f.tail, 200);
    check_run(&f.tail, 100, 101, 1);
    check_outcome(&f.tail, 101, TAIL_MISS, 101, 0);
    check_outcome(&f.tail, 200, TAIL_HEAD, 200, 0);
    append(&f.tail, 201, 101, 200);
    check_run(&f.tail, 200, 201, 1);
    end(&f);
}

static void
test_tail_a_loss_is_a_gap_behind_what_is_older(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 100, POOL_BYTES);
    append(&f.tail, 101, 90, 100);
    tail_lose(&f.tail, 105);
    check_run(&f.tail, 100, 101, 1);
    check_outcome(&f.tail, 101, TAIL_HEAD, 105, 105);
    check_outcome(&f.tail, 105, TAIL_HEAD, 105, 0);
    uint64_t bytes = f.pool.bytes;
    tail_lose(&f.tail, 106);
    tail_lose(&f.tail, 107);
    assert_int_equal(f.pool.bytes, bytes); /* however many there are */
    check_outcome(&f.tail, 101, TAIL_HEAD, 107, 107);
    check_outcome(&f.tail, 105, TAIL_HEAD, 107, 107);
    append(&f.tail, 110, 107, 109);
    struct tail_run run;
    event_id after = 0;
    event_id floor = 0;
    assert_int_equal(tail_next(&f.tail, 101, &run, &after, &floor), TAIL_RUN);
    assert_int_equal(floor, 107);
    assert_int_equal(run.entries[0].id, 110);
    check_run(&f.tail, 107, 110, 1);
    end(&f);
}

static void
test_tail_a_page_joins_the_live_span(void **state)
{
    (void)state;
    static const event_id ids[] = {20, 30, 90};
    struct fixture f;
    begin(&f, 100, POOL_BYTES);
    append(&f.tail, 101, 90, 100);
    struct replay_page *page = make_page(10, 90, false, 5, ids, 3);
    assert_int_equal(tail_add_page(&f.tail, page, 101), 0);
    replay_page_free(page);
    check_run(&f.tail, 10, 20, 3);
    check_run(&f.tail, 30, 90, 1);
    check_outcome(&f.tail, 90, TAIL_MISS, 90, 0);
    page = make_page(90, 101, true, 90, (event_id[]){101}, 1);
    assert_int_equal(tail_add_page(&f.tail, page, 101), 0);
    replay_page_free(page);
    check_run(&f.tail, 90, 101, 1);
    end(&f);
}

static void
test_tail_what_is_newer_than_the_feed_is_left_to_the_feed(void **state)
{
    (void)state;
    static const event_id ids[] = {20, 150};
    struct fixture f;
    begin(&f, 100, POOL_BYTES);
    struct replay_page *page = make_page(10, 160, true, 5, ids, 2);
    assert_int_equal(tail_add_page(&f.tail, page, 100), 0);
    replay_page_free(page);
    check_run(&f.tail, 10, 20, 1);
    check_outcome(&f.tail, 20, TAIL_HEAD, 100, 0);
    append(&f.tail, 150, 20, 149);
    check_run(&f.tail, 100, 150, 1);
    end(&f);
}

static void
test_tail_a_cursor_before_the_floor_has_a_gap_at_the_floor_has_none(void **state)
{
    (void)state;
    static const event_id ids[] = {50};
    struct fixture f;
    begin(&f, 100, POOL_BYTES);
    struct replay_page *page = make_page(10, 100, true, 40, ids, 1);
    assert_int_equal(tail_add_page(&f.tail, page, 100), 0);
    replay_page_free(page);
    struct tail_run run;
    event_id after = 0;
    event_id floor = 0;
    assert_int_equal(tail_next(&f.tail, 39, &run, &after, &floor), TAIL_RUN);
    assert_int_equal(floor, 40);
    check_run(&f.tail, 40, 50, 1);
    check_run(&f.tail, 41, 50, 1);
    end(&f);
}

static void
test_tail_an_empty_page_leads_to_the_head_with_its_gap(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 100, POOL_BYTES);
    struct replay_page *page = make_page(10, 100, true, 60, NULL, 0);
    assert_int_equal(tail_add_page(&f.tail, page, 100), 0);
    replay_page_free(page);
    check_outcome(&f.tail, 10, TAIL_HEAD, 100, 60);
    check_outcome(&f.tail, 60, TAIL_HEAD, 100, 0);
    end(&f);
}

/* The log lost everything up to 120, the feed stands at 100: one gap up to there, another one for the rest. */
static void
test_tail_a_gap_reaches_no_further_than_what_is_told(void **state)
{
    (void)state;
    static const event_id ids[] = {150};
    struct fixture f;
    begin(&f, 100, POOL_BYTES);
    struct replay_page *page = make_page(10, 160, true, 120, ids, 1);
    assert_int_equal(tail_add_page(&f.tail, page, 100), 0);
    check_outcome(&f.tail, 10, TAIL_HEAD, 100, 100);
    replay_page_free(page);
    tail_restart(&f.tail, 160);
    check_outcome(&f.tail, 100, TAIL_MISS, 100, 0);
    page = make_page(100, 160, true, 120, ids, 1);
    assert_int_equal(tail_add_page(&f.tail, page, 160), 0);
    replay_page_free(page);
    struct tail_run run;
    event_id after = 0;
    event_id floor = 0;
    assert_int_equal(tail_next(&f.tail, 100, &run, &after, &floor), TAIL_RUN);
    assert_int_equal(floor, 120);
    end(&f);
}

static void
test_tail_pool_evicts_the_least_recently_used(void **state)
{
    (void)state;
    struct fixture f;
    struct tail other;
    begin(&f, 100, 600);
    tail_init(&other, &f.pool, 100);
    append(&other, 101, 1, 100);
    for (event_id id = 102; id < 120; id++) {
        append(&f.tail, id, id - 1, id - 1);
    }
    assert_true(evictions > 0);
    assert_true(tail_is_empty(&other));
    assert_true(f.pool.bytes <= 600 || f.pool.lru.next == f.pool.lru.prev);
    tail_restart(&other, 101);
    check_outcome(&other, 100, TAIL_MISS, 100, 0);
    check_outcome(&other, 101, TAIL_HEAD, 101, 0);
    append(&other, 120, 101, 119);
    check_run(&other, 101, 120, 1); /* nothing lies between: the feed has been followed */
    tail_fini(&other);
    end(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tail_live_frames_are_runs_after_any_cursor),
        cmocka_unit_test(test_tail_run_is_the_chunks_one_after_another),
        cmocka_unit_test(test_tail_a_floor_newer_than_the_feed_is_a_miss),
        cmocka_unit_test(test_tail_restart_makes_everybody_behind_miss),
        cmocka_unit_test(test_tail_a_loss_is_a_gap_behind_what_is_older),
        cmocka_unit_test(test_tail_a_page_joins_the_live_span),
        cmocka_unit_test(test_tail_what_is_newer_than_the_feed_is_left_to_the_feed),
        cmocka_unit_test(test_tail_a_cursor_before_the_floor_has_a_gap_at_the_floor_has_none),
        cmocka_unit_test(test_tail_an_empty_page_leads_to_the_head_with_its_gap),
        cmocka_unit_test(test_tail_a_gap_reaches_no_further_than_what_is_told),
        cmocka_unit_test(test_tail_pool_evicts_the_least_recently_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
