#include "redis/request.h"

enum { LINE_SIZE_MAX = 1 + STR_U64_SIZE_MAX + 2 }; /* a sign, a number, CR LF */

static char *
put_line(char *to, char sign, uint64_t number)
{
    *to++ = sign;
    to += str_put_u64(to, number);
    *to++ = '\r';
    *to++ = '\n';
    return to;
}

static char *
put_word(char *to, struct str word)
{
    to = put_line(to, '$', word.size);
    if (word.size > 0) {
        memcpy(to, word.data, word.size);
    }
    to += word.size;
    *to++ = '\r';
    *to++ = '\n';
    return to;
}

int
request_append(struct buf *out, const struct str *words, size_t length)
{
    size_t size = LINE_SIZE_MAX;
    for (size_t i = 0; i < length; i++) {
        size += LINE_SIZE_MAX + words[i].size + 2;
    }
    int err = buf_reserve(out, size);
    if (err != 0) {
        return err;
    }
    char *to = put_line(out->data + out->size, '*', length);
    for (size_t i = 0; i < length; i++) {
        to = put_word(to, words[i]);
    }
    out->size = (size_t)(to - out->data);
    return 0;
}
