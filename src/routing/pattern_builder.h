#pragma once
/*
 * How the parsers of the three syntaxes put a pattern together, and the filter beside it. Fields
 * are read by the parsers, written by pattern_builder.c, `at` by the parsers. Lives on the stack of
 * one compile.
 */

#include "routing/pattern.h"
#include "routing/report.h"

enum { PATTERN_SETS_MAX = PATTERN_SIZE_MAX };

struct pattern_builder {
    struct str text;
    size_t at;                   /* where the parser stands */
    const struct report *report; /* NULL: the text is known to be right */
    bool has_captures;           /* braces mean something */
    unsigned problems;
    int err;                /* ERR_MEMORY once that happened */
    struct pattern pattern; /* its arrays are those below until it is finished */
    struct pattern_fixed fixed[PATTERN_RUNS_MAX + 1];
    struct pattern_run runs[PATTERN_RUNS_MAX];
    struct str names[PATTERN_RUNS_MAX];
    unsigned char bytes[PATTERN_SIZE_MAX + 1]; /* one more: a copy is never NULL */
    uint16_t sets[PATTERN_SIZE_MAX];
    size_t bytes_size;
    struct buf byteset; /* of struct byteset */
    struct buf filter;
};

/* The text must not be longer than PATTERN_SIZE_MAX. */
void builder_init(struct pattern_builder *b,
                  struct str text,
                  enum pattern_syntax syntax,
                  const struct report *report);
void builder_fini(struct pattern_builder *b);

void builder_problem(struct pattern_builder *b, const char *format, ...) PRINTF_LIKE(2, 3);

/* One position: a byte, or any byte of a set. */
void builder_literal(struct pattern_builder *b, char byte);
void builder_set(struct pattern_builder *b, const struct byteset *set);

/* A wildcard of any size. Directly behind another one of its kind it is the same wildcard. */
void builder_wildcard(struct pattern_builder *b, bool is_crossing);

/* {name}: reads it at `at` and moves behind it. True where it captures the rest ({name...}). */
bool builder_capture(struct pattern_builder *b);

void builder_filter(struct pattern_builder *b, struct str text);

/* The pattern as one that lives by itself; ERR_CONFIG where there were problems, ERR_MEMORY. */
MUST_CHECK int builder_finish(struct pattern_builder *b, struct pattern **ret_pattern);

/* The parsers. Each reads the whole text. */
void pattern_parse_glob(struct pattern_builder *b); /* Redis and http */
void pattern_parse_mqtt(struct pattern_builder *b);
