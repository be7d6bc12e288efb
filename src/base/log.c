#include "base/log.h"

#include "base/clock.h"
#include "base/log_limit.h"
#include "base/log_line.h"

#include <stdatomic.h>
#include <unistd.h>

static _Atomic int log_level_least = LOG_INFO;
static _Atomic int log_format_now = LOG_LOGFMT;

void
log_configure(enum log_level level, enum log_format format)
{
    atomic_store(&log_level_least, (int)level);
    atomic_store(&log_format_now, (int)format);
}

bool
log_is_on(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&log_level_least, memory_order_relaxed);
}

void
log_write(enum log_level level, const char *event, const struct log_field *fields)
{
    struct log_line line;
    uint32_t suppressed;
    if (!log_limit_take(event, clock_mono_ns() / 1000000000, &suppressed)) {
        return;
    }
    enum log_format format = (enum log_format)atomic_load(&log_format_now);
    log_line_begin(&line, format, clock_wall_ms(), level, event);
    if (suppressed > 0) {
        log_line_add(&line, &LOG_U64("suppressed", suppressed));
    }
    for (const struct log_field *field = fields; field->kind != LOG_FIELD_END; field++) {
        log_line_add(&line, field);
    }
    log_line_end(&line);
    /* A line that stderr does not take is lost: nobody is left to be told. */
    ssize_t written = write(STDERR_FILENO, line.data, line.size);
    (void)written;
}
