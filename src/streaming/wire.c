/* HTTP/1.1 chunks. */

#include "streaming/wire.h"

#include <string.h>

enum { CRLF_SIZE = 2 };

static size_t
hex_digits(size_t value)
{
    size_t digits = 1;
    while (value >>= 4) {
        digits++;
    }
    return digits;
}

size_t
wire_chunk_size(size_t size)
{
    return hex_digits(size) + CRLF_SIZE + size + CRLF_SIZE;
}

size_t
wire_put_chunk(char *to, struct str payload)
{
    static const char hex[] = "0123456789abcdef";
    size_t digits = hex_digits(payload.size);
    size_t rest = payload.size;
    for (size_t i = digits; i > 0; i--) {
        to[i - 1] = hex[rest & 0xf];
        rest >>= 4;
    }
    char *p = to + digits;
    memcpy(p, "\r\n", CRLF_SIZE);
    p += CRLF_SIZE;
    if (payload.size > 0) {
        memcpy(p, payload.data, payload.size);
        p += payload.size;
    }
    memcpy(p, "\r\n", CRLF_SIZE);
    return (size_t)(p + CRLF_SIZE - to);
}

struct str
wire_chunk_payload(struct str chunk)
{
    const char *line_end = memchr(chunk.data, '\n', chunk.size);
    size_t begin = (size_t)(line_end + 1 - chunk.data);
    return (struct str){chunk.data + begin, chunk.size - begin - CRLF_SIZE};
}
