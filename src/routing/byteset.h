#pragma once
/* A set of byte values: what a position of a glob accepts. */

#include <stdbool.h>
#include <stdint.h>

struct byteset {
    uint64_t words[4];
};

static inline bool
byteset_has(const struct byteset *s, unsigned char byte)
{
    return (s->words[byte / 64] >> (byte % 64)) & 1;
}

static inline void
byteset_add(struct byteset *s, unsigned char byte)
{
    s->words[byte / 64] |= UINT64_C(1) << (byte % 64);
}

static inline void
byteset_invert(struct byteset *s)
{
    for (int i = 0; i < 4; i++) {
        s->words[i] = ~s->words[i];
    }
}

static inline bool
byteset_is_subset(const struct byteset *small, const struct byteset *large)
{
    uint64_t outside = 0;
    for (int i = 0; i < 4; i++) {
        outside |= small->words[i] & ~large->words[i];
    }
    return outside == 0;
}
