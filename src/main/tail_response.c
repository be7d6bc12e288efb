#include "main/tail_response.h"

enum { TEXT_SIZE_MAX = 64 * 1024, CHUNK_SIZE_DIGITS_MAX = 15 };

/* What the head says of the body. */
struct framing {
    bool is_chunked;
    bool has_size;
    uint64_t size;
};

void
tail_response_init(struct tail_response *r, const struct tail_response_handler *handler, void *arg)
{
    *r = (struct tail_response){.handler = handler, .arg = arg, .state = RESPONSE_HEAD};
    buf_init(&r->text, TEXT_SIZE_MAX);
}

void
tail_response_fini(struct tail_response *r)
{
    buf_fini(&r->text);
}

bool
tail_response_is_done(const struct tail_response *r)
{
    return r->state == RESPONSE_DONE;
}

static struct str
response_trim(struct str s)
{
    while (s.size > 0 && (s.data[0] == ' ' || s.data[0] == '\t')) {
        s = str_after(s, 1);
    }
    while (s.size > 0 && (s.data[s.size - 1] == ' ' || s.data[s.size - 1] == '\t')) {
        s.size--;
    }
    return s;
}

/* Takes a line off the front, without its line end; the rest holds at least one. */
static struct str
response_take_line(struct str *rest)
{
    const char *lf = memchr(rest->data, '\n', rest->size);
    struct str line = {rest->data, (size_t)(lf - rest->data)};
    *rest = str_after(*rest, line.size + 1);
    line.size -= line.size > 0 && line.data[line.size - 1] == '\r' ? 1 : 0;
    return line;
}

static int
response_parse_status(struct str line, struct tail_response_head *head)
{
    enum { STATUS_BEGIN = 9, STATUS_END = 12 }; /* "HTTP/1.1 200" */
    uint64_t status;
    if ((!str_starts_with(line, STR("HTTP/1.1 ")) && !str_starts_with(line, STR("HTTP/1.0 "))) ||
        line.size < STATUS_END || (line.size > STATUS_END && line.data[STATUS_END] != ' ') ||
        str_to_u64((struct str){line.data + STATUS_BEGIN, STATUS_END - STATUS_BEGIN}, 999,
                   &status) != 0) {
        return ERR_PROTOCOL;
    }
    head->status = (int)status;
    head->reason = response_trim(str_after(line, STATUS_END));
    return 0;
}

static int
response_on_size(struct str value, struct framing *framing)
{
    uint64_t size;
    if (str_to_u64(value, UINT64_MAX, &size) != 0 || (framing->has_size && framing->size != size)) {
        return ERR_PROTOCOL;
    }
    framing->has_size = true;
    framing->size = size;
    return 0;
}

static int
response_on_header(struct str name,
                   struct str value,
                   struct tail_response_head *head,
                   struct framing *framing)
{
    if (str_equal_nocase(name, STR("Transfer-Encoding"))) {
        framing->is_chunked = str_equal_nocase(value, STR("chunked"));
        return framing->is_chunked ? 0 : ERR_PROTOCOL;
    }
    if (str_equal_nocase(name, STR("Content-Length"))) {
        return response_on_size(value, framing);
    }
    if (str_equal_nocase(name, STR("Content-Type"))) {
        const char *parameters = value.size > 0 ? memchr(value.data, ';', value.size) : NULL;
        value.size = parameters != NULL ? (size_t)(parameters - value.data) : value.size;
        head->media_type = response_trim(value);
    } else if (str_equal_nocase(name, STR("Location"))) {
        head->location = value;
    }
    return 0;
}

static int
response_parse_header(struct str line, struct tail_response_head *head, struct framing *framing)
{
    const char *colon = memchr(line.data, ':', line.size);
    if (colon == NULL || colon == line.data || line.data[0] == ' ' || line.data[0] == '\t') {
        return ERR_PROTOCOL;
    }
    struct str name = {line.data, (size_t)(colon - line.data)};
    return response_on_header(name, response_trim(str_after(line, name.size + 1)), head, framing);
}

static void
response_begin_body(struct tail_response *r, int status, const struct framing *framing)
{
    if (status == 204 || status == 304) {
        r->state = RESPONSE_DONE;
    } else if (framing->is_chunked) {
        r->state = RESPONSE_CHUNK_SIZE;
    } else if (framing->has_size) {
        r->state = framing->size > 0 ? RESPONSE_BODY_OF_SIZE : RESPONSE_DONE;
        r->left_bytes = framing->size;
    } else {
        r->state = RESPONSE_BODY_TO_END;
    }
}

