/*
 * The first byte is a piece size. A response gives the same head and body whole and by pieces of
 * that size, and fails in the same way.
 */
#include "main/tail_response.h"

#include <stdlib.h>

enum { RECORD_LIMIT = 1 << 24 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(int is_true)
{
    if (!is_true) {
        abort();
    }
}

static int
on_head(void *arg, const struct tail_response_head *head)
{
    check(head->status >= 200 && head->status <= 999);
    check(buf_printf(arg, "%d|" STR_FMT "|" STR_FMT "|" STR_FMT "\n", head->status,
                     STR_ARG(head->reason), STR_ARG(head->media_type),
                     STR_ARG(head->location)) == 0);
    return head->status == 404 ? TAIL_RESPONSE_STOP : 0;
}

static int
on_body(void *arg, struct str data)
{
    check(data.size > 0);
    check(buf_append_str(arg, data) == 0);
    return 0;
}

static void
feed(struct str bytes, size_t piece_size, struct buf *record)
{
    static const struct tail_response_handler handler = {on_head, on_body};
    struct tail_response r;
    tail_response_init(&r, &handler, record);
    int result = 0;
    while (result == 0 && bytes.size > 0) {
        size_t size = bytes.size < piece_size ? bytes.size : piece_size;
        result = tail_response_feed(&r, (struct str){bytes.data, size});
        bytes = str_after(bytes, size);
    }
    check(buf_printf(record, "\n%d %d", result, tail_response_is_done(&r)) == 0);
    tail_response_fini(&r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    struct str bytes = {(const char *)data + 1, size - 1};
    struct buf whole;
    struct buf split;
    buf_init(&whole, RECORD_LIMIT);
    buf_init(&split, RECORD_LIMIT);
    feed(bytes, bytes.size, &whole);
    feed(bytes, (size_t)data[0] + 1, &split);
    check(str_equal(buf_str(&whole), buf_str(&split)));
    buf_fini(&whole);
    buf_fini(&split);
    return 0;
}
