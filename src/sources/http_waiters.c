#include "sources/http_waiters.h"

#include "event/loop.h"
#include "sources/http_answer.h"

#include <event2/http.h>

#include <stdlib.h>

struct http_waiter {
    struct list node;
    struct http_waiters *owner;
    struct evhttp_request *request; /* borrowed from evhttp until it is answered */
    uint64_t ticket;
    uint64_t due_ms;
    uint32_t events;
    bool has_dropped; /* one of them at least will never be in the log */
};

static struct http_waiter *
http_waiters_first(struct http_waiters *w)
{
    return list_is_empty(&w->list) ? NULL : LIST_ITEM(w->list.next, struct http_waiter, node);
}

static void
http_waiters_set_timer(struct http_waiters *w)
{
    struct http_waiter *first = http_waiters_first(w);
    uint64_t now_ms = loop_now_ms(w->loop);
    timer_stop(&w->timer);
    if (first != NULL) {
        timer_start(&w->timer, first->due_ms > now_ms ? first->due_ms - now_ms : 0);
    }
}

void
http_waiters_cancel(struct http_waiters *w, struct http_waiter *waiter)
{
    list_remove(&waiter->node);
    w->length--;
    free(waiter);
}

/* Out of the list, with the request to answer. */
static struct evhttp_request *
http_waiters_take(struct http_waiters *w, struct http_waiter *waiter)
{
    struct evhttp_request *request = waiter->request;
    struct evhttp_connection *connection = evhttp_request_get_connection(request);
    if (connection != NULL) {
        evhttp_connection_set_closecb(connection, NULL, NULL);
    }
    http_waiters_cancel(w, waiter);
    return request;
}

/* The connection ends, and with it the request where evhttp still knows it as the connection's. */
static void
http_waiters_on_close(struct evhttp_connection *connection, void *arg)
{
    struct http_waiter *waiter = arg;
    struct evhttp_request *request = waiter->request;
    (void)connection;
    http_waiters_cancel(waiter->owner, waiter);
    if (evhttp_request_get_connection(request) == NULL) {
        evhttp_request_free(request);
    }
}

static void
http_waiters_on_timer(void *arg)
{
    struct http_waiters *w = arg;
    uint64_t now_ms = loop_now_ms(w->loop);
    struct http_waiter *first;
    while ((first = http_waiters_first(w)) != NULL && first->due_ms <= now_ms) {
        http_answer_error(http_waiters_take(w, first), HTTP_SERVUNAVAIL,
                          "The replay log did not store in time; it may still do so.");
    }
    http_waiters_set_timer(w);
}

void
http_waiters_init(struct http_waiters *w, struct loop *loop)
{
    *w = (struct http_waiters){.loop = loop};
    list_init(&w->list);
    timer_init(&w->timer, loop, http_waiters_on_timer, w);
}

bool
http_waiters_is_empty(const struct http_waiters *w)
{
    return w->length == 0;
}

void
http_waiters_fini(struct http_waiters *w)
{
    struct http_waiter *first;
    timer_stop(&w->timer);
    while ((first = http_waiters_first(w)) != NULL) {
        http_answer_error(http_waiters_take(w, first), HTTP_SERVUNAVAIL,
                          "The process ends; the replay log may still store the message.");
    }
}

struct http_waiter *
http_waiters_reserve(struct http_waiters *w)
{
    struct http_waiter *waiter = w->length < HTTP_WAITERS_MAX ? calloc(1, sizeof *waiter) : NULL;
    if (waiter != NULL) {
        waiter->owner = w;
        list_init(&waiter->node);
        w->length++;
    }
    return waiter;
}

void
http_waiters_add(struct http_waiters *w,
                 struct http_waiter *waiter,
                 struct evhttp_request *request,
                 uint64_t ticket,
                 uint32_t events)
{
    if (ticket <= w->stored_ticket) {
        http_waiters_cancel(w, waiter);
        http_answer_events(request, events);
        return;
    }
    waiter->request = request;
    waiter->ticket = ticket;
    waiter->events = events;
    waiter->due_ms = loop_now_ms(w->loop) + HTTP_WAITERS_LONGEST_MS;
    list_push_back(&w->list, &waiter->node);
    evhttp_connection_set_closecb(evhttp_request_get_connection(request), http_waiters_on_close,
                                  waiter);
    http_waiters_set_timer(w);
}

void
http_waiters_drop(struct http_waiters *w, uint64_t ticket)
{
    for (struct list *node = w->list.next; node != &w->list; node = node->next) {
        struct http_waiter *waiter = LIST_ITEM(node, struct http_waiter, node);
        if (ticket <= waiter->ticket) {
            waiter->has_dropped |= waiter->ticket - ticket < waiter->events;
            return;
        }
    }
}

void
http_waiters_store(struct http_waiters *w, uint64_t ticket)
{
    struct http_waiter *first;
    if (ticket > w->stored_ticket) {
        w->stored_ticket = ticket;
    }
    while ((first = http_waiters_first(w)) != NULL && first->ticket <= w->stored_ticket) {
        struct http_waiter waiter = *first;
        struct evhttp_request *request = http_waiters_take(w, first);
        if (waiter.has_dropped) {
            http_answer_error(request, HTTP_INTERNAL,
                              "The replay log cannot store an event of it; runnel's log says why.");
        } else {
            http_answer_events(request, waiter.events);
        }
    }
    http_waiters_set_timer(w);
}
