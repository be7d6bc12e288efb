#include "http/request_parser.h"

#include "http/syntax.h"
#include "http/target.h"

#include <assert.h>

enum state {
    STATE_START, /* an empty line before the request line is let pass once (RFC 9112 2.2) */
    STATE_START_LF,
    STATE_METHOD,
    STATE_TARGET,
    STATE_VERSION,
    STATE_VERSION_LF,
    STATE_FIELD, /* the first byte of a field line, or of the empty line at the end */
    STATE_NAME,
    STATE_VALUE,
    STATE_VALUE_LF,
    STATE_END_LF,
    STATE_COMPLETE,
    STATE_REFUSED,
};

static const char request_parser_no_crlf[] = "a line does not end in CR LF";

void
request_parser_init(struct request_parser *p, uint32_t limit)
{
    *p = (struct request_parser){.limit = limit, .state = STATE_START};
}

static void
request_parser_refuse(struct request_parser *p, enum metric_status status, const char *problem)
{
    p->state = STATE_REFUSED;
    p->status = status;
    p->problem = problem;
}

static struct str
request_parser_slice(const char *head, struct request_span span)
{
    return (struct str){head + span.begin, span.end - span.begin};
}

/* The bytes since the mark, without the one that is looked at. */
static struct request_span
request_parser_marked(const struct request_parser *p)
{
    return (struct request_span){p->mark, p->position};
}

static void
request_parser_begin(struct request_parser *p, enum state state, uint32_t mark)
{
    p->state = (uint8_t)state;
    p->mark = mark;
}

/* A line feed must come now. */
static void
request_parser_on_lf(struct request_parser *p, char c, enum state next)
{
    if (c != '\n') {
        request_parser_refuse(p, METRIC_STATUS_400,
                              "a carriage return stands without its line feed");
        return;
    }
    request_parser_begin(p, next, p->position + 1);
}

static void
request_parser_end_method(struct request_parser *p, const char *head)
{
    static const struct {
        struct str text;
        enum request_method method;
    } known[] = {
        {{"GET", 3}, REQUEST_GET}, {{"HEAD", 4}, REQUEST_HEAD}, {{"OPTIONS", 7}, REQUEST_OPTIONS}};
    struct str text = request_parser_slice(head, request_parser_marked(p));
    p->method = REQUEST_OTHER;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (str_equal(text, known[i].text)) {
            p->method = (uint8_t)known[i].method;
        }
    }
    request_parser_begin(p, STATE_TARGET, p->position + 1);
}

static void
request_parser_on_method(struct request_parser *p, const char *head, char c)
{
    if (c == ' ' && p->position > p->mark) {
        request_parser_end_method(p, head);
    } else if (!syntax_is_token(c)) {
        request_parser_refuse(p, METRIC_STATUS_400,
                              "the request does not begin with a method and a blank");
    }
}

static void
request_parser_on_start(struct request_parser *p, const char *head, char c)
{
    if (c == '\r' && p->position == 0) {
        p->state = STATE_START_LF;
        return;
    }
    request_parser_begin(p, STATE_METHOD, p->position);
    request_parser_on_method(p, head, c);
}

static void
request_parser_end_target(struct request_parser *p, const char *head)
{
    struct str path;
    struct str query;
    p->target = request_parser_marked(p);
    if (target_split(request_parser_slice(head, p->target), &path, &query) != 0) {
        request_parser_refuse(p, METRIC_STATUS_400,
                              "the request target is neither a path nor an http URL");
        return;
    }
    request_parser_begin(p, STATE_VERSION, p->position + 1);
}

/* Any visible ASCII: browsers leave some bare that RFC 3986 would have encoded. A fragment is never
 * sent. */
static void
request_parser_on_target(struct request_parser *p, const char *head, char c)
{
    if (c == ' ') {
        request_parser_end_target(p, head);
    } else if (c == '\r' || c == '\n') {
        request_parser_refuse(p, METRIC_STATUS_400, "the request line has no HTTP version");
    } else if (!syntax_is_visible(c) || c == '#') {
        request_parser_refuse(p, METRIC_STATUS_400,
                              "the request target holds a byte that must be percent-encoded");
    }
}

