#undef NDEBUG
#include "sse/event_id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define MS_MAX  ((UINT64_C(1) << 44) - 1)
#define SEQ_MAX ((UINT64_C(1) << 20) - 1)

static void
assert_text(event_id id, const char *text)
{
    char formatted[EVENT_ID_TEXT_SIZE_MAX];
    size_t size = event_id_format(id, formatted);
    assert_true(str_equal((struct str){formatted, size}, str_from(text)));
}

static void
test_event_id_format_writes_ms_and_seq(void **state)
{
    (void)state;
    assert_text(0, "0-0");
    assert_text(event_id_make(1, 0), "1-0");
    assert_text(event_id_make(0, 1), "0-1");
    assert_text(event_id_make(1764950400000, 42), "1764950400000-42");
    assert_text(EVENT_ID_MAX, "17592186044415-1048575");
}

static void
test_event_id_parse_of_what_format_writes_gives_the_id(void **state)
{
    (void)state;
    const event_id ids[] = {0,
                            1,
                            9,
                            10,
                            SEQ_MAX,
                            SEQ_MAX + 1,
                            event_id_make(1764950400000, 99),
                            EVENT_ID_MAX - 1,
                            EVENT_ID_MAX};
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        char text[EVENT_ID_TEXT_SIZE_MAX];
        event_id parsed = ~ids[i];
        struct str slice = {text, event_id_format(ids[i], text)};
        assert_int_equal(event_id_parse(slice, &parsed), 0);
        assert_true(parsed == ids[i]);
    }
}

static void
test_event_id_parse_at_the_limits_takes_what_fits_and_no_more(void **state)
{
    (void)state;
    event_id id;
    assert_int_equal(event_id_parse(STR("17592186044414-1048574"), &id), 0);
    assert_int_equal(event_id_parse(STR("17592186044415-1048575"), &id), 0);
    assert_int_equal(event_id_parse(STR("17592186044416-0"), &id), ERR_SYNTAX);
    assert_int_equal(event_id_parse(STR("0-1048576"), &id), ERR_SYNTAX);
}

static void
test_event_id_parse_of_other_text_fails_and_leaves_the_id(void **state)
{
    (void)state;
    const struct str texts[] = {
        STR_NULL,
        STR(""),
        STR("-"),
        STR("1"),
        STR("1-"),
        STR("-1"),
        STR("--1"),
        STR("1--1"),
        STR("1-1-1"),
        STR(" 1-1"),
        STR("1-1 "),
        STR("1 -1"),
        STR("+1-1"),
        STR("1-+1"),
        STR("0x1-1"),
        STR("1-1\n"),
        STR("1-1\0"),
        STR("\0001-1"),
        STR("1.0-1"),
        STR("*"),
        STR("1-*"),
        STR("$"),
        STR("a-b"),
        STR("1,1"),
        STR("1–1"),
        STR("99999999999999999999999999999999999-1"),
        STR("1-99999999999999999999999999999999"),
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        event_id id = 77;
        assert_int_equal(event_id_parse(texts[i], &id), ERR_SYNTAX);
        assert_true(id == 77);
    }
}

static void
test_event_id_next_when_the_clock_went_on_takes_the_new_ms(void **state)
{
    (void)state;
    assert_true(event_id_next(event_id_make(5, 3), 6) == event_id_make(6, 0));
    assert_true(event_id_next(0, 1764950400000) == event_id_make(1764950400000, 0));
}

static void
test_event_id_next_when_the_clock_stands_or_steps_back_takes_the_next_seq(void **state)
{
    (void)state;
    assert_true(event_id_next(event_id_make(5, 3), 5) == event_id_make(5, 4));
    assert_true(event_id_next(event_id_make(5, 3), 1) == event_id_make(5, 4));
    assert_true(event_id_next(0, 0) == 1);
}

static void
test_event_id_next_in_a_full_ms_takes_the_next_ms(void **state)
{
    (void)state;
    assert_true(event_id_next(event_id_make(5, SEQ_MAX - 1), 5) == event_id_make(5, SEQ_MAX));
    assert_true(event_id_next(event_id_make(5, SEQ_MAX), 5) == event_id_make(6, 0));
    assert_true(event_id_next(event_id_make(5, SEQ_MAX), 6) == event_id_make(6, 0));
}

static void
test_event_id_next_with_a_clock_out_of_range_still_rises(void **state)
{
    (void)state;
    event_id last = event_id_make(5, 3);
    assert_true(event_id_next(last, MS_MAX) == event_id_make(MS_MAX, 0));
    assert_true(event_id_next(last, MS_MAX + 1) == event_id_make(MS_MAX, 0));
    assert_true(event_id_next(event_id_make(MS_MAX, 0), UINT64_MAX) > event_id_make(MS_MAX, 0));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_event_id_format_writes_ms_and_seq),
        cmocka_unit_test(test_event_id_parse_of_what_format_writes_gives_the_id),
        cmocka_unit_test(test_event_id_parse_at_the_limits_takes_what_fits_and_no_more),
        cmocka_unit_test(test_event_id_parse_of_other_text_fails_and_leaves_the_id),
        cmocka_unit_test(test_event_id_next_when_the_clock_went_on_takes_the_new_ms),
        cmocka_unit_test(test_event_id_next_when_the_clock_stands_or_steps_back_takes_the_next_seq),
        cmocka_unit_test(test_event_id_next_in_a_full_ms_takes_the_next_ms),
        cmocka_unit_test(test_event_id_next_with_a_clock_out_of_range_still_rises),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
