#pragma once
/*
 * Topic patterns: what a route's `topic:` says, compiled. Pure; a pattern is immutable.
 *
 * In every syntax
 *   {name}      captures one or more bytes, but no separator. MQTT: '/', so it is a level, or with
 *               text beside it a part of one. Redis and http: ':' '.' and '/'. Redis knows no
 *               levels, people write all three, and a capture that swallowed them would let
 *               "orders.{shop}" take "orders.eu.berlin.paid" as well.
 *   {name...}   captures one or more bytes, also separators: the rest. In MQTT the last level.
 *   {{ and }}   are the braces themselves.
 * Where a topic can be divided in more than one way, the first capture or wildcard is as short as
 * it can be, then the second, and so on ("{a}-{b}" on "x-y-z": a = x, b = y-z). A topic matches if
 * any division fits; an empty topic matches nothing (so it is in Redis). Two captures, or a capture
 * and a `*`, need text between them.
 *
 * Redis   `*` `?` `[a-z]` `[^a]` `\x` as Redis's own glob has them (by bytes, case-sensitive); only
 *         an unclosed or empty class and bytes above 127 in one are errors here. Without wildcard
 *         and capture it is a channel's name: SUBSCRIBE; else PSUBSCRIBE, `*` for each capture.
 * MQTT    `+` and `#` by levels (MQTT 5, 4.7): `#` is last, "a/#" matches "a" too, and a wildcard
 *         in the first level matches nothing that begins with `$`. A level with a capture
 *         subscribes `+`, {name...} subscribes `#`. "$share/group/" in front goes into the filter
 *         and not into the match.
 * http    `*` is any run of bytes; everything else is literal. There is no broker to subscribe at.
 *
 * A broker delivers what its filter matches; pattern_match() decides. A topic that matches a
 * pattern always matches the pattern's filter.
 *
 * Compiled, a pattern is  fixed run fixed run … fixed : a fixed piece takes as many bytes as it
 * has, a run any number from its minimum on.
 */

#include "base/err.h"
#include "base/str.h"
#include "routing/byteset.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct report;

enum {
    PATTERN_SIZE_MAX = 1024,        /* of the text; chosen: real topics are below 256 */
    PATTERN_RUNS_MAX = 32,          /* captures and wildcards without a fixed size */
    PATTERN_TOPIC_SIZE_MAX = 65535, /* MQTT's longest; a longer topic matches nothing */
    PATTERN_SCRATCH_WORDS = (PATTERN_TOPIC_SIZE_MAX + 1) / 64, /* per run */
};

enum pattern_syntax { PATTERN_REDIS, PATTERN_MQTT, PATTERN_HTTP };

struct pattern_fixed {
    uint16_t begin; /* in bytes[] */
    uint16_t size;
    bool has_sets; /* some position is no literal */
};

struct pattern_run {
    bool is_crossing; /* may hold separators */
    uint8_t min;      /* 0 or 1 byte */
    int8_t capture;   /* index, -1 for none */
};

/* Read by pattern_index and filter_cover too; written by pattern_builder only. */
struct pattern {
    enum pattern_syntax syntax;
    bool takes_levels;    /* MQTT "/#": nothing may follow, or '/' and anything */
    bool is_dollar_blind; /* MQTT: begins with a wildcard */
    bool is_glob;         /* the filter is a pattern, not a name */
    uint8_t run_count;    /* fixed[] has one more */
    uint8_t capture_count;
    uint32_t min_size; /* of a topic */
    struct pattern_fixed *fixed;
    struct pattern_run *runs;
    unsigned char *bytes;
    uint16_t *sets; /* beside bytes: 0 or 1 + index into byteset[]; NULL: all are literals */
    struct byteset *byteset;
    struct str *names; /* of the captures; point into the text */
    struct str share;  /* MQTT "$share/group/", else empty; points into the text */
    char *filter;      /* what to subscribe to; "" for http */
};

struct pattern_captures {
    struct str value[PATTERN_RUNS_MAX]; /* point into the topic */
};

/* Borrows `text` while the pattern lives. Problems are reported, all: ERR_CONFIG. ERR_MEMORY. */
MUST_CHECK int pattern_compile(struct str text,
                               enum pattern_syntax syntax,
                               const struct report *report,
                               struct pattern **ret_pattern);

/* The filter of `from`, as a pattern: what the broker matches. Borrows from `from`. ERR_MEMORY. */
MUST_CHECK int pattern_compile_filter(const struct pattern *from, struct pattern **ret_pattern);

void pattern_free(struct pattern *p);

/*
 * `scratch` has run_count * PATTERN_SCRATCH_WORDS words. `ret_captures` may be NULL. Time is
 * O(topic * pattern), whatever both are.
 */
bool pattern_match(const struct pattern *p,
                   struct str topic,
                   uint64_t *scratch,
                   struct pattern_captures *ret_captures);

/* True where a run without is_crossing ends before this byte. */
static inline bool
pattern_is_separator(enum pattern_syntax syntax, char c)
{
    return c == '/' || (syntax != PATTERN_MQTT && (c == ':' || c == '.'));
}
