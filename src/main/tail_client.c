#include "main/tail_client.h"

#include "event/loop.h"
#include "event/timer.h"
#include "main/commands.h"
#include "main/tail_response.h"
#include "main/tail_text.h"
#include "redis/transport.h"
#include "sse/parser.h"

#include <event2/event.h>

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

enum {
    REDIRECTS_MAX = 20,                 /* WHATWG Fetch, 4.4 */
    RETRY_MS = 3000,                    /* chosen: "a few seconds" in WHATWG HTML 9.2.2 */
    RETRY_MS_MIN = 10,                  /* chosen: a server that says 0 and closes makes no storm */
    RETRY_MS_MAX = 24 * 60 * 60 * 1000, /* chosen */
    EVENT_SIZE_MAX = 64 << 20,          /* chosen */
    REQUEST_SIZE_MAX = EVENT_SIZE_MAX + (256 << 10),
};

struct tail_client {
    const struct tail_options *options;
    const struct tail_url *url; /* of this connection: the user's, or `redirect` */
    struct tail_url redirect;   /* owned */
    unsigned redirect_count;    /* since the user's URL */
    struct loop *loop;          /* owned, like all below */
    struct event *signals[2];
    struct timer retry;
    struct loop_task connect;
    struct config_broker peer; /* `url`, as a transport wants it */
    struct transport *transport;
    struct tail_response response;
    struct sse_parser *parser;
    uint64_t seen_count; /* events other than runnel's own */
    bool was_open;       /* an event stream has begun, now or earlier */
    bool is_refused;     /* the answer was no stream; its notice wants a line end */
    bool is_over;
    int exit_status;
};

static void
tail_client_notice_begin(const struct tail_client *t)
{
    (void)fprintf(stderr, "runnel tail: %s://%s%s: ", t->url->is_tls ? "https" : "http",
                  t->url->authority, t->url->target);
}

static void
tail_client_notice(const struct tail_client *t, const char *text)
{
    tail_client_notice_begin(t);
    (void)fprintf(stderr, "%s\n", text);
}

/* From any callback; those that still come find is_over. */
static void
tail_client_end(struct tail_client *t, int exit_status)
{
    t->is_over = true;
    t->exit_status = exit_status;
    loop_stop(t->loop);
}

static void
tail_client_fail(struct tail_client *t, const char *why)
{
    tail_client_notice(t, why);
    tail_client_end(t, EXIT_FAILED);
}

static void
tail_client_notice_retry(const struct tail_client *t, const char *why, uint64_t retry_ms)
{
    struct str last_event_id = sse_parser_last_event_id(t->parser);
    tail_client_notice_begin(t);
    (void)fprintf(stderr, "%s; again in %" PRIu64 " ms", why, retry_ms);
    if (last_event_id.size > 0) {
        (void)fputs(" after ", stderr);
        tail_text_print(stderr, last_event_id);
    }
    (void)fputc('\n', stderr);
}

/* WHATWG HTML 9.2.3, "reestablish the connection", from the user's URL on. */
static void
tail_client_come_back(struct tail_client *t, const char *why)
{
    uint64_t retry_ms = sse_parser_retry_ms(t->parser, RETRY_MS);
    retry_ms = retry_ms < RETRY_MS_MAX ? retry_ms : RETRY_MS_MAX;
    retry_ms = retry_ms > RETRY_MS_MIN ? retry_ms : RETRY_MS_MIN;
    transport_close(t->transport);
    sse_parser_reset(t->parser);
    tail_client_notice_retry(t, why, retry_ms);
    t->url = &t->options->url;
    t->redirect_count = 0;
    timer_start(&t->retry, retry_ms);
}

/* What a first connection meets is a mistake of the user or the server; later it may pass. */
static void
tail_client_come_back_if_was_open(struct tail_client *t, const char *why)
{
    if (t->was_open) {
        tail_client_come_back(t, why);
    } else {
        tail_client_fail(t, why);
    }
}

static void
tail_client_on_event(void *arg, const struct sse_event *event)
{
    struct tail_client *t = arg;
    bool is_beat = str_equal(event->type, STR("runnel.beat"));
    if (t->is_over || (is_beat && !t->options->is_verbose)) {
        return;
    }
    tail_text_print_event(stdout, event);
    if (!str_starts_with(event->type, STR("runnel.")) && ++t->seen_count == t->options->count) {
        tail_client_end(t, EXIT_OK);
    }
}

