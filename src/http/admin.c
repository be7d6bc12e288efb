#include "http/admin.h"

#include "base/list.h"
#include "base/log.h"
#include "base/str.h"
#include "event/loop.h"
#include "event/timer.h"
#include "http/listen_socket.h"
#include "observability/health.h"
#include "observability/metrics.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    ADMIN_TEXT_SIZE_MAX = 64 * 1024 * 1024, /* metrics of very many routes */
    ADMIN_HEAD_SIZE_MAX = 16 * 1024,
    ADMIN_TIMEOUT_S = 60, /* silence on a connection; longer than a usual scrape interval */
    ADMIN_PREFIXES_MAX = 8,
    ADMIN_PAUSE_MS = 250, /* after an accept that failed */
};

struct admin_prefix {
    struct str path;
    void (*on_request)(struct evhttp_request *request, void *arg);
    void *arg;
};

struct admin {
    struct list node; /* in `admins` */
    struct evhttp *http;
    struct evconnlistener *listener; /* http's */
    struct timer pause;
    struct health *health;
    struct metrics *metrics;
    struct admin_prefix prefixes[ADMIN_PREFIXES_MAX];
    size_t prefixes_length;
    uint16_t port;
};

/* All of the process. evhttp keeps the listener's argument for itself, so admin_on_accept_error() looks here. */
static struct list admins = {&admins, &admins};

struct admin_page {
    struct str path;
    const char *content_type;
    /* Fills `out` and sets the status, which is 200. */
    int (*render)(const struct admin *a, struct buf *out, int *status);
};

static int
admin_render_index(const struct admin *a, struct buf *out, int *status)
{
    (void)a;
    (void)status;
    return buf_append_str(
        out, STR("runnel " RUNNEL_VERSION "\n"
                 "/healthz  the process runs\n"
                 "/servez   200 where new streams may come: all was up once, no drain\n"
                 "/readyz   each source and the log, 503 where one is down\n"
                 "/metrics  for Prometheus\n"
                 "/publish/<topic>  a POST is a message for the source of type http\n"));
}

static int
admin_render_healthz(const struct admin *a, struct buf *out, int *status)
{
    (void)a;
    (void)status;
    return buf_append_str(out, STR("ok\n"));
}

static int
admin_render_servez(const struct admin *a, struct buf *out, int *status)
{
    bool is_serving = health_is_serving(a->health);
    *status = is_serving ? HTTP_OK : HTTP_SERVUNAVAIL;
    return buf_append_str(out, is_serving ? STR("serving\n") : STR("not serving\n"));
}

static int
admin_render_readyz(const struct admin *a, struct buf *out, int *status)
{
    bool is_ready = health_is_ready(a->health);
    int rc = buf_append_str(out, is_ready ? STR("ready\n") : STR("not ready\n"));
    *status = is_ready ? HTTP_OK : HTTP_SERVUNAVAIL;
    return rc == 0 ? health_render(a->health, out) : rc;
}

static int
admin_render_metrics(const struct admin *a, struct buf *out, int *status)
{
    (void)status;
    return metrics_render(a->metrics, out);
}

static const struct admin_page *
admin_find_page(struct str path)
{
    static const char text[] = "text/plain; charset=utf-8";
    static const struct admin_page pages[] = {
        {{"/", 1}, text, admin_render_index},
        {{"/healthz", 8}, text, admin_render_healthz},
        {{"/servez", 7}, text, admin_render_servez},
        {{"/readyz", 7}, text, admin_render_readyz},
        {{"/metrics", 8}, "text/plain; version=0.0.4; charset=utf-8", admin_render_metrics},
    };
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        if (str_equal(path, pages[i].path)) {
            return &pages[i];
        }
    }
    return NULL;
}

/* evhttp would send the body to a HEAD, too. */
static int
admin_fill_body(struct evhttp_request *request, struct str text, struct evbuffer *body)
{
    char size[24];
    if (evhttp_request_get_command(request) != EVHTTP_REQ_HEAD) {
        return evbuffer_add(body, text.data, text.size);
    }
    (void)snprintf(size, sizeof(size), "%zu", text.size);
    return evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Length", size);
}

static void
admin_send(struct evhttp_request *request, int status, const char *content_type, struct str text)
{
    struct evbuffer *body = evbuffer_new();
    struct evkeyvalq *fields = evhttp_request_get_output_headers(request);
    if (body == NULL || admin_fill_body(request, text, body) != 0 ||
        evhttp_add_header(fields, "Content-Type", content_type) != 0 ||
        evhttp_add_header(fields, "Cache-Control", "no-store") != 0) {
        evhttp_send_error(request, HTTP_INTERNAL, NULL);
    } else {
        evhttp_send_reply(request, status, NULL, body);
    }
    if (body != NULL) {
        evbuffer_free(body);
    }
}

static void
admin_send_page(struct admin *a, const struct admin_page *page, struct evhttp_request *request)
{
    struct buf text;
    int status = HTTP_OK;
    enum evhttp_cmd_type method = evhttp_request_get_command(request);
    if (method != EVHTTP_REQ_GET && method != EVHTTP_REQ_HEAD) {
        evhttp_add_header(evhttp_request_get_output_headers(request), "Allow", "GET, HEAD");
        admin_send(request, HTTP_BADMETHOD, page->content_type, STR("only GET and HEAD here\n"));
        return;
    }
    buf_init(&text, ADMIN_TEXT_SIZE_MAX);
    int rc = page->render(a, &text, &status);
    if (rc == 0) {
        admin_send(request, status, page->content_type, buf_str(&text));
    } else {
        admin_send(request, HTTP_INTERNAL, "text/plain; charset=utf-8", str_from(err_text(rc)));
    }
    buf_fini(&text);
}

