#undef NDEBUG
#include "conformance_marks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

void
test_log_mark_that_nobody_moved_is_empty(void **state)
{
    assert_string_equal(log_rig_read_mark(conformance_rig(state), "m"), "m= ");
}

void
test_log_mark_moves_with_its_events(void **state)
{
    struct log_rig *r = conformance_rig(state);
    log_rig_append_marked(r, "a", "1", MARK("m", "", "one"));
    log_rig_append_marked(r, "a", "2", MARK("m", "one", "two"));
    log_rig_wait_stored(r);
    assert_int_equal(r->stored, 4); /* a mark takes a ticket too */
    assert_string_equal(log_rig_read_mark(r, "m"), "m=two ");
    log_rig_wait_frames(r, 2);
    log_rig_expect_texts(log_rig_read(r, "a", 0), "1 2");
}

void
test_log_mark_moves_without_events(void **state)
{
    struct log_rig *r = conformance_rig(state);
    event_id before = log_rig_put(r, "a", "1")->id;
    log_rig_append_marked(r, "a", NULL, MARK("m", "", "one"));
    log_rig_append_marked(r, "a", NULL, MARK("m", "one", "two"));
    log_rig_wait_stored(r);
    assert_string_equal(log_rig_read_mark(r, "m"), "m=two ");
    assert_true(log_rig_put(r, "a", "2")->id > before);
    log_rig_expect_texts(log_rig_read(r, "a", 0), "1 2");
    assert_int_equal(r->starts, 1);
}

void
test_log_mark_that_stands_elsewhere_refuses_its_events_and_says_so(void **state)
{
    struct log_rig *r = conformance_rig(state);
    log_rig_append_marked(r, "a", "1", MARK("m", "", "one"));
    log_rig_wait_stored(r);
    log_rig_append(r, "a", "2");
    log_rig_append_marked(r, "a", "not this", MARK("m", "other", "two"));
    log_rig_append_marked(r, "a", "nor this", MARK("m", "two", "three"));
    log_rig_append(r, "a", "3");
    log_rig_wait_stored(r);
    log_rig_append_marked(r, "a", "4", MARK("m", "one", "four"));
    log_rig_wait_frames(r, 4);
    log_rig_expect_texts(log_rig_read(r, "a", 0), "1 2 3 4");
    const char *told = log_rig_read_mark(r, "m");
    assert_true(str_starts_with(str_from(told), STR("m:other!=one ")));
    assert_non_null(strstr(told, "m=four "));
    assert_int_equal(r->starts, 1);
}

void
test_log_mark_refused_says_so_before_its_ticket_is_done(void **state)
{
    struct log_rig *r = conformance_rig(state);
    log_rig_append_marked(r, "a", "1", MARK("m", "other", "two"));
    log_rig_wait_stored(r);
    assert_string_equal(r->marks, "m:other!= ");
}

void
test_log_marks_of_several_names_know_nothing_of_each_other(void **state)
{
    struct log_rig *r = conformance_rig(state);
    log_rig_append_marked(r, "a", "1", MARK("m", "", "one"));
    log_rig_append_marked(r, "a", "2", MARK("n", "", "1"));
    log_rig_append_marked(r, "a", "not this", MARK("m", "", "two"));
    log_rig_append_marked(r, "a", "3", MARK("n", "1", "2"));
    log_rig_append_marked(r, "a", "4", MARK("m", "one", "two"));
    log_rig_wait_stored(r);
    assert_string_equal(log_rig_read_mark(r, "m"), "m:!=one m=two ");
    assert_string_equal(log_rig_read_mark(r, "n"), "n=2 ");
    log_rig_wait_frames(r, 4);
    log_rig_expect_texts(log_rig_read(r, "a", 0), "1 2 3 4");
}

void
test_log_mark_with_the_most_events_and_not_one_more(void **state)
{
    static struct replay_draft drafts[REPLAY_MARKED_MAX + 1];
    struct log_rig *r = conformance_rig(state);
    for (size_t i = 0; i < REPLAY_MARKED_MAX + 1; i++) {
        drafts[i] = (struct replay_draft){.channel = STR("a"), .body = STR("data: x\n\n")};
    }
    assert_int_equal(replay_append_marked(r->log, drafts, REPLAY_MARKED_MAX + 1,
                                          MARK("m", "", "one"), &r->ticket),
                     ERR_LIMIT);
    assert_int_equal(
        replay_append_marked(r->log, drafts, REPLAY_MARKED_MAX, MARK("m", "", "one"), &r->ticket),
        0);
    log_rig_wait_stored(r);
    log_rig_wait_frames(r, REPLAY_MARKED_MAX);
    assert_string_equal(log_rig_read_mark(r, "m"), "m=one ");
}
