#include "sources/stream_payload.h"

#include "redis/reply.h"

/* What has to be escaped in a JSON string; RFC 8259, 7. */
static bool
json_is_special(char c)
{
    return (unsigned char)c < 0x20 || c == '"' || c == '\\';
}

static int
json_append_special(struct buf *out, char c)
{
    if (c == '"' || c == '\\') {
        int err = buf_append_char(out, '\\');
        return err != 0 ? err : buf_append_char(out, c);
    }
    return buf_printf(out, "\\u%04x", (unsigned)(unsigned char)c);
}

static int
json_append_string(struct buf *out, struct str text)
{
    size_t begin = 0;
    int err = buf_append_char(out, '"');
    for (size_t i = 0; i < text.size && err == 0; i++) {
        if (!json_is_special(text.data[i])) {
            continue;
        }
        err = buf_append_str(out, (struct str){text.data + begin, i - begin});
        err = err != 0 ? err : json_append_special(out, text.data[i]);
        begin = i + 1;
    }
    err = err != 0 ? err : buf_append_str(out, str_after(text, begin));
    return err != 0 ? err : buf_append_char(out, '"');
}

static int
payload_append_fields(struct buf *out, const struct redis_reply *fields)
{
    int err = buf_append_char(out, '{');
    for (size_t i = 0; i + 1 < fields->length && err == 0; i += 2) {
        err = i > 0 ? buf_append_char(out, ',') : 0;
        err = err != 0 ? err : json_append_string(out, redis_reply_text(&fields->items[i]));
        err = err != 0 ? err : buf_append_char(out, ':');
        err = err != 0 ? err : json_append_string(out, redis_reply_text(&fields->items[i + 1]));
    }
    return err != 0 ? err : buf_append_char(out, '}');
}

int
stream_payload(const struct redis_reply *fields,
               struct str name,
               struct buf *scratch,
               struct str *ret_payload)
{
    if (fields->type != REDIS_TYPE_ARRAY) {
        return ERR_PROTOCOL;
    }
    if (name.size == 0) {
        buf_clear(scratch);
        int err = payload_append_fields(scratch, fields);
        *ret_payload = err == 0 ? buf_str(scratch) : *ret_payload;
        return err;
    }
    for (size_t i = 0; i + 1 < fields->length; i += 2) {
        if (str_equal(redis_reply_text(&fields->items[i]), name)) {
            *ret_payload = redis_reply_text(&fields->items[i + 1]);
            return 0;
        }
    }
    return STREAM_PAYLOAD_E_NO_FIELD;
}
