#pragma once
/*
 * Byte slices and a bounded growing buffer.
 *
 * A `struct str` borrows: whoever hands it out says how long it lives. It is not terminated and may
 * hold any byte. A `struct buf` owns its memory and never grows beyond its limit.
 */

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *data; /* may be NULL when size is 0 */
    size_t size;      /* bytes */
};

#define STR(literal)   ((struct str){(literal), sizeof(literal) - 1})
#define STR_NULL       ((struct str){NULL, 0})
#define STR_FMT        "%.*s"
#define STR_ARG(slice) (int)(slice).size, (slice).data

static inline struct str
str_from(const char *terminated)
{
    return (struct str){terminated, terminated != NULL ? strlen(terminated) : 0};
}

/* The bytes from `begin` on; empty where begin is past the end. */
static inline struct str
str_after(struct str s, size_t begin)
{
    return begin >= s.size ? (struct str){s.data, 0} : (struct str){s.data + begin, s.size - begin};
}

bool str_equal(struct str a, struct str b);
bool str_equal_nocase(struct str a, struct str b); /* ASCII only */
bool str_starts_with(struct str s, struct str prefix);
int str_compare(struct str a, struct str b); /* memcmp order, shorter first */

/* A terminated copy on the heap, NULL on OOM; free() it. */
char *str_dup(struct str s);

/*
 * Decimal digits only, no sign, no blank, at least one digit.
 * ERR_SYNTAX otherwise or where the value exceeds `max`.
 */
MUST_CHECK int str_to_u64(struct str s, uint64_t max, uint64_t *ret_value);

enum { STR_U64_SIZE_MAX = 20 };

/* Writes `value` in decimal, not terminated; returns its size. For hot paths: printf costs ten times
 * as much. */
size_t str_put_u64(char to[static STR_U64_SIZE_MAX], uint64_t value);

struct buf {
    char *data;      /* owned; not terminated */
    size_t size;     /* bytes in use */
    size_t capacity; /* bytes allocated */
    size_t limit;    /* never grows beyond; appending more fails with ERR_LIMIT */
};

void buf_init(struct buf *b, size_t limit);
void buf_fini(struct buf *b);

/* Forgets the content, keeps the memory. */
static inline void
buf_clear(struct buf *b)
{
    b->size = 0;
}

static inline struct str
buf_str(const struct buf *b)
{
    return (struct str){b->data, b->size};
}

/* Room for `size` more bytes; ERR_LIMIT, ERR_MEMORY; on failure nothing changes. */
MUST_CHECK int buf_reserve(struct buf *b, size_t size);
MUST_CHECK int buf_append(struct buf *b, const void *data, size_t size);
MUST_CHECK int buf_append_str(struct buf *b, struct str s);
MUST_CHECK int buf_append_char(struct buf *b, char c);
MUST_CHECK int buf_append_u64(struct buf *b, uint64_t value); /* decimal */
MUST_CHECK int buf_printf(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3);
