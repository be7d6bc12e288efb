#pragma once
/*
 * Log lines on stderr, logfmt or JSON: time, level, event name, then key=value pairs.
 *
 * Any thread; a line is one write(2). The event name is stable ("source.down") and comes first; it
 * is what operators grep for. Values are quoted where they must be. No payloads, no secrets. Each
 * event name is limited to a number of lines a second; what was held back is said in the next line
 * of that name (suppressed=N).
 */

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_LOGFMT, LOG_JSON };

/* One key=value pair; build with the helpers below. */
struct log_field {
    const char *key;
    enum { LOG_FIELD_END, LOG_FIELD_STR, LOG_FIELD_U64, LOG_FIELD_I64 } kind;
    struct str text;
    uint64_t number;
};

#define LOG_STR(k, slice) ((struct log_field){.key = (k), .kind = LOG_FIELD_STR, .text = (slice)})
#define LOG_TEXT(k, terminated)                                                                    \
    ((struct log_field){.key = (k), .kind = LOG_FIELD_STR, .text = str_from(terminated)})
#define LOG_U64(k, n) ((struct log_field){.key = (k), .kind = LOG_FIELD_U64, .number = (n)})
#define LOG_I64(k, n)                                                                              \
    ((struct log_field){.key = (k), .kind = LOG_FIELD_I64, .number = (uint64_t)(int64_t)(n)})

/* Before the threads start. Defaults: LOG_INFO, LOG_LOGFMT. */
void log_configure(enum log_level level, enum log_format format);

bool log_is_on(enum log_level level);

/* `fields` ends with LOG_FIELD_END. Use: log_info("source.up", LOG_TEXT("source", name)). */
void log_write(enum log_level level, const char *event, const struct log_field *fields);

/* What an array of fields ends with; the macros below put it there. */
#define LOG_END ((struct log_field){.kind = LOG_FIELD_END})

/* Without fields there is still LOG_END: C11 wants an argument for the dots. */
#define log_at(level, event, ...)                                                                  \
    (log_is_on(level) ? log_write(level, event, (const struct log_field[]){__VA_ARGS__}) : (void)0)
#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__, LOG_END)
#define log_info(...)  log_at(LOG_INFO, __VA_ARGS__, LOG_END)
#define log_warn(...)  log_at(LOG_WARN, __VA_ARGS__, LOG_END)
#define log_error(...) log_at(LOG_ERROR, __VA_ARGS__, LOG_END)
