#pragma once
/* Where the problems of one text of the table go: the list, the text's mark, its key path. */

#include "config/config.h"
#include "config/problems.h"

enum { REPORT_PATH_SIZE = 64 };

struct report {
    struct problems *problems;
    struct config_mark mark;
    char key_path[REPORT_PATH_SIZE]; /* "routes[2].topic" */
};

/* A report for `key` (".topic", "[1]") below `parent`; its mark where `mark` was not given. */
struct report report_below(const struct report *parent, struct config_mark mark, const char *key);
struct report report_item(const struct report *parent, const char *key, size_t index);

void report_add(const struct report *r, const char *format, ...) PRINTF_LIKE(2, 3);