/* "HTTP/" DIGIT "." DIGIT; a higher minor version of 1 is taken for 1.1 (RFC 9110 2.5). */
static void
request_parser_end_version(struct request_parser *p, const char *head)
{
    struct str text = request_parser_slice(head, request_parser_marked(p));
    uint64_t major;
    uint64_t minor;
    if (text.size != 8 || !str_starts_with(text, STR("HTTP/")) || text.data[6] != '.' ||
        str_to_u64((struct str){text.data + 5, 1}, 9, &major) != 0 ||
        str_to_u64((struct str){text.data + 7, 1}, 9, &minor) != 0) {
        request_parser_refuse(p, METRIC_STATUS_400,
                              "the request line does not end in an HTTP version");
    } else if (major != 1) {
        request_parser_refuse(p, METRIC_STATUS_505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
    } else {
        p->is_http_1_0 = minor == 0;
        p->state = STATE_VERSION_LF;
    }
}

static void
request_parser_on_version(struct request_parser *p, const char *head, char c)
{
    if (c == '\r') {
        request_parser_end_version(p, head);
    } else if (c == '\n') {
        request_parser_refuse(p, METRIC_STATUS_400, request_parser_no_crlf);
    } else if (p->position - p->mark >= 8) {
        request_parser_refuse(p, METRIC_STATUS_400,
                              "the request line does not end in an HTTP version");
    }
}

static void
request_parser_on_name(struct request_parser *p, char c)
{
    if (c == ':' && p->position > p->mark) {
        p->name = request_parser_marked(p);
        request_parser_begin(p, STATE_VALUE, p->position + 1);
    } else if (!syntax_is_token(c)) {
        request_parser_refuse(p, METRIC_STATUS_400,
                              "a header line does not begin with a field name and a colon");
    }
}

static void
request_parser_on_field(struct request_parser *p, char c)
{
    if (c == '\r') {
        p->lines.end = p->position;
        p->state = STATE_END_LF;
    } else if (c == ' ' || c == '\t') {
        request_parser_refuse(p, METRIC_STATUS_400, "a header line is folded");
    } else if (p->fields_length == REQUEST_PARSER_FIELDS_MAX) {
        request_parser_refuse(p, METRIC_STATUS_431, "the request has too many header fields");
    } else {
        p->fields_length++;
        request_parser_begin(p, STATE_NAME, p->position);
        request_parser_on_name(p, c);
    }
}

/* Keeps a known field. All but Accept stand at most once: two proxies might each believe another
 * one. */
static void
request_parser_end_field(struct request_parser *p, const char *head)
{
    int field = request_find_field(request_parser_slice(head, p->name));
    if (field < 0) {
        return;
    }
    if (p->fields[field].end == 0) {
        p->fields[field] = p->value;
    } else if (field == REQUEST_ACCEPT) {
        p->is_accept_repeated = true;
    } else {
        request_parser_refuse(p, METRIC_STATUS_400,
                              "a header field that may stand once stands twice");
    }
}

static void
request_parser_end_value(struct request_parser *p, const char *head)
{
    struct str value = syntax_trim(request_parser_slice(head, request_parser_marked(p)));
    uint32_t begin = (uint32_t)(value.data - head);
    p->value = (struct request_span){begin, begin + (uint32_t)value.size};
    p->state = STATE_VALUE_LF;
    request_parser_end_field(p, head);
}

static void
request_parser_on_value(struct request_parser *p, const char *head, char c)
{
    if (c == '\r') {
        request_parser_end_value(p, head);
    } else if (c == '\n') {
        request_parser_refuse(p, METRIC_STATUS_400, request_parser_no_crlf);
    } else if (!syntax_is_field_value(c)) {
        request_parser_refuse(p, METRIC_STATUS_400, "a header field holds a control character");
    }
}

static void
request_parser_on_end_lf(struct request_parser *p, const char *head, char c)
{
    request_parser_on_lf(p, c, STATE_COMPLETE);
    if (p->state == STATE_COMPLETE) {
        struct request request;
        request_parser_get(p, head, &request);
        const char *problem = request_problem(&request);
        if (problem != NULL) {
            request_parser_refuse(p, METRIC_STATUS_400, problem);
        }
    }
}

static void
request_parser_step(struct request_parser *p, const char *head, char c)
{
    switch ((enum state)p->state) {
    case STATE_START:
        request_parser_on_start(p, head, c);
        break;
    case STATE_START_LF:
        request_parser_on_lf(p, c, STATE_METHOD);
        break;
    case STATE_METHOD:
        request_parser_on_method(p, head, c);
        break;
    case STATE_TARGET:
        request_parser_on_target(p, head, c);
        break;
    case STATE_VERSION:
        request_parser_on_version(p, head, c);
        break;
    case STATE_VERSION_LF:
        p->lines.begin = p->position + 1;
        request_parser_on_lf(p, c, STATE_FIELD);
        break;
    case STATE_VALUE_LF:
        request_parser_on_lf(p, c, STATE_FIELD);
        break;
    case STATE_FIELD:
        request_parser_on_field(p, c);
        break;
    case STATE_NAME:
        request_parser_on_name(p, c);
        break;
    case STATE_VALUE:
        request_parser_on_value(p, head, c);
        break;
    case STATE_END_LF:
        request_parser_on_end_lf(p, head, c);
        break;
    case STATE_COMPLETE:
    case STATE_REFUSED:
        break;
    }
}

static void
request_parser_refuse_size(struct request_parser *p)
{
    if (p->state <= STATE_TARGET) {
        request_parser_refuse(p, METRIC_STATUS_414, "the request line is too long");
    } else {
        request_parser_refuse(p, METRIC_STATUS_431, "the request head is too large");
    }
}

int
request_parser_feed(struct request_parser *p, const char *head, size_t size)
{
    while (p->state < STATE_COMPLETE && p->position < size) {
        request_parser_step(p, head, head[p->position]);
        p->position++;
        if (p->state < STATE_COMPLETE && p->position >= p->limit) {
            request_parser_refuse_size(p);
        }
    }
    if (p->state == STATE_COMPLETE) {
        return 0;
    }
    return p->state == STATE_REFUSED ? REQUEST_PARSER_E_REFUSED : REQUEST_PARSER_E_MORE;
}

void
request_parser_get(const struct request_parser *p, const char *head, struct request *ret_request)
{
    *ret_request = (struct request){
        .method = p->method,
        .is_http_1_0 = p->is_http_1_0,
        .is_accept_repeated = p->is_accept_repeated,
        .lines = request_parser_slice(head, p->lines),
    };
    struct str target = request_parser_slice(head, p->target);
    int rc = target_split(target, &ret_request->path, &ret_request->query);
    assert(rc == 0 && "was split before");
    (void)rc;
    for (enum request_field i = 0; i < REQUEST_FIELD_COUNT; i++) {
        if (p->fields[i].end != 0) {
            ret_request->fields[i] = request_parser_slice(head, p->fields[i]);
        }
    }
}
