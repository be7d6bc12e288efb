/*
 * The first byte is a piece size. The bytes of a server give the same replies whole and by pieces
 * of that size, and fail in the same way.
 */
#include "redis/reply.h"

#include <stdlib.h>

enum { REPLY_LIMIT = 64 * 1024, RECORD_LIMIT = 1 << 24 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(int is_true)
{
    if (!is_true) {
        abort();
    }
}

static void
record_reply(struct buf *record, const struct redis_reply *reply)
{
    check(buf_append_u64(record, reply->type) == 0 && buf_append_char(record, ':') == 0);
    switch (reply->type) {
    case REDIS_TYPE_STRING:
    case REDIS_TYPE_STATUS:
    case REDIS_TYPE_ERROR:
        check(buf_append_str(record, reply->text) == 0 && buf_append_char(record, ';') == 0);
        break;
    case REDIS_TYPE_INTEGER:
        check(buf_append_u64(record, (uint64_t)reply->integer) == 0);
        break;
    case REDIS_TYPE_NIL:
        break;
    case REDIS_TYPE_ARRAY:
        check(reply->length * sizeof *reply <= REPLY_LIMIT);
        for (size_t i = 0; i < reply->length; i++) {
            record_reply(record, &reply->items[i]);
        }
        break;
    }
}

static int
read_replies(struct redis_parser *p, struct buf *record)
{
    const struct redis_reply *reply = NULL;
    int err = redis_parser_next(p, &reply);
    while (err == 0 && reply != NULL) {
        record_reply(record, reply);
        (void)redis_reply_is_error(reply, "NOSCRIPT");
        (void)redis_reply_text(reply);
        err = redis_parser_next(p, &reply);
    }
    return err;
}

static void
feed(struct str stream, size_t piece_size, struct buf *record)
{
    struct redis_parser *p = redis_parser_new(REPLY_LIMIT);
    check(p != NULL);
    int err = 0;
    while (err == 0 && stream.size > 0) {
        size_t size = stream.size < piece_size ? stream.size : piece_size;
        err = redis_parser_feed(p, (struct str){stream.data, size});
        stream = str_after(stream, size);
        if (err == 0) {
            err = read_replies(p, record);
        }
    }
    check(err == 0 || err == ERR_PROTOCOL || err == ERR_LIMIT);
    check(buf_append_u64(record, (uint64_t)-err) == 0);
    (void)redis_parser_why(p);
    redis_parser_free(p);
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
