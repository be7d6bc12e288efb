#undef NDEBUG
#include "replay/redis_batches.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int
setup(void **state)
{
    struct batches *b = malloc(sizeof *b);
    batches_init(b);
    *state = b;
    return 0;
}

static int
teardown(void **state)
{
    batches_fini(*state);
    free(*state);
    return 0;
}

static void
push(struct batches *b, size_t body_size)
{
    char *body = calloc(1, body_size + 1);
    const struct replay_draft from = {.channel = STR("c"), .body = {body, body_size}};
    struct draft *d = draft_new(STR("prefix:"), &from);
    assert_non_null(d);
    batches_push(b, d);
    free(body);
}

static void
push_many(struct batches *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        push(b, 1);
    }
}

static void
test_batches_draft_holds_its_key_and_body(void **state)
{
    const struct replay_draft from = {
        .channel = STR("a b"), .body = STR("data: x\n\n"), .keep = {.events = 3, .for_ms = 4}};
    struct draft *d = draft_new(STR("{p}:c:"), &from);
    (void)state;
    assert_true(str_equal(draft_key(d), STR("{p}:c:a b")));
    assert_true(str_equal(draft_body(d), STR("data: x\n\n")));
    assert_int_equal(d->keep.events, 3);
    assert_int_equal(d->keep.for_ms, 4);
    free(d);
}

static void
test_batches_draft_of_a_mark_holds_its_texts(void **state)
{
    const struct mark from = {.name = STR("n"), .before = STR("here"), .position = STR("there")};
    struct draft *d = draft_new_mark(&from);
    (void)state;
    struct mark mark = draft_mark(d);
    assert_true(d->is_mark);
    assert_true(str_equal(mark.name, STR("n")));
    assert_true(str_equal(mark.before, STR("here")));
    assert_true(str_equal(mark.position, STR("there")));
    free(d);
}

static void
push_marked(struct batches *b, size_t events)
{
    const struct mark mark = {.name = STR("n"), .position = STR("p")};
    const struct replay_draft event = {.channel = STR("c"), .body = STR("b")};
    batches_push(b, draft_new_mark(&mark));
    for (size_t i = 0; i < events; i++) {
        struct draft *d = draft_new(STR("prefix:"), &event);
        assert_non_null(d);
        d->is_joined = true;
        batches_push(b, d);
    }
}

static void
test_batches_mark_and_its_events_are_not_parted(void **state)
{
    struct batches *b = *state;
    push_many(b, BATCH_EVENTS_MAX - 1);
    push_marked(b, 2);
    push_marked(b, 3 * BATCH_EVENTS_MAX);
    push_marked(b, 1);
    struct batch *first = batches_cut(b);
    assert_int_equal(first->events, BATCH_EVENTS_MAX - 1);
    assert_int_equal(first->length, BATCH_EVENTS_MAX - 1);
    struct batch *second = batches_cut(b);
    assert_int_equal(second->events, 2);
    assert_int_equal(second->length, 3);
    struct batch *third = batches_cut(b);
    assert_int_equal(third->events, 3 * BATCH_EVENTS_MAX);
    assert_int_equal(batches_cut(b)->events, 1);
    assert_null(batches_cut(b));
}

static void
test_batches_cut_takes_up_to_the_limit_of_marks(void **state)
{
    struct batches *b = *state;
    for (int i = 0; i < BATCH_DRAFTS_MAX + 1; i++) {
        push_marked(b, 0);
    }
    assert_int_equal(batches_cut(b)->length, BATCH_DRAFTS_MAX);
    struct batch *second = batches_cut(b);
    assert_int_equal(second->length, 1);
    assert_int_equal(second->events, 0);
}

static void
test_batches_loss_is_cut_with_the_mark_behind_it(void **state)
{
    struct batches *b = *state;
    b->is_loss_noted = true;
    push_marked(b, 0);
    push_marked(b, BATCH_EVENTS_MAX);
    push_many(b, BATCH_EVENTS_MAX);
    b->is_loss_noted = true;
    push_marked(b, 0);
    push_marked(b, BATCH_EVENTS_MAX);
    assert_int_equal(batches_cut(b)->loss, 1);
    struct batch *second = batches_cut(b);
    assert_int_equal(second->length, BATCH_EVENTS_MAX + 1);
    assert_int_equal(second->loss, BATCH_EVENTS_MAX + 1); /* no event of the batch follows */
    assert_int_equal(batches_cut(b)->loss, 0);
    assert_null(batches_cut(b));
}

static void
test_batches_loss_that_nothing_follows_is_behind_the_last_event(void **state)
{
    struct batches *b = *state;
    push_many(b, BATCH_EVENTS_MAX + 2);
    b->is_loss_noted = true;
    assert_int_equal(batches_cut(b)->loss, 0);
    assert_int_equal(batches_cut(b)->loss, 3);
    assert_null(batches_cut(b));
}