static void
tail_client_flush(struct tail_client *t)
{
    if (fflush(stdout) == 0 && ferror(stdout) == 0) {
        return;
    }
    if (errno == EPIPE) {
        clearerr(stdout); /* a reader that has seen enough is no failure of main's either */
        tail_client_end(t, EXIT_OK); /* head, grep -m: whoever reads has seen enough */
        return;
    }
    perror("runnel tail: stdout");
    tail_client_end(t, EXIT_FAILED);
}

/* The server's reason in words, as much as came with the head: nobody waits for more. */
static int
tail_client_on_refusal_body(struct str text)
{
    while (text.size > 0 &&
           (text.data[text.size - 1] == '\n' || text.data[text.size - 1] == '\r')) {
        text.size--;
    }
    (void)fputs(": ", stderr);
    tail_text_print(stderr, text);
    return TAIL_RESPONSE_STOP;
}

static int
tail_client_on_body(void *arg, struct str data)
{
    struct tail_client *t = arg;
    if (t->is_refused) {
        return tail_client_on_refusal_body(data);
    }
    int err = sse_parser_feed(t->parser, data.data, data.size);
    tail_client_flush(t);
    if (err != 0 && !t->is_over) {
        tail_client_fail(t, err == ERR_LIMIT ? "an event is too large" : err_text(err));
    }
    return t->is_over ? TAIL_RESPONSE_STOP : 0;
}

static void
tail_client_follow(struct tail_client *t, struct str location)
{
    struct tail_url next;
    int err = location.size > 0 ? tail_url_resolve(t->url, location, &next) : ERR_SYNTAX;
    if (err != 0) {
        tail_client_fail(t, "a redirect that leads nowhere");
        return;
    }
    if (++t->redirect_count > REDIRECTS_MAX || (t->url->is_tls && !next.is_tls)) {
        tail_client_fail(t, t->redirect_count > REDIRECTS_MAX ? "too many redirects"
                                                              : "a redirect from https to http");
        tail_url_fini(&next);
        return;
    }
    tail_url_fini(&t->redirect);
    t->redirect = next;
    t->url = &t->redirect;
    loop_task_schedule(t->loop, &t->connect);
}

static bool
tail_client_is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static int
tail_client_refuse(struct tail_client *t, const struct tail_response_head *head)
{
    t->is_refused = true;
    tail_client_notice_begin(t);
    (void)fprintf(stderr, "%d ", head->status);
    tail_text_print(stderr, head->reason);
    if (head->status == 200) {
        (void)fputs(", but no event stream; content type: ", stderr);
        tail_text_print(stderr, head->media_type.size > 0 ? head->media_type : STR("none"));
    }
    tail_client_end(t, head->status == 204 ? EXIT_OK
                                           : EXIT_FAILED); /* 204 is how a server says stop */
    bool is_explained =
        head->status >= 400 && str_equal_nocase(head->media_type, STR("text/plain"));
    return is_explained ? 0 : TAIL_RESPONSE_STOP;
}

static int
tail_client_on_head(void *arg, const struct tail_response_head *head)
{
    struct tail_client *t = arg;
    if (head->status == 200 && str_equal_nocase(head->media_type, STR("text/event-stream"))) {
        t->was_open = true;
        tail_client_notice(t, "open");
        return 0;
    }
    if (!tail_client_is_redirect(head->status)) {
        return tail_client_refuse(t, head);
    }
    tail_client_follow(t, head->location);
    return TAIL_RESPONSE_STOP;
}

static void
tail_client_on_bytes(void *arg, struct str bytes)
{
    struct tail_client *t = arg;
    int r = tail_response_feed(&t->response, bytes);
    if (t->is_refused) {
        (void)fputc('\n', stderr);
        transport_close(t->transport);
    } else if (r == TAIL_RESPONSE_STOP) {
        transport_close(t->transport);
    } else if (r != 0) {
        transport_close(t->transport);
        tail_client_come_back_if_was_open(t, r == ERR_PROTOCOL ? "the answer is not HTTP"
                                                               : err_text(r));
    } else if (tail_response_is_done(&t->response)) {
        tail_client_come_back(t, "the response ended");
    }
}

static void
tail_client_on_close(void *arg, int status, const char *why)
{
    struct tail_client *t = arg;
    if (status == ERR_TLS) {
        tail_client_come_back_if_was_open(t, why);
    } else {
        tail_client_come_back(t, why);
    }
}

