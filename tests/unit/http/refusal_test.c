#undef NDEBUG
#include "http/refusal.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Renders a refusal; what follows the head, terminated. Free it. */
static char *
render(bool is_bare, enum metric_refused why, uint64_t retry_ms)
{
    struct response head = response_stream(is_bare);
    struct buf out;
    buf_init(&out, 4096);
    assert_int_equal(refusal_render(&head, why, retry_ms, &out), 0);
    char *text = str_dup(buf_str(&out));
    assert_non_null(text);
    buf_fini(&out);
    assert_non_null(strstr(text, "HTTP/1.1 200 OK\r\n"));
    assert_non_null(strstr(text, "Content-Type: text/event-stream\r\n"));
    char *body = strstr(text, "\r\n\r\n");
    assert_non_null(body);
    memmove(text, body + 4, strlen(body + 4) + 1);
    return text;
}

static uint64_t
read_retry(const char *event)
{
    uint64_t retry_ms = 0;
    assert_int_equal(sscanf(event, "retry: %" SCNu64 "\n", &retry_ms), 1);
    return retry_ms;
}

static void
test_refusal_says_when_and_why_and_ends(void **state)
{
    char expected[256];
    (void)state;
    char *body = render(true, METRIC_REFUSED_DRAINING, 2000);
    (void)snprintf(expected, sizeof(expected),
                   "retry: %" PRIu64 "\nevent: runnel.unavailable\n"
                   "data: {\"reason\":\"draining\"}\n\n",
                   read_retry(body));
    assert_string_equal(body, expected);
    free(body);
}

static void
test_refusal_in_http_1_1_ends_its_chunks(void **state)
{
    (void)state;
    char *body = render(false, METRIC_REFUSED_FULL, 2000);
    char *event = strstr(body, "\r\n");
    assert_non_null(event);
    size_t size = strtoul(body, NULL, 16);
    assert_int_equal(strlen(event), 2 + size + strlen("\r\n0\r\n\r\n"));
    assert_string_equal(event + 2 + size, "\r\n0\r\n\r\n");
    assert_non_null(strstr(event, "{\"reason\":\"full\"}\n\n"));
    free(body);
}

/* Those who were refused together must not come back together. */
static void
test_refusal_retry_is_jittered_within_its_bounds(void **state)
{
    uint64_t least = UINT64_MAX;
    uint64_t most = 0;
    (void)state;
    for (int i = 0; i < 200; i++) {
        char *body = render(true, METRIC_REFUSED_FULL, 1000);
        uint64_t retry_ms = read_retry(body);
        free(body);
        least = retry_ms < least ? retry_ms : least;
        most = retry_ms > most ? retry_ms : most;
    }
    assert_true(least >= 1000 && most <= 5000);
    assert_true(most - least > 1000); /* 200 draws from 4000: a smaller spread is no chance */
}

static void
test_refusal_retry_of_any_size_does_not_overflow(void **state)
{
    (void)state;
    char *body = render(true, METRIC_REFUSED_FULL, UINT64_MAX);
    assert_true(read_retry(body) <= UINT64_C(5) * 600 * 1000);
    free(body);
    body = render(true, METRIC_REFUSED_FULL, 0);
    assert_int_equal(read_retry(body), 0);
    free(body);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusal_says_when_and_why_and_ends),
        cmocka_unit_test(test_refusal_in_http_1_1_ends_its_chunks),
        cmocka_unit_test(test_refusal_retry_is_jittered_within_its_bounds),
        cmocka_unit_test(test_refusal_retry_of_any_size_does_not_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
