/*
 * The encoder looks for CR and for LF with one memchr each and keeps both positions until the lines
 * have passed them: every byte is visited twice by memchr and once by memcpy, however the two mix.
 */

#include "sse/encoder.h"

#include "base/utf8.h"

#include <string.h>

struct line_reader {
    const char *next;
    const char *end;
    const char *cr; /* the first at or behind `next`; `end` where there is none */
    const char *lf;
};

static const char *
line_reader_find(const char *begin, const char *end, char c)
{
    const char *found = begin < end ? memchr(begin, c, (size_t)(end - begin)) : NULL;
    return found != NULL ? found : end;
}

static void
line_reader_init(struct line_reader *r, struct str data)
{
    r->next = data.size > 0 ? data.data : "";
    r->end = r->next + data.size;
    r->cr = line_reader_find(r->next, r->end, '\r');
    r->lf = line_reader_find(r->next, r->end, '\n');
}

/* False behind the last line. Data that ends with a line end has an empty last line. */
static bool
line_reader_next(struct line_reader *r, struct str *ret_line)
{
    if (r->next == NULL) {
        return false;
    }
    const char *line_end = r->cr < r->lf ? r->cr : r->lf;
    *ret_line = (struct str){r->next, (size_t)(line_end - r->next)};
    if (line_end == r->end) {
        r->next = NULL;
        return true;
    }
    bool is_crlf = line_end == r->cr && r->lf == r->cr + 1 && r->lf < r->end;
    r->next = line_end + (is_crlf ? 2 : 1);
    if (r->cr < r->next) {
        r->cr = line_reader_find(r->next, r->end, '\r');
    }
    if (r->lf < r->next) {
        r->lf = line_reader_find(r->next, r->end, '\n');
    }
    return true;
}

bool
sse_event_name_is_valid(struct str name)
{
    return name.size == 0 || (memchr(name.data, '\r', name.size) == NULL &&
                              memchr(name.data, '\n', name.size) == NULL &&
                              memchr(name.data, '\0', name.size) == NULL && utf8_is_valid(name));
}

static bool
encoder_name_is_default(struct str name)
{
    return name.size == 0 || str_equal(name, STR("message"));
}

/* The room was reserved by the caller. */
static char *
encoder_put(char *at, struct str text)
{
    memcpy(at, text.data, text.size);
    return at + text.size;
}

static int
encoder_append_name(struct buf *out, struct str name)
{
    int r = buf_reserve(out, sizeof("event: \n") - 1 + name.size);
    if (r == 0) {
        char *at = encoder_put(out->data + out->size, STR("event: "));
        at = encoder_put(at, name);
        *at++ = '\n';
        out->size = (size_t)(at - out->data);
    }
    return r;
}

static int
encoder_append_line(struct buf *out, struct str line)
{
    int r = buf_reserve(out, sizeof("data: \n") - 1 + line.size);
    if (r == 0) {
        char *at = encoder_put(out->data + out->size, STR("data:"));
        if (line.size > 0) {
            *at++ =
                ' '; /* the format takes off one blank, so one that the line begins with stays */
            at = encoder_put(at, line);
        }
        *at++ = '\n';
        out->size = (size_t)(at - out->data);
    }
    return r;
}

static int
encoder_append(struct buf *out, struct str name, struct str data)
{
    int r = encoder_name_is_default(name) ? 0 : encoder_append_name(out, name);
    struct line_reader lines;
    line_reader_init(&lines, data);
    for (struct str line; r == 0 && line_reader_next(&lines, &line);) {
        r = encoder_append_line(out, line);
    }
    return r == 0 ? buf_append_char(out, '\n') : r;
}

int
sse_encode_body(struct buf *out, struct str name, struct str data)
{
    if (!sse_event_name_is_valid(name) || !utf8_is_valid(data)) {
        return ERR_SYNTAX;
    }
    size_t size_before = out->size;
    int r = encoder_append(out, name, data);
    if (r != 0) {
        out->size = size_before;
    }
    return r;
}

/* Takes a line off the front, without its LF; false where no LF is left. */
static bool
body_take_line(struct str *rest, struct str *ret_line)
{
    const char *lf = rest->size > 0 ? memchr(rest->data, '\n', rest->size) : NULL;
    if (lf == NULL) {
        return false;
    }
    *ret_line = (struct str){rest->data, (size_t)(lf - rest->data)};
    *rest = str_after(*rest, ret_line->size + 1);
    return true;
}

static bool
body_line_is_data(struct str line)
{
    return str_equal(line, STR("data:")) ||
           (str_starts_with(line, STR("data: ")) && line.size > sizeof("data: ") - 1);
}

static bool
body_line_is_name(struct str line)
{
    struct str name = str_after(line, sizeof("event: ") - 1);
    return str_starts_with(line, STR("event: ")) && !encoder_name_is_default(name) &&
           sse_event_name_is_valid(name);
}

bool
sse_body_is_valid(struct str body)
{
    struct str rest = body;
    struct str line;
    if (!utf8_is_valid(body) || !body_take_line(&rest, &line) ||
        memchr(body.data, '\r', body.size) != NULL) {
        return false;
    }
    if (body_line_is_name(line) && !body_take_line(&rest, &line)) {
        return false;
    }
    if (!body_line_is_data(line)) {
        return false;
    }
    do {
        if (!body_take_line(&rest, &line)) {
            return false;
        }
    } while (body_line_is_data(line));
    return line.size == 0 && rest.size == 0;
}
