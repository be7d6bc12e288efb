#include "relay.h"

#include "base/list.h"
#include "event/loop.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>

#include <cmocka.h>

struct relay {
    struct loop *loop;
    struct evconnlistener *listener;
    uint16_t port;
    uint16_t target_port;
    size_t swallowed;
    struct list pairs;
};

struct relay_pair {
    struct list node;
    struct relay *relay;
    struct bufferevent *client;
    struct bufferevent *server;
    bool swallows;
};

static struct sockaddr_in
relay_loopback(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static void
relay_pair_free(struct relay_pair *p)
{
    list_remove(&p->node);
    bufferevent_free(p->client);
    bufferevent_free(p->server);
    free(p);
}

static void
relay_on_client(struct bufferevent *bev, void *arg)
{
    struct relay_pair *p = arg;
    assert_int_equal(bufferevent_read_buffer(bev, bufferevent_get_output(p->server)), 0);
}

static void
relay_on_server(struct bufferevent *bev, void *arg)
{
    struct relay_pair *p = arg;
    struct evbuffer *input = bufferevent_get_input(bev);
    size_t size = evbuffer_get_length(input);
    if (p->swallows) {
        p->relay->swallowed += size;
        assert_int_equal(evbuffer_drain(input, size), 0);
        return;
    }
    assert_int_equal(bufferevent_read_buffer(bev, bufferevent_get_output(p->client)), 0);
}

static void
relay_on_event(struct bufferevent *bev, short what, void *arg)
{
    (void)bev;
    if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) != 0) {
        relay_pair_free(arg);
    }
}

static void
relay_on_accept(struct evconnlistener *listener,
                evutil_socket_t fd,
                struct sockaddr *from,
                int from_size,
                void *arg)
{
    struct relay *r = arg;
    struct relay_pair *p = calloc(1, sizeof *p);
    struct sockaddr_in target = relay_loopback(r->target_port);
    struct event_base *base = loop_base(r->loop);
    (void)listener;
    (void)from;
    (void)from_size;
    assert_non_null(p);
    p->relay = r;
    p->client = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
    p->server = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    assert_true(p->client != NULL && p->server != NULL);
    list_push_back(&r->pairs, &p->node);
    bufferevent_setcb(p->client, relay_on_client, NULL, relay_on_event, p);
    bufferevent_setcb(p->server, relay_on_server, NULL, relay_on_event, p);
    (void)bufferevent_enable(p->client, EV_READ | EV_WRITE);
    (void)bufferevent_enable(p->server, EV_READ | EV_WRITE);
    (void)bufferevent_socket_connect(p->server, (struct sockaddr *)(void *)&target, sizeof target);
}

struct relay *
relay_new(struct loop *l, uint16_t target_port)
{
    struct relay *r = calloc(1, sizeof *r);
    struct sockaddr_in address = relay_loopback(0);
    socklen_t size = sizeof address;
    assert_non_null(r);
    r->loop = l;
    r->target_port = target_port;
    list_init(&r->pairs);
    r->listener = evconnlistener_new_bind(loop_base(l), relay_on_accept, r, LEV_OPT_CLOSE_ON_FREE,
                                          64, (struct sockaddr *)(void *)&address, sizeof address);
    assert_non_null(r->listener);
    assert_int_equal(
        getsockname(evconnlistener_get_fd(r->listener), (struct sockaddr *)(void *)&address, &size),
        0);
    r->port = ntohs(address.sin_port);
    return r;
}

void
relay_cut(struct relay *r)
{
    LIST_FOR_EACH_SAFE (node, following, &r->pairs) {
        relay_pair_free(LIST_ITEM(node, struct relay_pair, node));
    }
}

void
relay_free(struct relay *r)
{
    relay_cut(r);
    evconnlistener_free(r->listener);
    free(r);
}

uint16_t
relay_port(const struct relay *r)
{
    return r->port;
}

void
relay_swallow_replies(struct relay *r)
{
    LIST_FOR_EACH_SAFE (node, following, &r->pairs) {
        LIST_ITEM(node, struct relay_pair, node)->swallows = true;
    }
}

size_t
relay_swallowed_bytes(const struct relay *r)
{
    return r->swallowed;
}
