/*
 * Request heads: whatever the pieces in which a head arrives, the outcome is the same, and what a
 * request borrows lies inside of its head.
 */
#undef NDEBUG
#include "http/endpoint.h"
#include "http/request_parser.h"

#include <assert.h>
#include <stdlib.h>

enum { LIMIT = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_slice(const char *head, const struct request_parser *p, struct str slice)
{
    if (slice.size > 0 && slice.data != NULL && !str_equal(slice, STR("/"))) {
        assert(slice.data >= head && slice.data + slice.size <= head + p->position);
    }
}

static void
check_request(const char *head, const struct request_parser *p)
{
    static const struct config_http config = {.page = true, .channels = 5};
    struct request r;
    struct endpoint_reply reply;
    request_parser_get(p, head, &r);
    assert(r.path.size > 0 && (r.path.data[0] == '/' || str_equal(r.path, STR("*"))));
    assert(memchr(r.path.data, '?', r.path.size) == NULL);
    check_slice(head, p, r.path);
    check_slice(head, p, r.query);
    for (size_t i = 0; i < REQUEST_FIELD_COUNT; i++) {
        check_slice(head, p, r.fields[i]);
    }
    struct str name;
    struct str value;
    check_slice(head, p, r.lines);
    while (request_next_line(&r.lines, &name, &value)) {
        assert(name.size > 0);
        check_slice(head, p, value);
    }
    assert(endpoint_decide(&reply, &config, &r, 1) == 0);
    endpoint_reply_fini(&reply);
}

/* Grows by `step`; each time the bytes stand elsewhere, in a block of just that size. */
static int
feed_in_steps(struct request_parser *p, const uint8_t *data, size_t size, size_t step)
{
    int rc = REQUEST_PARSER_E_MORE;
    request_parser_init(p, LIMIT);
    for (size_t end = 0; end < size && rc == REQUEST_PARSER_E_MORE;) {
        end = size - end > step ? end + step : size;
        char *head = malloc(end);
        assert(head != NULL);
        memcpy(head, data, end);
        rc = request_parser_feed(p, head, end);
        if (rc == 0) {
            check_request(head, p);
        }
        free(head);
    }
    return rc;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t steps[] = {1, 7};
    struct request_parser whole;
    int rc = feed_in_steps(&whole, data, size, SIZE_MAX);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && size > 0; i++) {
        struct request_parser split;
        assert(feed_in_steps(&split, data, size, steps[i]) == rc);
        assert(split.position == whole.position && split.status == whole.status);
        assert(split.problem == whole.problem);
    }
    return 0;
}
