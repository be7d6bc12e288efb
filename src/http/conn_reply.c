/* What a connection answers: a response, a stream, or a soft refusal. */

#include "base/log.h"
#include "http/admission.h"
#include "http/conn_private.h"
#include "http/endpoint.h"
#include "http/forwarded.h"
#include "http/refusal.h"
#include "observability/metrics.h"
#include "streaming/hub.h"

#include <event2/event.h>

void
conn_fail(struct conn *c, int problem)
{
    log_debug("http.conn_failed", LOG_TEXT("problem", err_text(problem)));
    if (problem == ERR_MEMORY) {
        refusal_count(c->env->metrics, &c->address, METRIC_REFUSED_MEMORY);
    }
    conn_set_state(c, CONN_CLOSED);
}

/* The query may hold what is nobody's business. */
static void
conn_count_answer(const struct conn *c, struct str path, enum metric_status status)
{
    char address[ADDRESS_TEXT_SIZE_MAX];
    metrics_add(c->env->metrics, METRIC_HTTP_REQUESTS, status, 1);
    log_debug("http.request", LOG_TEXT("address", address_format(&c->address, address)),
              LOG_STR("path", path),
              LOG_TEXT("status", metrics_label_text(METRIC_LABEL_STATUS, status)));
}

static void
conn_send(struct conn *c, struct str path, const struct response *response)
{
    int rc = response_render(response, &c->out);
    if (rc != 0) {
        conn_fail(c, rc);
        return;
    }
    conn_count_answer(c, path, response->status);
    conn_write(c);
}

void
conn_send_problem(struct conn *c, enum metric_status status, const char *problem)
{
    struct endpoint_reply reply;
    endpoint_refuse_head(&reply, status, problem, c->parser.method == REQUEST_HEAD,
                         loop_wall_ms(c->env->loop));
    conn_send(c, STR_NULL, &reply.response);
    endpoint_reply_fini(&reply);
}

/* Why no stream can be opened now; METRIC_REFUSED_COUNT where one can. */
static enum metric_refused
conn_refusal(const struct conn *c, const struct subscription *wanted)
{
    const struct conn_env *env = c->env;
    const struct config_http *config = &env->config->http;
    if (env->is_draining) {
        return METRIC_REFUSED_DRAINING;
    }
    if (c->is_last) {
        return METRIC_REFUSED_DESCRIPTORS;
    }
    if ((uint64_t)metrics_total(env->metrics, METRIC_STREAMS, 0) >= config->connections) {
        return METRIC_REFUSED_FULL;
    }
    if (!hub_has_room(env->hub, wanted->channels, wanted->channels_length)) {
        return METRIC_REFUSED_CHANNELS;
    }
    return admission_refusal(env->admission, config, c->client, loop_now_ms(env->loop));
}

static void
conn_send_refusal(struct conn *c,
                  struct str path,
                  const struct response *head,
                  enum metric_refused why)
{
    int rc = refusal_render(head, why, c->env->config->stream.retry_ms, &c->out);
    if (rc != 0) {
        conn_fail(c, rc);
        return;
    }
    refusal_count(c->env->metrics, &c->address, why);
    conn_count_answer(c, path, head->status);
    conn_write(c);
}

/* The socket moves to the hub; this connection ends. */
static void
conn_hand_over(struct conn *c, struct str path, const struct endpoint_reply *reply)
{
    int rc = response_render(&reply->response, &c->out);
    if (rc != 0) {
        conn_fail(c, rc);
        return;
    }
    struct hub_stream stream = {
        .fd = c->fd,
        .head = buf_str(&c->out),
        .is_chunked = reply->response.framing == RESPONSE_CHUNKED,
        .channels = reply->subscription.channels,
        .channels_length = reply->subscription.channels_length,
        .start = reply->subscription.start,
        .ticket = c->ticket,
    };
    event_del(&c->event); /* before the hub may close the descriptor */
    c->fd = -1;
    c->ticket = 0;
    rc = hub_open(c->env->hub, &stream);
    if (rc == 0) {
        conn_count_answer(c, path, reply->response.status);
        conn_set_state(c, CONN_CLOSED);
    } else {
        conn_fail(c, rc);
    }
}

static void
conn_answer(struct conn *c, struct str path, const struct endpoint_reply *reply)
{
    if (!reply->is_stream) {
        conn_send(c, path, &reply->response);
        return;
    }
    enum metric_refused why = conn_refusal(c, &reply->subscription);
    if (why == METRIC_REFUSED_COUNT) {
        conn_hand_over(c, path, reply);
    } else {
        conn_send_refusal(c, path, &reply->response, why);
    }
}

/* The head of a trusted proxy says who it speaks for. */
static void
conn_find_client(struct conn *c, const struct request *request)
{
    struct str lines = request->lines;
    struct str name;
    struct str value;
    struct forwarded f = forwarded_begin(&c->env->config->http, &c->address);
    while (request_next_line(&lines, &name, &value)) {
        forwarded_add(&f, name, value);
    }
    conn_set_address(c, &f.client);
}

void
conn_on_request(struct conn *c)
{
    struct request request;
    struct endpoint_reply reply;
    request_parser_get(&c->parser, c->in.data, &request);
    if (c->is_proxy) {
        conn_find_client(c, &request);
    }
    int rc = endpoint_decide(&reply, &c->env->config->http, &request, loop_wall_ms(c->env->loop));
    if (rc == 0) {
        conn_answer(c, request.path, &reply);
    } else {
        conn_fail(c, rc);
    }
    endpoint_reply_fini(&reply);
}