static const struct admin_prefix *
admin_find_prefix(const struct admin *a, struct str path)
{
    for (size_t i = 0; i < a->prefixes_length; i++) {
        if (str_starts_with(path, a->prefixes[i].path)) {
            return &a->prefixes[i];
        }
    }
    return NULL;
}

static void
admin_on_request(struct evhttp_request *request, void *arg)
{
    struct admin *a = arg;
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    struct str path = str_from(uri != NULL ? evhttp_uri_get_path(uri) : NULL);
    const struct admin_prefix *prefix = admin_find_prefix(a, path);
    const struct admin_page *page = admin_find_page(path);
    if (prefix != NULL) {
        prefix->on_request(request, prefix->arg);
    } else if (page != NULL) {
        admin_send_page(a, page, request);
    } else {
        admin_send(request, HTTP_NOTFOUND, "text/plain; charset=utf-8",
                   STR("nothing here: see / for what there is\n"));
    }
}

static void
admin_on_pause_over(void *arg)
{
    struct admin *a = arg;
    (void)evconnlistener_enable(a->listener);
}

/* No descriptor left: without a pause the loop would spin, as the connection stays acceptable. */
static void
admin_on_accept_error(struct evconnlistener *listener, void *evhttp)
{
    (void)evhttp;
    LIST_FOR_EACH_SAFE (node, following, &admins) {
        struct admin *a = LIST_ITEM(node, struct admin, node);
        if (a->listener == listener) {
            log_warn("admin.accept_failed", LOG_TEXT("remedy", "raise LimitNOFILE (ulimit -n)"));
            (void)evconnlistener_disable(listener);
            timer_start(&a->pause, ADMIN_PAUSE_MS);
        }
    }
}

static int
admin_listen(struct admin *a, const struct config_admin *config)
{
    int fd;
    int rc =
        listen_socket_open(&config->listen, config->listen.port, LISTEN_SOCKET_ALONE, "admin", &fd);
    if (rc != 0) {
        return rc;
    }
    a->port = listen_socket_port(fd);
    struct evhttp_bound_socket *bound = evhttp_accept_socket_with_handle(a->http, fd);
    if (bound == NULL) {
        close(fd);
        return ERR_MEMORY;
    }
    a->listener = evhttp_bound_socket_get_listener(bound);
    evconnlistener_set_error_cb(a->listener, admin_on_accept_error);
    return 0;
}

static void
admin_configure(struct admin *a, const struct config_admin *config)
{
    evhttp_set_gencb(a->http, admin_on_request, a);
    evhttp_set_allowed_methods(a->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST |
                                            EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE |
                                            EVHTTP_REQ_OPTIONS);
    evhttp_set_max_headers_size(a->http, ADMIN_HEAD_SIZE_MAX);
    evhttp_set_max_body_size(a->http, (ev_ssize_t)config->body_bytes);
    evhttp_set_timeout(a->http, ADMIN_TIMEOUT_S);
}

int
admin_new(const struct config *config,
          struct loop *loop,
          struct health *health,
          struct metrics *metrics,
          struct admin **ret_admin)
{
    struct admin *a = calloc(1, sizeof(*a));
    if (a == NULL) {
        return ERR_MEMORY;
    }
    list_push_back(&admins, &a->node);
    a->health = health;
    a->metrics = metrics;
    timer_init(&a->pause, loop, admin_on_pause_over, a);
    a->http = evhttp_new(loop_base(loop));
    int rc = ERR_MEMORY;
    if (a->http != NULL) {
        admin_configure(a, &config->admin);
        rc = admin_listen(a, &config->admin);
    }
    if (rc != 0) {
        admin_free(a);
        return rc;
    }
    *ret_admin = a;
    return 0;
}

uint16_t
admin_port(const struct admin *a)
{
    return a->port;
}

void
admin_free(struct admin *a)
{
    if (a == NULL) {
        return;
    }
    list_remove(&a->node);
    timer_stop(&a->pause);
    if (a->http != NULL) {
        evhttp_free(a->http);
    }
    free(a);
}

int
admin_add_prefix(struct admin *a,
                 const char *prefix,
                 void (*on_request)(struct evhttp_request *request, void *arg),
                 void *arg)
{
    if (a->prefixes_length == ADMIN_PREFIXES_MAX) {
        return ERR_LIMIT;
    }
    a->prefixes[a->prefixes_length++] = (struct admin_prefix){str_from(prefix), on_request, arg};
    return 0;
}

void
admin_remove_prefix(struct admin *a, const char *prefix)
{
    for (size_t i = 0; i < a->prefixes_length; i++) {
        if (str_equal(a->prefixes[i].path, str_from(prefix))) {
            a->prefixes[i] = a->prefixes[--a->prefixes_length];
            return;
        }
    }
}

void
admin_set_config(struct admin *a, const struct config_admin *config)
{
    evhttp_set_max_body_size(a->http, (ev_ssize_t)config->body_bytes);
}
