/*
 * The first byte is a piece size. The stream gives the same events whole and by pieces of that
 * size, and fails in the same place.
 */
#include "sse/parser.h"

#include <stdlib.h>

enum { SIZE_LIMIT = 256, RECORD_LIMIT = 1 << 24 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(int is_true)
{
    if (!is_true) {
        abort();
    }
}

static void
record_field(struct buf *record, struct str field)
{
    check(buf_append_u64(record, field.size) == 0 && buf_append_char(record, ':') == 0);
    check(buf_append_str(record, field) == 0);
}

static void
on_event(void *arg, const struct sse_event *event)
{
    struct buf *record = arg;
    check(event->type.size + event->data.size + event->last_event_id.size <=
          SIZE_LIMIT + sizeof("message"));
    record_field(record, event->type);
    record_field(record, event->data);
    record_field(record, event->last_event_id);
}

/* Also in the record: how it ended, the last event id and retry. */
static void
feed(struct str stream, size_t piece_size, struct buf *record)
{
    struct sse_parser *p = sse_parser_new(SIZE_LIMIT, STR_NULL, on_event, record);
    check(p != NULL);
    int err = 0;
    while (err == 0 && stream.size > 0) {
        size_t size = stream.size < piece_size ? stream.size : piece_size;
        err = sse_parser_feed(p, stream.data, size);
        stream = str_after(stream, size);
    }
    check(err == 0 || err == ERR_LIMIT);
    record_field(record, err == 0 ? STR("") : STR("limit"));
    if (err == 0) {
        sse_parser_reset(p);
        record_field(record, sse_parser_last_event_id(p));
        check(buf_append_u64(record, sse_parser_retry_ms(p, 77)) == 0);
    }
    sse_parser_free(p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    struct str stream = {(const char *)data + 1, size - 1};
    struct buf whole;
    struct buf split;
    buf_init(&whole, RECORD_LIMIT);
    buf_init(&split, RECORD_LIMIT);
    feed(stream, stream.size, &whole);
    feed(stream, (size_t)data[0] + 1, &split);
    check(str_equal(buf_str(&whole), buf_str(&split)));
    buf_fini(&whole);
    buf_fini(&split);
    return 0;
}
