#include "sources/http_answer.h"

#include <event2/buffer.h>
#include <event2/http.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { HTTP_ANSWER_UNAUTHORIZED = 401 }; /* evhttp has no name for it */

static void
http_answer_header(struct evhttp_request *request, const char *name, const char *value)
{
    /* Fails only without memory; the status says what counts. */
    (void)evhttp_add_header(evhttp_request_get_output_headers(request), name, value);
}

static void
http_answer(struct evhttp_request *request, int code, const char *type, const char *text)
{
    struct evbuffer *body = evbuffer_new();
    http_answer_header(request, "Content-Type", type);
    http_answer_header(request, "Cache-Control", "no-store");
    if (body != NULL) {
        (void)evbuffer_add(body, text, strlen(text));
    }
    evhttp_send_reply(request, code, NULL, body);
    if (body != NULL) {
        evbuffer_free(body);
    }
}

void
http_answer_events(struct evhttp_request *request, uint32_t events)
{
    char text[32];
    (void)snprintf(text, sizeof text, "{\"events\":%" PRIu32 "}\n", events);
    http_answer(request, HTTP_OK, "application/json", text);
}

void
http_answer_error(struct evhttp_request *request, int code, const char *why)
{
    char text[128];
    if (code == HTTP_SERVUNAVAIL) {
        http_answer_header(request, "Retry-After", "1");
    } else if (code == HTTP_ANSWER_UNAUTHORIZED) {
        http_answer_header(request, "WWW-Authenticate", "Bearer");
    } else if (code == HTTP_BADMETHOD) {
        http_answer_header(request, "Allow", "POST");
    }
    (void)snprintf(text, sizeof text, "%s\n", why);
    http_answer(request, code, "text/plain; charset=utf-8", text);
}
