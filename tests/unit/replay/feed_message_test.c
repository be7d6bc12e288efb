#undef NDEBUG
#include "replay/feed_message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char two_events[] = "1 5-0 3-0 7-1\n"
                                 "6-0 5-0 2 4 -3 6\nc1\nb\n\n"
                                 "7-1 0-1 1 0 0 0\nx";

/* Reads all of it from memory of exactly its size; how many events, or the first failure. */
static int
read_all(const char *bytes, size_t size)
{
    char *copy = malloc(size + (size == 0));
    struct feed_message m;
    struct feed_event event;
    int events = 0;
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    int outcome = feed_message_open((struct str){copy, size}, &m);
    while (outcome == 0) {
        outcome = feed_message_next(&m, &event);
        events += outcome == 0;
    }
    free(copy);
    return outcome == FEED_MESSAGE_E_END ? events : outcome;
}

static int
read_text(const char *text)
{
    return read_all(text, strlen(text));
}

static void
test_feed_message_events_come_in_order(void **state)
{
    struct feed_message m;
    struct feed_event event;
    (void)state;
    assert_int_equal(feed_message_open(str_from(two_events), &m), 0);
    assert_int_equal(m.before, event_id_make(5, 0));
    assert_int_equal(m.birth, event_id_make(3, 0));
    assert_int_equal(m.after, event_id_make(7, 1));
    assert_int_equal(feed_message_next(&m, &event), 0);
    assert_int_equal(event.id, event_id_make(6, 0));
    assert_int_equal(event.floor, event_id_make(5, 0));
    assert_true(str_equal(event.channel, STR("c1")));
    assert_true(str_equal(event.body, STR("\nb\n\n")));
    assert_int_equal(event.traits.delay_ms, -3);
    assert_int_equal(event.traits.slow, 6);
    assert_int_equal(feed_message_next(&m, &event), 0);
    assert_int_equal(event.id, event_id_make(7, 1));
    assert_true(str_equal(event.channel, STR("x")));
    assert_int_equal(event.body.size, 0);
    assert_int_equal(feed_message_next(&m, &event), FEED_MESSAGE_E_END);
    assert_int_equal(feed_message_next(&m, &event), FEED_MESSAGE_E_END);
}

static void
test_feed_message_without_events_is_one(void **state)
{
    (void)state;
    assert_int_equal(read_text("1 5-0 3-0 5-0\n"), 0);
    assert_int_equal(read_text("1 5-0 7-0 7-0\n"), 0);
}

static void
test_feed_message_cut_anywhere_is_malformed_or_shorter(void **state)
{
    (void)state;
    size_t head = strlen("1 5-0 3-0 7-1\n");
    size_t first = strlen("1 5-0 3-0 7-1\n6-0 5-0 2 4 -3 6\nc1\nb\n\n");
    for (size_t size = 0; size < sizeof two_events - 1; size++) {
        int expected = size == head ? 0 : size == first ? 1 : ERR_SYNTAX;
        assert_int_equal(read_all(two_events, size), expected);
    }
    assert_int_equal(read_all(two_events, sizeof two_events - 1), 2);
}

static void
test_feed_message_bytes_behind_the_end_are_malformed(void **state)
{
    char longer[sizeof two_events];
    (void)state;
    memcpy(longer, two_events, sizeof two_events);
    longer[sizeof two_events - 1] = 'x';
    assert_int_equal(read_all(longer, sizeof longer), ERR_SYNTAX);
}

static void
test_feed_message_malformed_head_is_refused(void **state)
{
    static const char *const heads[] = {"",
                                        "\n",
                                        "1\n",
                                        "2 5-0 3-0 7-1\n",
                                        "1 5-0 3-0\n",
                                        "1 5-0 3-0 7-1 8-0\n",
                                        "1  5-0 3-0 7-1\n",
                                        "1 5 3-0 7-1\n",
                                        "1 5-0 3-0 7-x\n",
                                        "1 8-0 3-0 7-1\n" /* before behind after */,
                                        "1 5-0 8-0 7-1\n" /* birth behind after */,
                                        "1 5-0 3-0 7-1 \n",
                                        " 1 5-0 3-0 7-1\n",
                                        "1 5-0 3-0 7-1\r\n",
                                        "1 5-0 3-0 7-1048576\n"};
    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        assert_int_equal(read_text(heads[i]), ERR_SYNTAX);
    }
}

static void
test_feed_message_malformed_event_is_refused(void **state)
{
    static const char *const events[] = {
        "5-0 3-0 1 0 0 0\nx" /* not behind `before` */,
        "7-2 3-0 1 0 0 0\nx" /* behind `after` */,
        "6-0 6-0 1 0 0 0\nx" /* floor not before it */,
        "6-0 7-0 1 0 0 0\nx",
        "6-0 3-0 1 1 0 0\nx",
        "6-0 3-0 2 0 0 0\nx",
        "6-0 3-0 99999999999999999999 0 0 0\nx",
        "6-0 3-0 18446744073709551615 2 0 0\nx",
        "6-0 3-0 -1 0 0 0\nx",
        "6-0 3-0 1 0\nx",
        "6-0 3-0 1 0 0\nx",
        "6-0 3-0 1 0 0\nx",
        "6-0 3-0 1 0 0 0",
        "\n",
        "6-0 3-0 1 0 0 0\nx6-0 3-0 1 0 0 0\nx" /* the same id again */};
    char message[256];
    (void)state;
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        memcpy(message, two_events, 14);
        memcpy(message + 14, events[i], strlen(events[i]) + 1);
        assert_int_equal(read_text(message), ERR_SYNTAX);
    }
}

static void
test_feed_message_endless_line_is_not_searched_to_the_end(void **state)
{
    enum { SIZE = 4096 };
    char line[SIZE];
    (void)state;
    memset(line, '1', SIZE);
    line[SIZE - 1] = '\n';
    assert_int_equal(read_all(line, SIZE), ERR_SYNTAX);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_feed_message_events_come_in_order),
        cmocka_unit_test(test_feed_message_without_events_is_one),
        cmocka_unit_test(test_feed_message_cut_anywhere_is_malformed_or_shorter),
        cmocka_unit_test(test_feed_message_bytes_behind_the_end_are_malformed),
        cmocka_unit_test(test_feed_message_malformed_head_is_refused),
        cmocka_unit_test(test_feed_message_malformed_event_is_refused),
        cmocka_unit_test(test_feed_message_endless_line_is_not_searched_to_the_end),
    };
    return cmocka_run_group_tests_name("replay.feed_message", tests, NULL, NULL);
}
