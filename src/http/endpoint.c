#include "http/endpoint.h"

#include "http/accept.h"
#include "http/page.h"

#include <stdio.h>

/* Sets the response, but for what all responses to this request share (cors, date, HEAD). */
static void
endpoint_set(struct endpoint_reply *reply, const struct response *response)
{
    struct response set = *response;
    set.cors = reply->response.cors;
    set.is_head = reply->response.is_head;
    set.wall_ms = reply->response.wall_ms;
    reply->response = set;
}

static void
endpoint_refuse(struct endpoint_reply *reply, enum metric_status status, const char *problem)
{
    int size = snprintf(reply->text, sizeof(reply->text), "%s\n", problem);
    struct response response = response_text(status, (struct str){reply->text, (size_t)size});
    endpoint_set(reply, &response);
}

/* A native EventSource sends no preflight; clients that set Last-Event-ID themselves do. */
static void
endpoint_options(struct endpoint_reply *reply)
{
    struct response response = {.status = METRIC_STATUS_204, .framing = RESPONSE_SIZED};
    response.fields = STR("Allow: GET, HEAD, OPTIONS\r\n");
    if (reply->response.cors.origin.size > 0) {
        response.fields = STR("Allow: GET, HEAD, OPTIONS\r\n"
                              "Access-Control-Allow-Methods: GET, HEAD\r\n"
                              "Access-Control-Allow-Headers: Last-Event-ID, Cache-Control\r\n"
                              "Access-Control-Max-Age: 86400\r\n");
    }
    endpoint_set(reply, &response);
}

static void
endpoint_page(struct endpoint_reply *reply, const struct page_file *file)
{
    struct response response = {
        .status = METRIC_STATUS_200,
        .framing = RESPONSE_SIZED,
        .content_type = file->content_type,
        .fields = page_fields(),
        .body = file->body,
    };
    endpoint_set(reply, &response);
}

static int
endpoint_events(struct endpoint_reply *reply,
                const struct config_http *config,
                const struct request *request,
                struct str in_path)
{
    struct str accept = request->fields[REQUEST_ACCEPT];
    if (!request->is_accept_repeated && !accept_allows_event_stream(accept)) {
        endpoint_refuse(reply, METRIC_STATUS_406, "there is only text/event-stream here");
        return 0;
    }
    int rc =
        subscription_parse(&reply->subscription, request, in_path, config, reply->response.wall_ms);
    if (rc == SUBSCRIPTION_E_REFUSED || rc == SUBSCRIPTION_E_FORBIDDEN) {
        endpoint_refuse(reply, rc == SUBSCRIPTION_E_REFUSED ? METRIC_STATUS_400 : METRIC_STATUS_403,
                        reply->subscription.problem);
        return 0;
    }
    struct response head = response_stream(request->is_http_1_0 || reply->response.is_head);
    endpoint_set(reply, &head);
    reply->is_stream = rc == 0 && !reply->response.is_head;
    return rc;
}

static int
endpoint_get(struct endpoint_reply *reply,
             const struct config_http *config,
             const struct request *request)
{
    static const struct str events = {"/events/", 8};
    if (str_equal(request->path, STR("/events")) || str_starts_with(request->path, events)) {
        return endpoint_events(reply, config, request, str_after(request->path, events.size));
    }
    const struct page_file *file = config->page ? page_find(request->path) : NULL;
    if (file != NULL) {
        endpoint_page(reply, file);
    } else {
        endpoint_refuse(reply, METRIC_STATUS_404, "nothing here: streams are at /events/{channel}");
    }
    return 0;
}

int
endpoint_decide(struct endpoint_reply *reply,
                const struct config_http *config,
                const struct request *request,
                uint64_t wall_ms)
{
    *reply = (struct endpoint_reply){.is_stream = false};
    reply->response.wall_ms = wall_ms;
    reply->response.is_head = request->method == REQUEST_HEAD;
    reply->response.cors = cors_decide(config, request->fields[REQUEST_ORIGIN]);
    if (request->method == REQUEST_OTHER) {
        endpoint_refuse(reply, METRIC_STATUS_405, "only GET, HEAD and OPTIONS here");
        reply->response.fields = STR("Allow: GET, HEAD, OPTIONS\r\n");
    } else if (request_has_body(request)) {
        endpoint_refuse(reply, METRIC_STATUS_413, "a request has no body here");
    } else if (request->method == REQUEST_OPTIONS) {
        endpoint_options(reply);
    } else {
        return endpoint_get(reply, config, request);
    }
    return 0;
}

void
endpoint_refuse_head(struct endpoint_reply *reply,
                     enum metric_status status,
                     const char *problem,
                     bool is_head,
                     uint64_t wall_ms)
{
    *reply = (struct endpoint_reply){.is_stream = false};
    reply->response.wall_ms = wall_ms;
    reply->response.is_head = is_head;
    endpoint_refuse(reply, status, problem);
}

void
endpoint_reply_fini(struct endpoint_reply *reply)
{
    subscription_fini(&reply->subscription);
}
