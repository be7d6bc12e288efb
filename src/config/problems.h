#pragma once
/*
 * The problems of a configuration, all of them, in the order of the file. Each prints as
 * `file:line:column: key.path: problem (remedy)`; the line is left out where the mark is 0, the
 * path where it is "". One thread.
 *
 * Texts of the file end up in messages: control characters are written as \xNN, so that a config
 * cannot write on somebody's terminal or forge a line.
 */

#include "base/err.h"
#include "config/config.h"

#include <stddef.h>
#include <stdio.h>

struct problems;

enum { PROBLEMS_KEPT_MAX = 1000, PROBLEMS_EXCERPT_SIZE = 64 };

struct problems *problems_new(const char *file); /* NULL on OOM */
void problems_free(struct problems *p);

/*
 * `key_path` such as "routes[2].topic". What does not fit into memory, or comes after
 * PROBLEMS_KEPT_MAX, is only counted.
 */
void problems_add(struct problems *p,
                  struct config_mark mark,
                  const char *key_path,
                  const char *format,
                  ...) PRINTF_LIKE(4, 5);

size_t problems_length(const struct problems *p);

/* Each as a line, without its end, sorted; the last one says how many were only counted. */
typedef void (*problems_on_line_fn)(void *arg, const char *line);
void problems_each_line(struct problems *p, problems_on_line_fn on_line, void *arg);
void problems_print(struct problems *p, FILE *to);

/* The nearest of `known` to `word` ("did you mean"), NULL where none is near. */
const char *problems_suggest(struct str word, const char *const *known, size_t known_length);

/*
 * `value` in quotes as a message may show it: cut where it is long, and only its scheme where it is
 * a URL that could carry a password. Returns `ret_text`.
 */
const char *problems_excerpt(struct str value, char ret_text[static PROBLEMS_EXCERPT_SIZE]);
