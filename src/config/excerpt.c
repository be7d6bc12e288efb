/* What a message shows of a value of the file. */

#include "config/problems.h"

#include <stdio.h>

/* The size of what may be shown: all, or what stands in front of "user:password@". */
static size_t
open_part(struct str value)
{
    const char *at = memrchr(value.data, '@', value.size);
    const char *colon = memchr(value.data, ':', value.size);
    if (at == NULL || colon == NULL || colon > at) {
        return value.size;
    }
    const char *scheme = memmem(value.data, value.size, "://", 3);
    return scheme == colon ? (size_t)(scheme - value.data) + 3 : 0;
}

const char *
problems_excerpt(struct str value, char ret_text[static PROBLEMS_EXCERPT_SIZE])
{
    enum { SIZE_MAX_SHOWN = 48 };
    size_t size = value.size == 0 ? 0 : open_part(value);
    if (size > SIZE_MAX_SHOWN) {
        size = SIZE_MAX_SHOWN;
        while (size > 0 && ((unsigned char)value.data[size] & 0xc0) == 0x80) {
            size--;
        }
    }
    const char *rest = size < value.size ? "…" : "";
    snprintf(ret_text, PROBLEMS_EXCERPT_SIZE, "\"%.*s%s\"", (int)size, size > 0 ? value.data : "",
             rest);
    return ret_text;
}
