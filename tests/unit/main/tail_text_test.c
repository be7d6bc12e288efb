#undef NDEBUG
#include "main/tail_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void
assert_event_text(struct str id, struct str type, struct str data, struct str expected)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    tail_text_print_event(out,
                          &(struct sse_event){.type = type, .data = data, .last_event_id = id});
    assert_int_equal(fclose(out), 0);
    if (!str_equal((struct str){text, size}, expected)) {
        fail_msg("printed: " STR_FMT, (int)size, text);
    }
    free(text);
}

static void
test_tail_text_of_an_event_is_one_line_for_each_line_of_data(void **state)
{
    (void)state;
    assert_event_text(STR("7-0"), STR("x"), STR("a"), STR("7-0\tx\ta\n"));
    assert_event_text(STR(""), STR("message"), STR("a b"), STR("-\tmessage\ta b\n"));
    assert_event_text(STR("7-0"), STR("x"), STR(""), STR("7-0\tx\t\n"));
    assert_event_text(STR("7-0"), STR("x"), STR_NULL, STR("7-0\tx\t\n"));
    assert_event_text(STR("7-0"), STR("x"), STR("a\nb"), STR("7-0\tx\ta\n7-0\tx\tb\n"));
    assert_event_text(STR("1"), STR("x"), STR("\na\n"), STR("1\tx\t\n1\tx\ta\n1\tx\t\n"));
    assert_event_text(STR("1"), STR("x"), STR("{\"a\":\t\"\\n\"}"),
                      STR("1\tx\t{\"a\":\t\"\\n\"}\n"));
}

static void
test_tail_text_of_what_a_terminal_would_obey_is_escaped(void **state)
{
    (void)state;
    assert_event_text(STR("1"), STR("x"), STR("\x1b[2J"), STR("1\tx\t\\x1b[2J\n"));
    assert_event_text(STR("1"), STR("x"), STR("a\0b\x7f"), STR("1\tx\ta\\x00b\\x7f\n"));
    assert_event_text(STR("1"), STR("x"), STR("a\rb"), STR("1\tx\ta\\x0db\n"));
    assert_event_text(STR("1\t2"), STR("x\ty\n"), STR("a"), STR("1\\x092\tx\\x09y\\x0a\ta\n"));
    /* U+009B begins a control sequence as ESC [ does */
    assert_event_text(STR("1"), STR("x"),
                      STR("\xc2\x9b"
                          "A"),
                      STR("1\tx\t\\xc2\\x9bA\n"));
}

static void
test_tail_text_of_utf8_is_itself_and_of_other_bytes_is_escaped(void **state)
{
    (void)state;
    assert_event_text(STR("ž"), STR("€"), STR("😀\xc2\xa0."), STR("ž\t€\t😀\xc2\xa0.\n"));
    assert_event_text(STR("1"), STR("x"), STR("\xff"), STR("1\tx\t\\xff\n"));
    assert_event_text(STR("1"), STR("x"), STR("\xe2\x82"), STR("1\tx\t\\xe2\\x82\n"));
    assert_event_text(STR("1"), STR("x"), STR("\xed\xa0\x80"), STR("1\tx\t\\xed\\xa0\\x80\n"));
    assert_event_text(STR("1"), STR("x"),
                      STR("\xc3"
                          "a"),
                      STR("1\tx\t\\xc3a\n"));
    assert_event_text(STR("1"), STR("x"), STR("\x80€"), STR("1\tx\t\\x80€\n"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tail_text_of_an_event_is_one_line_for_each_line_of_data),
        cmocka_unit_test(test_tail_text_of_what_a_terminal_would_obey_is_escaped),
        cmocka_unit_test(test_tail_text_of_utf8_is_itself_and_of_other_bytes_is_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
