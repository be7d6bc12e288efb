#pragma once
/* Random patterns and topics from a small alphabet, so that they meet often. For tests. */

#include "routing/pattern.h"

#include <stdint.h>
#include <string.h>

static inline uint32_t
random_next(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 16;
}

/* Up to four levels, each one of `levels`, joined by `separators`. */
static inline void
random_join(uint32_t *seed,
            const char *const *levels,
            size_t levels_length,
            const char *separators,
            char ret_text[static 64])
{
    size_t count = 1 + random_next(seed) % 4;
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        const char *level = levels[random_next(seed) % levels_length];
        size_t level_size = strlen(level);
        if (i > 0) {
            ret_text[size++] = separators[random_next(seed) % strlen(separators)];
        }
        memcpy(ret_text + size, level, level_size);
        size += level_size;
    }
    ret_text[size] = '\0';
}

/* May be no good pattern: captures with one name, `#` in the middle. */
static inline void
random_pattern(uint32_t *seed, enum pattern_syntax syntax, char ret_text[static 64])
{
    static const char *const globs[] = {"a",   "b",   "ab",     "*", "a*",   "?",  "[ab]",
                                        "{x}", "{y}", "{z...}", "",  "a{x}", "*b", "{x}b"};
    static const char *const mqtt[] = {"a", "b",  "ab",     "+",    "#",    "{x}", "{y}",
                                       "",  "$a", "{z...}", "a{x}", "{y}b", "+",   "a"};
    bool is_mqtt = syntax == PATTERN_MQTT;
    random_join(seed, is_mqtt ? mqtt : globs, 14, is_mqtt ? "/" : "::./", ret_text);
}

static inline void
random_topic(uint32_t *seed, enum pattern_syntax syntax, char ret_text[static 64])
{
    static const char *const levels[] = {"a", "b", "ab", "", "$a", "aab", "x"};
    random_join(seed, levels, 7, syntax == PATTERN_MQTT ? "/" : "::./", ret_text);
}
