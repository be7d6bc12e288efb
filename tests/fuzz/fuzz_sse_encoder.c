/*
 * The first byte is the name's size, then come name and data. What is encoded is parsed to the same
 * name and data (CR and CRLF as LF), to one event only, and to no id and no retry.
 */
#include "base/utf8.h"
#include "sse/encoder.h"
#include "sse/parser.h"

#include <stdlib.h>

enum { SIZE_LIMIT = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct expected {
    struct str name;
    struct str data;
    int events;
};

static void
check(int is_true)
{
    if (!is_true) {
        abort();
    }
}

/* Compares without making the normalized text: the parser's LF stands for any line end. */
static void
check_data(struct str encoded, struct str parsed)
{
    size_t at = 0;
    for (size_t i = 0; i < encoded.size; i++, at++) {
        check(at < parsed.size);
        if (encoded.data[i] != '\r') {
            check(encoded.data[i] == parsed.data[at]);
            continue;
        }
        check(parsed.data[at] == '\n');
        i += i + 1 < encoded.size && encoded.data[i + 1] == '\n' ? 1 : 0;
    }
    check(at == parsed.size);
}

static void
on_event(void *arg, const struct sse_event *event)
{
    struct expected *e = arg;
    check(str_equal(event->type, e->name.size > 0 ? e->name : STR("message")));
    check(event->last_event_id.size == 0);
    check_data(e->data, event->data);
    e->events++;
}

static void
check_body(struct str body, struct expected *expected)
{
    struct sse_parser *p = sse_parser_new(SIZE_LIMIT, STR_NULL, on_event, expected);
    check(p != NULL && sse_body_is_valid(body));
    check(sse_parser_feed(p, body.data, body.size) == 0);
    check(expected->events == 1);
    check(sse_parser_last_event_id(p).size == 0 && sse_parser_retry_ms(p, 77) == 77);
    sse_parser_free(p);
}

static void
on_event_of_body(void *arg, const struct sse_event *event)
{
    check(sse_encode_body(arg, event->type, event->data) == 0);
}

/* The other way: a body that is taken as valid is what the encoder makes of the event in it. */
static void
check_if_body(struct str body)
{
    if (!sse_body_is_valid(body)) {
        return;
    }
    struct buf again;
    buf_init(&again, SIZE_LIMIT);
    struct sse_parser *p = sse_parser_new(SIZE_LIMIT, STR_NULL, on_event_of_body, &again);
    check(p != NULL && sse_parser_feed(p, body.data, body.size) == 0);
    check(str_equal(buf_str(&again), body));
    sse_parser_free(p);
    buf_fini(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = {(const char *)data, size};
    size_t name_size = size > 0 && data[0] < size ? data[0] : 0;
    struct str name = {str_after(input, 1).data, name_size};
    struct expected expected = {.name = name, .data = str_after(input, 1 + name_size)};
    struct buf body;
    buf_init(&body, SIZE_LIMIT);
    bool is_valid = sse_event_name_is_valid(name) && utf8_is_valid(expected.data);
    int err = sse_encode_body(&body, name, expected.data);
    check(err == (is_valid ? 0 : ERR_SYNTAX));
    if (err == 0) {
        check_body(buf_str(&body), &expected);
    } else {
        check(body.size == 0);
    }
    buf_fini(&body);
    check_if_body(input);
    return 0;
}