static int
tail_client_build_request(const struct tail_client *t, struct buf *out)
{
    struct str last_event_id = sse_parser_last_event_id(t->parser);
    int err = buf_printf(out,
                         "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: runnel/%s\r\n"
                         "Accept: text/event-stream\r\nCache-Control: no-store\r\n",
                         t->url->target, t->url->authority, RUNNEL_VERSION);
    if (err == 0 && last_event_id.size > 0) {
        err = buf_append_str(out, STR("Last-Event-ID: "));
        err = err == 0 ? buf_append_str(out, last_event_id) : err;
        err = err == 0 ? buf_append_str(out, STR("\r\n")) : err;
    }
    return err == 0 ? buf_append_str(out, STR("\r\n")) : err;
}

static void
tail_client_on_open(void *arg)
{
    struct tail_client *t = arg;
    struct buf request;
    buf_init(&request, REQUEST_SIZE_MAX);
    int err = tail_client_build_request(t, &request);
    if (err == 0) {
        err = transport_write(t->transport, buf_str(&request));
    }
    buf_fini(&request);
    if (err != 0) {
        tail_client_fail(t, err_text(err));
    }
}

/* A task of its own: a transport must not be replaced inside its callbacks. */
static void
tail_client_connect(void *arg)
{
    static char none[] = "";
    static const struct tail_response_handler handler = {tail_client_on_head, tail_client_on_body};
    struct tail_client *t = arg;
    t->peer = (struct config_broker){
        .host = t->url->host,
        .port = t->url->port,
        .tls = {t->url->is_tls, none, none, none, none, .is_verified = true},
    };
    transport_free(t->transport);
    t->transport = NULL;
    int err = transport_new(t->loop, &t->peer,
                            &(struct transport_listener){
                                .arg = t,
                                .on_open = tail_client_on_open,
                                .on_bytes = tail_client_on_bytes,
                                .on_close = tail_client_on_close,
                            },
                            &t->transport);
    if (err != 0) {
        tail_client_fail(t, err_text(err));
        return;
    }
    tail_response_fini(&t->response);
    tail_response_init(&t->response, &handler, t);
    transport_open(t->transport);
}

static void
tail_client_on_retry(void *arg)
{
    struct tail_client *t = arg;
    loop_task_schedule(t->loop, &t->connect);
}

static void
tail_client_on_signal(evutil_socket_t number, short what, void *arg)
{
    (void)number;
    (void)what;
    tail_client_end(arg, EXIT_OK);
}

static bool
tail_client_catch(struct tail_client *t, size_t i, int number)
{
    t->signals[i] = evsignal_new(loop_base(t->loop), number, tail_client_on_signal, t);
    return t->signals[i] != NULL && event_add(t->signals[i], NULL) == 0;
}

static bool
tail_client_init(struct tail_client *t)
{
    t->loop = loop_new("tail");
    t->parser = sse_parser_new(EVENT_SIZE_MAX, t->options->last_event_id, tail_client_on_event, t);
    if (t->loop == NULL || t->parser == NULL || !tail_client_catch(t, 0, SIGINT) ||
        !tail_client_catch(t, 1, SIGTERM)) {
        return false;
    }
    timer_init(&t->retry, t->loop, tail_client_on_retry, t);
    loop_task_init(&t->connect, tail_client_connect, t);
    loop_task_schedule(t->loop, &t->connect);
    return true;
}

static void
tail_client_fini(struct tail_client *t)
{
    transport_free(t->transport);
    for (size_t i = 0; i < sizeof(t->signals) / sizeof(t->signals[0]); i++) {
        if (t->signals[i] != NULL) {
            event_free(t->signals[i]);
        }
    }
    tail_response_fini(&t->response);
    tail_url_fini(&t->redirect);
    sse_parser_free(t->parser);
    loop_free(t->loop);
}

int
tail_client_run(const struct tail_options *options)
{
    struct tail_client t = {
        .options = options,
        .url = &options->url,
        .exit_status = EXIT_FAILED,
    };
    (void)signal(SIGPIPE, SIG_IGN);
    if (!tail_client_init(&t) || loop_run(t.loop) != 0) {
        (void)fputs("runnel tail: the loop cannot be started\n", stderr);
    }
    tail_client_fini(&t);
    return t.exit_status;
}
