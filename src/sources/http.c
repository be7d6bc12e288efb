#include "sources/http.h"

#include "base/log.h"
#include "event/loop.h"
#include "observability/health.h"
#include "observability/metrics.h"
#include "sources/http_answer.h"
#include "sources/http_request.h"
#include "sources/http_waiters.h"

#include <event2/buffer.h>
#include <event2/http.h>

#include <stdlib.h>

enum {
    HTTP_TOPIC_SIZE_MAX = 1024, /* chosen: longer than topics are */
    HTTP_UNAUTHORIZED = 401,
    HTTP_FORBIDDEN = 403
};

static const struct str http_prefix = {HTTP_SOURCE_PREFIX, sizeof HTTP_SOURCE_PREFIX - 1};

struct http {
    struct source source; /* first */
    struct source_settings settings;
    struct http_waiters waiters;
    bool is_started;
};

static void
http_set_up(struct http *h, bool is_up)
{
    const struct source_settings *settings = &h->settings;
    char component[SOURCE_COMPONENT_SIZE_MAX];
    source_component(settings->config, component);
    health_set(settings->health, component, is_up, is_up ? "" : "stopped");
    metrics_series_set(settings->series, METRIC_SOURCE_UP, 0, is_up);
    h->is_started = is_up;
}

static const char *
http_header(struct evhttp_request *request, const char *name)
{
    return evhttp_find_header(evhttp_request_get_input_headers(request), name);
}

/* Answers where it is not allowed. */
static bool
http_is_allowed(const struct http *h, struct evhttp_request *request)
{
    struct str token = str_from(h->settings.config->http.token);
    /* No PUT: whoever sends that may send it twice (RFC 9110 9.2.2), and each would be an event. */
    if (evhttp_request_get_command(request) != EVHTTP_REQ_POST) {
        http_answer_error(request, HTTP_BADMETHOD, "Publish with POST.");
        return false;
    }
    if (token.size == 0) {
        if (http_header(request, "Origin") == NULL) {
            return true;
        }
        http_answer_error(request, HTTP_FORBIDDEN,
                          "Web pages may not publish to a source without a token.");
        return false;
    }
    if (!http_request_has_token(str_from(http_header(request, "Authorization")), token)) {
        http_answer_error(request, HTTP_UNAUTHORIZED, "The bearer token is missing or wrong.");
        return false;
    }
    return true;
}

/* Answers where there is none. */
static bool
http_read_topic(struct evhttp_request *request, struct buf *topic)
{
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    if (evhttp_uri_get_query(uri) != NULL) {
        http_answer_error(request, HTTP_BADREQUEST, "A '?' of the topic is written %3F.");
        return false;
    }
    int err = http_request_topic(str_from(evhttp_uri_get_path(uri)), http_prefix, topic);
    if (err == ERR_MEMORY) {
        http_answer_error(request, HTTP_SERVUNAVAIL, "Out of memory.");
    } else if (err == ERR_LIMIT) {
        _Static_assert(HTTP_TOPIC_SIZE_MAX == 1024, "as the sentence says");
        http_answer_error(request, HTTP_BADREQUEST, "The topic is longer than 1024 bytes.");
    } else if (err != 0) {
        http_answer_error(request, HTTP_BADREQUEST, "An escape of the topic is not %XX.");
    } else if (topic->size == 0) {
        http_answer_error(request, HTTP_NOTFOUND, "The path is /publish/ and the topic.");
    }
    return err == 0 && topic->size > 0;
}

static int
http_give(const struct http *h, struct evbuffer *body, struct str topic, uint64_t *ret_ticket)
{
    const struct sink *sink = &h->settings.sink;
    size_t size = evbuffer_get_length(body);
    const char *data = (const char *)evbuffer_pullup(body, -1);
    if (data == NULL && size > 0) {
        return ERR_MEMORY;
    }
    const struct message message = {
        .topic = topic, .payload = {data, size}, .received_ms = loop_wall_ms(h->settings.loop)};
    return sink->on_message(sink->arg, &message, ret_ticket);
}

