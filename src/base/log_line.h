#pragma once
/*
 * One log line as text: logfmt or JSON, correctly quoted whatever the values hold. Pure: no clock,
 * no output. A value that is too long is cut and ends with "…"; a field for which the line has no
 * room is left out, and the line says truncated=true.
 */

#include "base/log.h"
#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

enum {
    LOG_LINE_SIZE_MAX = 4096,  /* chosen: a write of up to PIPE_BUF is never torn */
    LOG_VALUE_SIZE_MAX = 1024, /* encoded bytes of one value */
};

struct log_line {
    char data[LOG_LINE_SIZE_MAX];
    size_t size;
    enum log_format format; /* private to log_line.c, like what follows */
    bool is_full;
    bool is_truncated;
};

/* Begins with time=… level=… event=… */
void log_line_begin(struct log_line *line,
                    enum log_format format,
                    uint64_t wall_ms,
                    enum log_level level,
                    const char *event);
void log_line_add(struct log_line *line, const struct log_field *field);
/* Ends the line, with its newline. */
void log_line_end(struct log_line *line);