/* r->text holds the whole head. */
static int
response_on_head(struct tail_response *r)
{
    struct tail_response_head head = {0};
    struct framing framing = {0};
    struct str rest = buf_str(&r->text);
    int err = response_parse_status(response_take_line(&rest), &head);
    for (struct str line; err == 0 && (line = response_take_line(&rest)).size > 0;) {
        err = response_parse_header(line, &head, &framing);
    }
    if (err != 0 || head.status < 200) {
        return err != 0 || head.status != 101 ? err
                                              : ERR_PROTOCOL; /* others: another head follows */
    }
    response_begin_body(r, head.status, &framing);
    return r->handler->on_head(r->arg, &head);
}

static int
response_hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    int lower = c | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* RFC 9112, section 7.1: digits, then perhaps an extension, which nobody knows. */
static int
response_on_chunk_size(struct tail_response *r, struct str line)
{
    uint64_t size = 0;
    size_t at = 0;
    while (at < line.size && at <= CHUNK_SIZE_DIGITS_MAX &&
           response_hex_value(line.data[at]) >= 0) {
        size = size * 16 + (uint64_t)response_hex_value(line.data[at++]);
    }
    struct str rest = str_after(line, at);
    bool is_ended =
        rest.size == 0 || rest.data[0] == ';' || rest.data[0] == ' ' || rest.data[0] == '\t';
    if (at == 0 || at > CHUNK_SIZE_DIGITS_MAX || !is_ended) {
        return ERR_PROTOCOL;
    }
    r->left_bytes = size;
    r->state = size > 0 ? RESPONSE_CHUNK_DATA : RESPONSE_TRAILER;
    return 0;
}

static int
response_on_line(struct tail_response *r, struct str line)
{
    if (r->state == RESPONSE_CHUNK_SIZE) {
        return response_on_chunk_size(r, line);
    }
    if (r->state == RESPONSE_CHUNK_END) {
        r->state = RESPONSE_CHUNK_SIZE;
        return line.size == 0 ? 0 : ERR_PROTOCOL;
    }
    if (r->state == RESPONSE_TRAILER) {
        r->state = line.size == 0 ? RESPONSE_DONE : RESPONSE_TRAILER;
        return 0;
    }
    return response_on_head(r);
}

/* The head is kept until its empty line; of the chunked coding one line at a time. */
static int
response_feed_line(struct tail_response *r, struct str *rest)
{
    const char *lf = memchr(rest->data, '\n', rest->size);
    size_t size = lf != NULL ? (size_t)(lf - rest->data) + 1 : rest->size;
    int err = buf_append(&r->text, rest->data, size);
    *rest = str_after(*rest, size);
    if (err != 0 || lf == NULL) {
        return err;
    }
    struct str text = str_after(buf_str(&r->text), r->line_begin);
    struct str line = response_take_line(&text);
    if (r->state == RESPONSE_HEAD && line.size > 0) {
        r->line_begin = r->text.size;
        return 0;
    }
    err = response_on_line(r, line);
    buf_clear(&r->text);
    r->line_begin = 0;
    return err;
}

static int
response_feed_body(struct tail_response *r, struct str *rest)
{
    struct str piece = *rest;
    if (r->state != RESPONSE_BODY_TO_END) {
        piece.size = piece.size < r->left_bytes ? piece.size : (size_t)r->left_bytes;
        r->left_bytes -= piece.size;
        if (r->left_bytes == 0) {
            r->state = r->state == RESPONSE_CHUNK_DATA ? RESPONSE_CHUNK_END : RESPONSE_DONE;
        }
    }
    *rest = str_after(*rest, piece.size);
    return r->handler->on_body(r->arg, piece);
}

static bool
response_is_in_body(const struct tail_response *r)
{
    return r->state == RESPONSE_BODY_TO_END || r->state == RESPONSE_BODY_OF_SIZE ||
           r->state == RESPONSE_CHUNK_DATA;
}

int
tail_response_feed(struct tail_response *r, struct str data)
{
    int err = 0;
    while (err == 0 && data.size > 0 && r->state != RESPONSE_DONE) {
        err = response_is_in_body(r) ? response_feed_body(r, &data) : response_feed_line(r, &data);
    }
    return err;
}
