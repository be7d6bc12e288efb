#include "sse/parser.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { PARSER_FIELD_NAME_ROOM = 8 }; /* "event: ": what a line may have beside its value */

struct sse_parser {
    sse_event_fn *on_event;
    void *arg;
    size_t size_limit;
    size_t bom_size;    /* bytes of a byte order mark seen at the stream's begin */
    bool is_begun;      /* behind the place of the byte order mark */
    bool is_after_cr;   /* an LF now belongs to the line end that was already taken */
    struct buf line;    /* the begin of a line whose end has not come */
    struct buf type;    /* the three buffers of the standard */
    struct buf data;    /* each line with its LF */
    struct buf id;      /* what an id line said, in force with the next blank line */
    struct buf last_id; /* in force */
    bool has_retry;
    uint64_t retry_ms;
};

static int
parser_set(struct buf *b, struct str value)
{
    buf_clear(b);
    return buf_append_str(b, value);
}

struct sse_parser *
sse_parser_new(size_t size_limit, struct str last_event_id, sse_event_fn *on_event, void *arg)
{
    struct sse_parser *p = calloc(1, sizeof(*p));
    if (p == NULL) {
        return NULL;
    }
    p->on_event = on_event;
    p->arg = arg;
    p->size_limit = size_limit;
    buf_init(&p->line, size_limit + PARSER_FIELD_NAME_ROOM);
    buf_init(&p->type, size_limit);
    buf_init(&p->data, size_limit + 1);
    buf_init(&p->id, size_limit);
    buf_init(&p->last_id, size_limit);
    if (parser_set(&p->id, last_event_id) != 0 || parser_set(&p->last_id, last_event_id) != 0) {
        sse_parser_free(p);
        return NULL;
    }
    return p;
}

void
sse_parser_free(struct sse_parser *p)
{
    if (p == NULL) {
        return;
    }
    buf_fini(&p->line);
    buf_fini(&p->type);
    buf_fini(&p->data);
    buf_fini(&p->id);
    buf_fini(&p->last_id);
    free(p);
}

static int
parser_add_data(struct sse_parser *p, struct str value)
{
    int r = buf_append_str(&p->data, value);
    return r == 0 ? buf_append_char(&p->data, '\n') : r;
}

static void
parser_set_retry(struct sse_parser *p, struct str value)
{
    if (str_to_u64(value, UINT64_MAX, &p->retry_ms) == 0) {
        p->has_retry = true;
    }
}

static int
parser_on_field(struct sse_parser *p, struct str name, struct str value)
{
    if (str_equal(name, STR("data"))) {
        return parser_add_data(p, value);
    }
    if (str_equal(name, STR("event"))) {
        return parser_set(&p->type, value);
    }
    if (str_equal(name, STR("id"))) {
        bool has_nul = value.size > 0 && memchr(value.data, '\0', value.size) != NULL;
        return has_nul ? 0 : parser_set(&p->id, value);
    }
    if (str_equal(name, STR("retry"))) {
        parser_set_retry(p, value);
    }
    return 0;
}

static struct str
parser_data(const struct sse_parser *p)
{
    struct str data = buf_str(&p->data);
    data.size -= data.size > 0 ? 1 : 0; /* the LF of the last line */
    return data;
}

static int
parser_dispatch(struct sse_parser *p)
{
    int r = parser_set(&p->last_id, buf_str(&p->id));
    if (r == 0 && p->data.size > 0) {
        p->on_event(p->arg, &(struct sse_event){
                                .type = p->type.size > 0 ? buf_str(&p->type) : STR("message"),
                                .data = parser_data(p),
                                .last_event_id = buf_str(&p->last_id),
                            });
    }
    buf_clear(&p->type);
    buf_clear(&p->data);
    return r;
}

static int
parser_on_line(struct sse_parser *p, struct str line)
{
    if (line.size == 0) {
        return parser_dispatch(p);
    }
    const char *colon = memchr(line.data, ':', line.size);
    size_t name_size = colon != NULL ? (size_t)(colon - line.data) : line.size;
    struct str value = str_after(line, name_size + 1);
    if (str_starts_with(value, STR(" "))) {
        value = str_after(value, 1);
    }
    int r = parser_on_field(p, (struct str){line.data, name_size}, value);
    size_t event_size = p->type.size + parser_data(p).size + p->id.size;
    return r == 0 && event_size > p->size_limit ? ERR_LIMIT : r;
}

static size_t
parser_find_line_end(struct str s)
{
    size_t at = 0;
    while (at < s.size && s.data[at] != '\n' && s.data[at] != '\r') {
        at++;
    }
    return at;
}

/* `piece` ends the line that p->line begins. */
static int
parser_end_line(struct sse_parser *p, struct str piece)
{
    if (p->line.size == 0) {
        return piece.size > p->line.limit ? ERR_LIMIT : parser_on_line(p, piece);
    }
    int r = buf_append_str(&p->line, piece);
    if (r == 0) {
        r = parser_on_line(p, buf_str(&p->line));
    }
    buf_clear(&p->line);
    return r;
}

/* One byte order mark at the begin of a stream is no part of its first line. */
static int
parser_skip_bom(struct sse_parser *p, struct str *rest)
{
    const struct str bom = STR("\xef\xbb\xbf");
    while (rest->size > 0 && p->bom_size < bom.size && rest->data[0] == bom.data[p->bom_size]) {
        p->bom_size++;
        *rest = str_after(*rest, 1);
    }
    p->is_begun = p->bom_size == bom.size || rest->size > 0;
    if (p->is_begun && p->bom_size < bom.size) {
        return buf_append(&p->line, bom.data, p->bom_size); /* it was none */
    }
    return 0;
}

int
sse_parser_feed(struct sse_parser *p, const char *data, size_t size)
{
    struct str rest = {data, size};
    int r = p->is_begun ? 0 : parser_skip_bom(p, &rest);
    while (r == 0 && rest.size > 0) {
        if (p->is_after_cr) {
            p->is_after_cr = false;
            rest = str_after(rest, rest.data[0] == '\n' ? 1 : 0);
            continue;
        }
        size_t line_size = parser_find_line_end(rest);
        struct str piece = {rest.data, line_size};
        if (line_size == rest.size) {
            return buf_append_str(&p->line, piece);
        }
        p->is_after_cr = rest.data[line_size] == '\r';
        rest = str_after(rest, line_size + 1);
        r = parser_end_line(p, piece);
    }
    return r;
}

void
sse_parser_reset(struct sse_parser *p)
{
    p->bom_size = 0;
    p->is_begun = false;
    p->is_after_cr = false;
    buf_clear(&p->line);
    buf_clear(&p->type);
    buf_clear(&p->data);
    p->id.size = p->last_id.size;
    if (p->id.size > 0) {
        /* There is room: last_id is what id was, and a cleared buffer keeps its memory. */
        memcpy(p->id.data, p->last_id.data, p->id.size);
    }
}

struct str
sse_parser_last_event_id(const struct sse_parser *p)
{
    return buf_str(&p->last_id);
}

uint64_t
sse_parser_retry_ms(const struct sse_parser *p, uint64_t otherwise)
{
    return p->has_retry ? p->retry_ms : otherwise;
}
