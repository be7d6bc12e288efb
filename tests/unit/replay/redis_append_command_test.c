#undef NDEBUG
#include "redis/script.h"
#include "replay/redis_append_command.h"
#include "replay/redis_keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TEXT_SIZE = 4096 };

struct fixture {
    struct batches batches;
    struct redis_script script;
    struct append_command command;
    char text[TEXT_SIZE];
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    batches_init(&f->batches);
    assert_int_equal(redis_script_init(&f->script, STR("return 1")), 0);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    batches_fini(&f->batches);
    free(f);
    return 0;
}

static void
push_mark(struct fixture *f, const char *name, const char *before, const char *position)
{
    const struct mark mark = {
        .name = str_from(name), .before = str_from(before), .position = str_from(position)};
    struct draft *d = draft_new_mark(&mark);
    assert_non_null(d);
    batches_push(&f->batches, d);
}

static void
push_event(struct fixture *f, const char *body, bool is_joined)
{
    const struct replay_draft from = {.channel = STR("ch"),
                                      .body = str_from(body),
                                      .keep = {.events = 5, .for_ms = 6},
                                      .received_ms = 7,
                                      .slow = 8};
    struct draft *d = draft_new(STR("s:"), &from);
    assert_non_null(d);
    d->is_joined = is_joined;
    batches_push(&f->batches, d);
}

/* The words behind the script's two, a blank between them. */
static const char *
build(struct fixture *f)
{
    static char head[] = "head";
    static char stream[] = "s:";
    static char appender[] = "appender";
    static char feed[] = "feed";
    const struct redis_keys keys = {
        .head = head, .stream = stream, .appender = appender, .feed = feed};
    append_command_build(&f->command, &(struct append_request){
                                          .script = &f->script,
                                          .keys = &keys,
                                          .batch = batches_cut(&f->batches),
                                          .seen = event_id_make(12, 3),
                                          .span_ms = 99,
                                          .confirmed = 0,
                                          .is_script_known = true,
                                      });
    f->text[0] = '\0';
    for (size_t i = 2; i < f->command.length; i++) {
        size_t size = strlen(f->text);
        (void)snprintf(f->text + size, TEXT_SIZE - size, "%s" STR_FMT, i > 2 ? " " : "",
                       STR_ARG(f->command.words[i]));
    }
    return f->text;
}

static void
test_append_command_of_events_has_no_marks(void **state)
{
    struct fixture *f = *state;
    push_event(f, "x", false);
    push_event(f, "y", false);
    assert_string_equal(build(f),
                        "4 head appender s:ch s:ch 12 3 feed 1 0 0 2 99 0 5 6 7 8 x 5 6 7 8 y");
}

static void
test_append_command_mark_has_its_events(void **state)
{
    struct fixture *f = *state;
    push_event(f, "x", false);
    push_mark(f, "m", "1", "2");
    push_event(f, "y", true);
    push_event(f, "z", true);
    assert_string_equal(build(f), "5 head appender s:ch s:ch s:ch 12 3 feed 1 0 0 2 99 1 m 1 2 2 2 "
                                  "5 6 7 8 x 5 6 7 8 y 5 6 7 8 z");
}

static void
test_append_command_marks_in_a_row_are_one(void **state)
{
    struct fixture *f = *state;
    push_mark(f, "m", "1", "2");
    push_event(f, "x", true);
    push_mark(f, "m", "2", "3");
    push_mark(f, "m", "3", "4");
    push_event(f, "y", true);
    assert_string_equal(
        build(f), "4 head appender s:ch s:ch 12 3 feed 1 0 0 2 99 1 m 1 4 1 2 5 6 7 8 x 5 6 7 8 y");
}

static void
test_append_command_marks_stay_apart_where_they_do_not_follow_each_other(void **state)
{
    struct fixture *f = *state;
    push_mark(f, "m", "1", "2");
    push_mark(f, "n", "2", "3"); /* another name */
    push_mark(f, "n", "4", "5"); /* begins elsewhere */
    push_event(f, "x", false);   /* goes with no mark */
    push_mark(f, "n", "5", "6");
    push_event(f, "y", true);
    assert_string_equal(build(f), "4 head appender s:ch s:ch 12 3 feed 1 0 0 2 99 4 m 1 2 1 0 "
                                  "n 2 3 1 0 n 4 5 1 0 n 5 6 2 1 5 6 7 8 x 5 6 7 8 y");
}

static void
test_append_command_holds_the_largest_batch(void **state)
{
    struct fixture *f = *state;
    push_mark(f, "m", "1", "2");
    for (int i = 0; i < REPLAY_MARKED_MAX; i++) {
        push_event(f, "x", true);
    }
    (void)build(f);
    assert_int_equal(f->command.length, 3 + 2 + 9 + 5 + 6 * REPLAY_MARKED_MAX);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(test_append_command_##name, setup, teardown)
        CASE(of_events_has_no_marks),  CASE(mark_has_its_events),
        CASE(marks_in_a_row_are_one),  CASE(marks_stay_apart_where_they_do_not_follow_each_other),
        CASE(holds_the_largest_batch),
#undef CASE
    };
    return cmocka_run_group_tests_name("replay.redis_append_command", tests, NULL, NULL);
}
