#pragma once
/* Reads a config for a test and keeps what was said about it. */

#include "config/config.h"
#include "config/problems.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* A source, in one line, for what comes behind it. */
#define SHOP "sources: {shop: {type: redis, url: redis://h}}\n"

struct parsing {
    int err;
    struct config *config; /* NULL where there were problems */
    char *said;            /* all problems, a line each */
};

static inline char *
said_of(struct problems *problems)
{
    char *said = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&said, &size);
    assert_non_null(stream);
    problems_print(problems, stream);
    assert_int_equal(fclose(stream), 0);
    return said;
}

/* As file "f". */
static inline struct parsing
parse_bytes(struct str text)
{
    struct parsing p = {.err = 0};
    struct problems *problems = problems_new("f");
    assert_non_null(problems);
    p.err = config_parse(text, "f", problems, &p.config);
    p.said = said_of(problems);
    problems_free(problems);
    return p;
}

static inline void
parsing_free(struct parsing *p)
{
    config_free(p->config);
    free(p->said);
}

/* A config without problems. The caller frees it. */
static inline struct config *
parse_good(const char *text)
{
    struct parsing p = parse_bytes(str_from(text));
    assert_string_equal(p.said, "");
    assert_int_equal(p.err, 0);
    assert_non_null(p.config);
    free(p.said);
    return p.config;
}

/* A config with problems: nothing but `said`. */
static inline void
assert_says(const char *text, const char *said)
{
    struct parsing p = parse_bytes(str_from(text));
    assert_string_equal(p.said, said);
    assert_int_equal(p.err, ERR_CONFIG);
    assert_null(p.config);
    parsing_free(&p);
}
