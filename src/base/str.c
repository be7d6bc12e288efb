#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { BUF_CAPACITY_MIN = 64 };

bool
str_equal(struct str a, struct str b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static char
str_lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

bool
str_equal_nocase(struct str a, struct str b)
{
    if (a.size != b.size) {
        return false;
    }
    /* Not strncasecmp: it ends at a NUL and asks the locale. */
    for (size_t i = 0; i < a.size; i++) {
        if (str_lower(a.data[i]) != str_lower(b.data[i])) {
            return false;
        }
    }
    return true;
}

bool
str_starts_with(struct str s, struct str prefix)
{
    return s.size >= prefix.size && str_equal((struct str){s.data, prefix.size}, prefix);
}

int
str_compare(struct str a, struct str b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    if (order != 0) {
        return order;
    }
    return (a.size > b.size) - (a.size < b.size);
}

char *
str_dup(struct str s)
{
    char *copy = malloc(s.size + 1);
    if (copy == NULL) {
        return NULL;
    }
    if (s.size > 0) {
        memcpy(copy, s.data, s.size);
    }
    copy[s.size] = '\0';
    return copy;
}

enum { U64_DIGITS_ANY = 19 }; /* so many cannot overflow, whatever they are */

int
str_to_u64(struct str s, uint64_t max, uint64_t *ret_value)
{
    uint64_t value = 0;
    if (s.size == 0) {
        return ERR_SYNTAX;
    }
    for (size_t i = 0; i < s.size; i++) {
        if (s.data[i] < '0' || s.data[i] > '9') {
            return ERR_SYNTAX;
        }
        uint64_t digit = (uint64_t)(s.data[i] - '0');
        if (i >= U64_DIGITS_ANY && value > (UINT64_MAX - digit) / 10) {
            return ERR_SYNTAX;
        }
        value = value * 10 + digit;
    }
    if (value > max) {
        return ERR_SYNTAX;
    }
    *ret_value = value;
    return 0;
}

static const char u64_pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";

size_t
str_put_u64(char to[static STR_U64_SIZE_MAX], uint64_t value)
{
    char digits[STR_U64_SIZE_MAX];
    size_t at = sizeof digits;
    while (value >= 100) {
        at -= 2;
        memcpy(digits + at, u64_pairs + 2 * (value % 100), 2);
        value /= 100;
    }
    if (value >= 10) {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    }
    digits[--at] = (char)('0' + value);
    memcpy(to, digits + at, sizeof digits - at);
    return sizeof digits - at;
}

void
buf_init(struct buf *b, size_t limit)
{
    *b = (struct buf){.limit = limit};
}

void
buf_fini(struct buf *b)
{
    free(b->data);
    *b = (struct buf){.limit = b->limit};
}

static size_t
buf_next_capacity(const struct buf *b, size_t needed)
{
    size_t capacity = b->capacity < BUF_CAPACITY_MIN ? BUF_CAPACITY_MIN : b->capacity;
    while (capacity < needed) {
        capacity = capacity > b->limit / 2 ? b->limit : capacity * 2;
    }
    return capacity < b->limit ? capacity : b->limit;
}

int
buf_reserve(struct buf *b, size_t size)
{
    if (size > b->limit - b->size) {
        return ERR_LIMIT;
    }
    if (size <= b->capacity - b->size) {
        return 0;
    }
    size_t capacity = buf_next_capacity(b, b->size + size);
    char *data = realloc(b->data, capacity);
    if (data == NULL) {
        return ERR_MEMORY;
    }
    b->data = data;
    b->capacity = capacity;
    return 0;
}

int
buf_append(struct buf *b, const void *data, size_t size)
{
    int err = buf_reserve(b, size);
    if (err != 0 || size == 0) {
        return err;
    }
    memcpy(b->data + b->size, data, size);
    b->size += size;
    return 0;
}

int
buf_append_str(struct buf *b, struct str s)
{
    return buf_append(b, s.data, s.size);
}

int
buf_append_char(struct buf *b, char c)
{
    return buf_append(b, &c, 1);
}

int
buf_append_u64(struct buf *b, uint64_t value)
{
    char digits[STR_U64_SIZE_MAX];
    return buf_append(b, digits, str_put_u64(digits, value));
}

int
buf_printf(struct buf *b, const char *format, ...)
{
    char *text;
    va_list args;
    va_start(args, format);
    int size = vasprintf(&text, format, args);
    va_end(args);
    if (size < 0) {
        return ERR_MEMORY;
    }
    int err = buf_append(b, text, (size_t)size);
    free(text);
    return err;
}