static void
http_hold_back(struct http *h, struct evhttp_request *request, const char *why)
{
    metrics_series_add(h->settings.series, METRIC_SOURCE_HELD_BACK, 0, 1);
    http_answer_error(request, HTTP_SERVUNAVAIL, why);
}

/* What the sink said. */
static void
http_refuse(struct http *h, struct evhttp_request *request, int result)
{
    if (sink_may_pass(result)) {
        http_hold_back(h, request,
                       result == ERR_MEMORY ? "Out of memory." : "The replay log's queue is full.");
    } else {
        http_answer_error(request, HTTP_ENTITYTOOLARGE,
                          "The message becomes more than the replay log takes.");
    }
}

static void
http_publish(struct http *h, struct evhttp_request *request, struct str topic)
{
    struct evbuffer *body = evhttp_request_get_input_buffer(request);
    struct http_waiter *waiter = http_waiters_reserve(&h->waiters);
    uint64_t ticket = 0;
    if (waiter == NULL) {
        http_hold_back(h, request, "Too many requests wait for the replay log.");
        return;
    }
    int result = http_give(h, body, topic, &ticket);
    if (result != 0) {
        http_waiters_cancel(&h->waiters, waiter);
        http_refuse(h, request, result);
        return;
    }
    metrics_series_add(h->settings.series, METRIC_SOURCE_MESSAGES, 0, 1);
    (void)evbuffer_drain(body, evbuffer_get_length(body)); /* not kept while the request waits */
    http_waiters_add(&h->waiters, waiter, request, ticket,
                     h->settings.sink.last_events(h->settings.sink.arg));
}

void
http_source_on_request(struct evhttp_request *request, void *source)
{
    struct http *h = source;
    struct buf topic;
    if (!http_is_allowed(h, request)) {
        return;
    }
    if (!h->is_started) {
        http_answer_error(request, HTTP_SERVUNAVAIL, "The process ends.");
        return;
    }
    buf_init(&topic, HTTP_TOPIC_SIZE_MAX);
    if (http_read_topic(request, &topic)) {
        http_publish(h, request, buf_str(&topic));
    }
    buf_fini(&topic);
}

static void
http_start(struct source *s)
{
    struct http *h = (struct http *)s;
    http_set_up(h, true);
    log_info("source.up", LOG_TEXT("source", h->settings.config->name));
}

static void
http_stop(struct source *s)
{
    http_set_up((struct http *)s, false);
}

static void
http_on_stored(struct source *s, uint64_t ticket)
{
    http_waiters_store(&((struct http *)s)->waiters, ticket);
}

/* It takes every topic. */
static int
http_plan(struct source *s, const struct source_subscription *subscriptions, size_t length)
{
    (void)s;
    (void)subscriptions;
    (void)length;
    return 0;
}

static void
http_resubscribe(struct source *s)
{
    const struct source_owner *owner = &((struct http *)s)->settings.owner;
    owner->on_resubscribed(owner->arg);
}

static bool
http_is_idle(const struct source *s)
{
    return http_waiters_is_empty(&((const struct http *)s)->waiters);
}

static void
http_on_dropped(struct source *s, uint64_t ticket)
{
    http_waiters_drop(&((struct http *)s)->waiters, ticket);
}

static void
http_free(struct source *s)
{
    struct http *h = (struct http *)s;
    http_waiters_fini(&h->waiters);
    free(h);
}

static const struct source_ops http_ops = {.start = http_start,
                                           .stop = http_stop,
                                           .free = http_free,
                                           .plan = http_plan,
                                           .resubscribe = http_resubscribe,
                                           .on_stored = http_on_stored,
                                           .on_dropped = http_on_dropped,
                                           .is_idle = http_is_idle};

int
http_source_new(const struct source_settings *settings, struct source **ret_source)
{
    struct http *h = calloc(1, sizeof *h);
    if (h == NULL) {
        return ERR_MEMORY;
    }
    h->source.ops = &http_ops;
    h->settings = *settings;
    http_waiters_init(&h->waiters, settings->loop);
    *ret_source = &h->source;
    return 0;
}