static void
test_batches_loss_alone_is_an_empty_batch(void **state)
{
    struct batches *b = *state;
    push_many(b, 1);
    (void)batches_cut(b);
    b->is_loss_noted = true;
    struct batch *batch = batches_cut(b);
    assert_int_equal(batch->length, 0);
    assert_int_equal(batch->loss, 1);
    assert_int_equal(batch->ticket, 1);
    assert_null(batches_cut(b));
    batches_drop_oldest(b);
    batches_drop_oldest(b);
    assert_int_equal(b->drafts, 0);
}

static void
test_batches_nothing_waiting_cuts_nothing(void **state)
{
    assert_null(batches_cut(*state));
}

static void
test_batches_cut_takes_up_to_the_limit_of_events(void **state)
{
    struct batches *b = *state;
    push_many(b, BATCH_EVENTS_MAX + 1);
    struct batch *first = batches_cut(b);
    assert_int_equal(first->length, BATCH_EVENTS_MAX);
    assert_int_equal(first->number, 1);
    assert_int_equal(first->ticket, BATCH_EVENTS_MAX);
    struct batch *second = batches_cut(b);
    assert_int_equal(second->length, 1);
    assert_int_equal(second->number, 2);
    assert_int_equal(second->ticket, BATCH_EVENTS_MAX + 1);
    assert_null(batches_cut(b));
}

static void
test_batches_cut_takes_up_to_the_limit_of_bytes_but_one_always(void **state)
{
    struct batches *b = *state;
    push(b, 1);
    push(b, BATCH_BYTES_MAX);
    push(b, 1);
    push(b, BATCH_BYTES_MAX / 2);
    push(b, BATCH_BYTES_MAX / 2);
    assert_int_equal(batches_cut(b)->length, 1);
    assert_int_equal(batches_cut(b)->length, 1);
    assert_int_equal(batches_cut(b)->length, 2);
    assert_int_equal(batches_cut(b)->length, 1);
}

static void
test_batches_full_ring_cuts_nothing_until_the_oldest_is_done(void **state)
{
    struct batches *b = *state;
    push_many(b, (size_t)BATCH_EVENTS_MAX * (BATCHES_MAX + 1));
    for (size_t i = 0; i < BATCHES_MAX; i++) {
        assert_non_null(batches_cut(b));
    }
    assert_null(batches_cut(b));
    assert_int_equal(batches_at(b, 0)->number, 1);
    batches_drop_oldest(b);
    assert_int_equal(batches_at(b, 0)->number, 2);
    struct batch *last = batches_cut(b);
    assert_int_equal(last->number, BATCHES_MAX + 1);
    assert_ptr_equal(batches_at(b, BATCHES_MAX - 1), last);
}

static void
test_batches_count_what_waits_and_what_is_under_way(void **state)
{
    struct batches *b = *state;
    push_many(b, 3);
    uint64_t bytes = b->bytes;
    assert_int_equal(b->drafts, 3);
    assert_true(bytes > 0);
    (void)batches_cut(b);
    assert_int_equal(b->drafts, 3);
    assert_int_equal(b->bytes, bytes);
    batches_drop_oldest(b);
    assert_int_equal(b->drafts, 0);
    assert_int_equal(b->bytes, 0);
}

static void
test_batches_loss_is_noted_at_the_last_draft_behind_one(void **state)
{
    struct batches *b = *state;
    push_many(b, 2);
    assert_int_equal(batches_cut(b)->loss, 0);
    b->is_loss_noted = true;
    push_many(b, 2);
    b->is_loss_noted = true;
    push_many(b, 2);
    assert_int_equal(batches_cut(b)->loss, 3);
    push_many(b, 1);
    assert_int_equal(batches_cut(b)->loss, 0);
}

static void
test_batches_event_ticket_leaves_out_marks(void **state)
{
    struct batches *b = *state;
    push_many(b, 1);
    push_marked(b, 2);
    struct batch *batch = batches_cut(b);
    assert_int_equal(batch_event_ticket(batch, 1), 1);
    assert_int_equal(batch_event_ticket(batch, 2), 3);
    assert_int_equal(batch_event_ticket(batch, 3), 4);
    assert_int_equal(batch_event_ticket(batch, 4), 0);
    assert_int_equal(batch_event_ticket(batch, 0), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(test_batches_##name, setup, teardown)
        CASE(draft_holds_its_key_and_body),
        CASE(draft_of_a_mark_holds_its_texts),
        CASE(mark_and_its_events_are_not_parted),
        CASE(cut_takes_up_to_the_limit_of_marks),
        CASE(loss_is_cut_with_the_mark_behind_it),
        CASE(loss_that_nothing_follows_is_behind_the_last_event),
        CASE(loss_alone_is_an_empty_batch),
        CASE(nothing_waiting_cuts_nothing),
        CASE(cut_takes_up_to_the_limit_of_events),
        CASE(cut_takes_up_to_the_limit_of_bytes_but_one_always),
        CASE(full_ring_cuts_nothing_until_the_oldest_is_done),
        CASE(count_what_waits_and_what_is_under_way),
        CASE(loss_is_noted_at_the_last_draft_behind_one),
        CASE(event_ticket_leaves_out_marks),
#undef CASE
    };
    return cmocka_run_group_tests_name("replay.redis_batches", tests, NULL, NULL);
}
