#include "base/log_line.h"

#include "base/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

/* Kept free for the end: truncated=true, the brace, the newline. */
enum { LOG_LINE_RESERVE = 32 };

static const char log_ellipsis[] = "…";
static const char log_replacement[] = "\uFFFD";

static void
log_line_put(struct log_line *line, struct str s)
{
    if (s.size > sizeof line->data - LOG_LINE_RESERVE - line->size) {
        line->is_full = true;
        return;
    }
    memcpy(line->data + line->size, s.data, s.size);
    line->size += s.size;
}

/* Control characters of both kinds, and what JavaScript takes for a line's end. */
static bool
log_must_escape(uint32_t code_point)
{
    return code_point < 0x20 || (code_point >= 0x7F && code_point <= 0x9F) ||
           code_point == 0x2028 || code_point == 0x2029;
}

/* What stands behind the backslash; 0 where there is no short form. */
static char
log_escape_letter(uint32_t code_point)
{
    switch (code_point) {
    case '"':
    case '\\':
        return (char)code_point;
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return '\0';
    }
}

/* Takes the first code point off `rest`; what it looks like in quotes, in `room` or elsewhere. */
static struct str
log_take_quoted(struct str *rest, char room[8])
{
    uint32_t code_point = 0;
    struct str s = {rest->data, utf8_decode(*rest, &code_point)};
    *rest = str_after(*rest, s.size == 0 ? 1 : s.size);
    if (s.size == 0) {
        return str_from(log_replacement);
    }
    char letter = log_escape_letter(code_point);
    if (letter != '\0') {
        room[0] = '\\';
        room[1] = letter;
        return (struct str){room, 2};
    }
    if (log_must_escape(code_point)) {
        (void)snprintf(room, 8, "\\u%04" PRIx32, code_point & 0xFFFF);
        return (struct str){room, 6};
    }
    return s;
}

static void
log_line_put_quoted(struct log_line *line, struct str value)
{
    char room[8];
    size_t size = 0;
    log_line_put(line, STR("\""));
    while (value.size > 0 && !line->is_full) {
        struct str s = log_take_quoted(&value, room);
        size += s.size;
        if (size > LOG_VALUE_SIZE_MAX) {
            log_line_put(line, str_from(log_ellipsis));
            break;
        }
        log_line_put(line, s);
    }
    log_line_put(line, STR("\""));
}

/* logfmt: printable ASCII without blank, quote, equals sign and backslash stands bare. */
static bool
log_is_bare(struct str value)
{
    for (size_t i = 0; i < value.size; i++) {
        char c = value.data[i];
        if (c <= ' ' || c > '~' || c == '"' || c == '=' || c == '\\') {
            return false;
        }
    }
    return value.size > 0 && value.size <= LOG_VALUE_SIZE_MAX;
}

static void
log_line_put_text(struct log_line *line, struct str value)
{
    if (line->format == LOG_LOGFMT && log_is_bare(value)) {
        log_line_put(line, value);
    } else {
        log_line_put_quoted(line, value);
    }
}

static void
log_line_put_key(struct log_line *line, const char *key)
{
    bool is_json = line->format == LOG_JSON;
    if (line->size > 0) {
        log_line_put(line, is_json ? STR(",") : STR(" "));
    } else if (is_json) {
        log_line_put(line, STR("{"));
    }
    log_line_put(line, is_json ? STR("\"") : STR(""));
    log_line_put(line, str_from(key));
    log_line_put(line, is_json ? STR("\":") : STR("="));
}

static void
log_line_put_number(struct log_line *line, const struct log_field *field)
{
    char digits[24];
    int size = field->kind == LOG_FIELD_U64
                   ? snprintf(digits, sizeof digits, "%" PRIu64, field->number)
                   : snprintf(digits, sizeof digits, "%" PRId64, (int64_t)field->number);
    log_line_put(line, (struct str){digits, (size_t)size});
}

void
log_line_add(struct log_line *line, const struct log_field *field)
{
    size_t before = line->size;
    line->is_full = false;
    log_line_put_key(line, field->key);
    if (field->kind == LOG_FIELD_STR) {
        log_line_put_text(line, field->text);
    } else {
        log_line_put_number(line, field);
    }
    if (line->is_full) {
        line->size = before;
        line->is_truncated = true;
    }
}

static const char *
log_level_name(enum log_level level)
{
    switch (level) {
    case LOG_DEBUG:
        return "debug";
    case LOG_INFO:
        return "info";
    case LOG_WARN:
        return "warn";
    case LOG_ERROR:
        return "error";
    }
    return "unknown";
}

static struct str
log_time_text(uint64_t wall_ms, char room[40])
{
    struct tm utc;
    time_t seconds = (time_t)(wall_ms / 1000);
    gmtime_r(&seconds, &utc);
    size_t size = strftime(room, 40, "%Y-%m-%dT%H:%M:%S", &utc);
    int more = snprintf(room + size, 40 - size, ".%03uZ", (unsigned)(wall_ms % 1000));
    return (struct str){room, size + (size_t)more};
}

void
log_line_begin(struct log_line *line,
               enum log_format format,
               uint64_t wall_ms,
               enum log_level level,
               const char *event)
{
    char room[40];
    struct str time = log_time_text(wall_ms, room);
    line->size = 0;
    line->format = format;
    line->is_truncated = false;
    log_line_add(line, &LOG_STR("time", time));
    log_line_add(line, &LOG_TEXT("level", log_level_name(level)));
    log_line_add(line, &LOG_TEXT("event", event));
}

void
log_line_end(struct log_line *line)
{
    bool is_json = line->format == LOG_JSON;
    struct str mark = is_json ? STR(",\"truncated\":true") : STR(" truncated=true");
    struct str end = is_json ? STR("}\n") : STR("\n");
    if (line->is_truncated) {
        memcpy(line->data + line->size, mark.data, mark.size);
        line->size += mark.size;
    }
    memcpy(line->data + line->size, end.data, end.size);
    line->size += end.size;
}
