#include "http/response.h"

#include <inttypes.h>
#include <time.h>

enum { RESPONSE_DATE_SIZE_MAX = 32 };

/* By enum metric_status: the status line's code and phrase. */
static const char *const response_statuses[METRIC_STATUS_COUNT] = {
    [METRIC_STATUS_200] = "200 OK",
    [METRIC_STATUS_204] = "204 No Content",
    [METRIC_STATUS_400] = "400 Bad Request",
    [METRIC_STATUS_403] = "403 Forbidden",
    [METRIC_STATUS_404] = "404 Not Found",
    [METRIC_STATUS_405] = "405 Method Not Allowed",
    [METRIC_STATUS_406] = "406 Not Acceptable",
    [METRIC_STATUS_408] = "408 Request Timeout",
    [METRIC_STATUS_413] = "413 Content Too Large",
    [METRIC_STATUS_414] = "414 URI Too Long",
    [METRIC_STATUS_431] = "431 Request Header Fields Too Large",
    [METRIC_STATUS_505] = "505 HTTP Version Not Supported",
};

struct response
response_text(enum metric_status status, struct str text)
{
    return (struct response){
        .status = status,
        .framing = RESPONSE_SIZED,
        .content_type = STR("text/plain; charset=utf-8"),
        .fields = STR("Cache-Control: no-store\r\n"),
        .body = text,
    };
}

struct response
response_stream(bool is_bare)
{
    return (struct response){
        .status = METRIC_STATUS_200,
        .framing = is_bare ? RESPONSE_BARE : RESPONSE_CHUNKED,
        .content_type = STR("text/event-stream"),
        .fields = STR("Cache-Control: no-cache, no-transform\r\n"
                      "X-Accel-Buffering: no\r\n"),
    };
}

/* RFC 9110 5.6.7: IMF-fixdate. The program never leaves the C locale, so the names are English. */
static int
response_render_date(const struct response *r, struct buf *out)
{
    char text[RESPONSE_DATE_SIZE_MAX];
    struct tm parts;
    time_t seconds = (time_t)(r->wall_ms / 1000);
    if (gmtime_r(&seconds, &parts) == NULL ||
        strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &parts) == 0) {
        return 0;
    }
    return buf_printf(out, "Date: %s\r\n", text);
}

static int
response_render_cors(const struct cors *cors, struct buf *out)
{
    int rc = 0;
    if (cors->origin.size > 0) {
        rc = buf_printf(out, "Access-Control-Allow-Origin: " STR_FMT "\r\n", STR_ARG(cors->origin));
    }
    if (rc == 0 && cors->has_credentials) {
        rc = buf_append_str(out, STR("Access-Control-Allow-Credentials: true\r\n"));
    }
    return rc == 0 && cors->is_varying ? buf_append_str(out, STR("Vary: Origin\r\n")) : rc;
}

static int
response_render_framing(const struct response *r, struct buf *out)
{
    switch (r->framing) {
    case RESPONSE_SIZED:
        if (r->status == METRIC_STATUS_204) { /* RFC 9110 8.6: must not have one */
            return 0;
        }
        return buf_printf(out, "Content-Length: %zu\r\n", r->body.size);
    case RESPONSE_CHUNKED:
        return buf_append_str(out, STR("Transfer-Encoding: chunked\r\n"));
    case RESPONSE_BARE:
        break;
    }
    return 0;
}

static int
response_render_type(const struct response *r, struct buf *out)
{
    if (r->content_type.size == 0) {
        return 0;
    }
    return buf_printf(out, "Content-Type: " STR_FMT "\r\nX-Content-Type-Options: nosniff\r\n",
                      STR_ARG(r->content_type));
}

int
response_render(const struct response *r, struct buf *out)
{
    int rc = buf_printf(out, "HTTP/1.1 %s\r\n", response_statuses[r->status]);
    rc = rc == 0 ? response_render_date(r, out) : rc;
    rc = rc == 0 ? response_render_type(r, out) : rc;
    rc = rc == 0 ? buf_append_str(out, r->fields) : rc;
    rc = rc == 0 ? response_render_cors(&r->cors, out) : rc;
    rc = rc == 0 ? response_render_framing(r, out) : rc;
    /* RFC 9112 9.6: who keeps no connection says so in every response. */
    rc = rc == 0 ? buf_append_str(out, STR("Connection: close\r\n\r\n")) : rc;
    bool has_body = r->framing == RESPONSE_SIZED && !r->is_head;
    return rc == 0 && has_body ? buf_append_str(out, r->body) : rc;
}
