#undef NDEBUG
#include "http/accept.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
check(const char *const *values, size_t length, bool is_allowed)
{
    for (size_t i = 0; i < length; i++) {
        if (accept_allows_event_stream(str_from(values[i])) != is_allowed) {
            fail_msg("%s: %s", is_allowed ? "not allowed" : "allowed", values[i]);
        }
    }
}

static void
test_accept_absent_allows(void **state)
{
    (void)state;
    assert_true(accept_allows_event_stream(STR_NULL));
}

static void
test_accept_that_covers_event_streams_allows(void **state)
{
    static const char *const values[] = {
        "",
        " \t ",
        "*/*",
        "text/*",
        "text/event-stream",
        "Text/Event-Stream",
        "text/event-stream;charset=utf-8",
        "application/json, text/event-stream",
        "text/html, */*;q=0.1",
        "text/event-stream ; q=0.001",
        "text/*;q=0, text/event-stream",
        "*/*;q=0, text/*",
        "text/event-stream, */*;q=0",
        " , text/event-stream",
        "text/event-stream;Q=1.0",
        "text/event-stream;q=",
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    };
    (void)state;
    check(values, sizeof(values) / sizeof(values[0]), true);
}

static void
test_accept_that_names_others_only_refuses(void **state)
{
    static const char *const values[] = {
        "application/json",
        "text/html",
        "text/event-stream-x",
        "xtext/event-stream",
        "text/event-stream;q=0",
        "text/event-stream;q=0.000",
        "text/event-stream; charset=utf-8 ;q=0",
        "*/*;q=0",
        "text/*;Q=0, application/json",
        "*/*, text/event-stream;q=0",
        "text/*, text/event-stream;q=0",
        "garbage",
    };
    (void)state;
    check(values, sizeof(values) / sizeof(values[0]), false);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accept_absent_allows),
        cmocka_unit_test(test_accept_that_covers_event_streams_allows),
        cmocka_unit_test(test_accept_that_names_others_only_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
