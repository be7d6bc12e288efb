#include "http/request.h"

#include "http/syntax.h"

int
request_find_field(struct str name)
{
    static const char *const names[REQUEST_FIELD_COUNT] = {
        [REQUEST_ACCEPT] = "Accept", [REQUEST_CONTENT_LENGTH] = "Content-Length",
        [REQUEST_HOST] = "Host",     [REQUEST_LAST_EVENT_ID] = "Last-Event-ID",
        [REQUEST_ORIGIN] = "Origin", [REQUEST_TRANSFER_ENCODING] = "Transfer-Encoding",
    };
    for (int i = 0; i < REQUEST_FIELD_COUNT; i++) {
        if (str_equal_nocase(name, str_from(names[i]))) {
            return i;
        }
    }
    return -1;
}

/* The parser has seen to it that every line has a colon and ends in CR LF. */
bool
request_next_line(struct str *lines, struct str *ret_name, struct str *ret_value)
{
    const char *end = lines->size == 0 ? NULL : memchr(lines->data, '\n', lines->size);
    if (end == NULL) {
        return false;
    }
    struct str line = {lines->data, (size_t)(end - lines->data) - 1};
    const char *colon = memchr(line.data, ':', line.size);
    *ret_name = (struct str){line.data, (size_t)(colon - line.data)};
    *ret_value = syntax_trim(str_after(line, ret_name->size + 1));
    *lines = str_after(*lines, line.size + 2);
    return true;
}

static bool
request_has(const struct request *r, enum request_field field)
{
    return r->fields[field].data != NULL;
}

/* RFC 9112 6: what two parsers could read in two ways is refused. */
static const char *
request_body_problem(const struct request *r)
{
    uint64_t length;
    bool is_encoded = request_has(r, REQUEST_TRANSFER_ENCODING);
    if (is_encoded && r->is_http_1_0) {
        return "HTTP/1.0 knows no Transfer-Encoding";
    }
    if (!request_has(r, REQUEST_CONTENT_LENGTH)) {
        return NULL;
    }
    if (is_encoded) {
        return "Content-Length and Transfer-Encoding exclude each other";
    }
    bool is_number = str_to_u64(r->fields[REQUEST_CONTENT_LENGTH], INT64_MAX, &length) == 0;
    return is_number ? NULL : "Content-Length is not a number";
}

const char *
request_problem(const struct request *r)
{
    if (str_equal(r->path, STR("*")) && r->method != REQUEST_OPTIONS) {
        return "only OPTIONS can ask for *";
    }
    if (!request_has(r, REQUEST_HOST)) {
        return r->is_http_1_0 ? request_body_problem(r) : "the Host field is missing";
    }
    if (!syntax_is_authority(r->fields[REQUEST_HOST])) {
        return "the Host field is not a host with an optional port";
    }
    return request_body_problem(r);
}

bool
request_has_body(const struct request *r)
{
    uint64_t length = 0;
    bool has_length = request_has(r, REQUEST_CONTENT_LENGTH) &&
                      str_to_u64(r->fields[REQUEST_CONTENT_LENGTH], INT64_MAX, &length) == 0;
    return (has_length && length > 0) || request_has(r, REQUEST_TRANSFER_ENCODING);
}
