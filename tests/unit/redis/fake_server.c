#include "fake_server.h"

#include "base/list.h"
#include "base/str.h"
#include "event/loop.h"
#include "event/timer.h"
#include "redis/reply.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    RULES_MAX = 32,
    WORDS_SIZE = 4096,
    COMMAND_LIMIT = 16 * 1024 * 1024,
    TICKS_PER_SECOND = 50,
    BUFFER_SIZE = 16 * 1024
};

struct fake_rule {
    const char *command;
    const char *reply;
    bool closes;
    size_t count;
    char words[WORDS_SIZE];
};

struct fake_server {
    struct loop *loop;
    struct evconnlistener *listener;
    uint16_t port;
    struct fake_rule rules[RULES_MAX];
    size_t rules_length;
    enum fake_pace pace;
    struct ev_token_bucket_cfg *reading; /* owned; NULL: as fast as it can */
    size_t accepted;
    size_t count;
    struct list connections;
};

struct fake_connection {
    struct list node;
    struct fake_server *server;
    struct bufferevent *bev;
    struct redis_parser *parser;
    struct evbuffer *pending; /* not handed to the socket yet */
    struct timer pace;
    bool is_closing; /* once everything is out */
};

static struct fake_rule *
fake_rule_get(struct fake_server *s, const char *command)
{
    for (size_t i = 0; i < s->rules_length; i++) {
        if (strcmp(s->rules[i].command, command) == 0) {
            return &s->rules[i];
        }
    }
    assert_true(s->rules_length < RULES_MAX);
    struct fake_rule *rule = &s->rules[s->rules_length++];
    *rule = (struct fake_rule){.command = command};
    return rule;
}

static const struct fake_rule *
fake_rule_find(const struct fake_server *s, const char *command)
{
    for (size_t i = 0; i < s->rules_length; i++) {
        if (strcmp(s->rules[i].command, command) == 0) {
            return &s->rules[i];
        }
    }
    return NULL;
}

static void
fake_connection_free(struct fake_connection *c)
{
    list_remove(&c->node);
    timer_stop(&c->pace);
    bufferevent_free(c->bev);
    evbuffer_free(c->pending);
    redis_parser_free(c->parser);
    free(c);
}

static void
fake_connection_write(struct fake_connection *c)
{
    size_t size = evbuffer_get_length(c->pending);
    if (size > 0 && c->server->pace == FAKE_BYTE_A_TURN) {
        size = 1;
    }
    assert_int_equal(evbuffer_remove_buffer(c->pending, bufferevent_get_output(c->bev), size),
                     size);
}

/* The socket has taken what it was given. */
static void
fake_connection_on_written(struct bufferevent *bev, void *arg)
{
    struct fake_connection *c = arg;
    (void)bev;
    if (evbuffer_get_length(c->pending) > 0) {
        timer_start(&c->pace, 0);
    } else if (c->is_closing) {
        fake_connection_free(c);
    }
}

static void
fake_connection_on_pace(void *arg)
{
    fake_connection_write(arg);
}

static void
fake_connection_send(struct fake_connection *c, const char *bytes)
{
    bool is_idle = evbuffer_get_length(c->pending) == 0;
    assert_int_equal(evbuffer_add(c->pending, bytes, strlen(bytes)), 0);
    if (is_idle && bytes[0] != '\0') {
        fake_connection_write(c);
    }
}

static void
fake_rule_remember(struct fake_rule *rule, const struct redis_reply *command)
{
    size_t size = 0;
    for (size_t i = 1; i < command->length; i++) {
        struct str word = redis_reply_text(&command->items[i]);
        if (size + word.size + 2 > sizeof rule->words) {
            break;
        }
        if (i > 1) {
            rule->words[size++] = ' ';
        }
        if (word.size > 0) {
            memcpy(rule->words + size, word.data, word.size);
        }
        size += word.size;
    }
    rule->words[size] = '\0';
}

static void
fake_connection_on_command(struct fake_connection *c, const struct redis_reply *command)
{
    assert_int_equal(command->type, REDIS_TYPE_ARRAY);
    assert_true(command->length > 0);
    struct str name = redis_reply_text(&command->items[0]);
    struct fake_rule *rule = NULL;
    for (size_t i = 0; i < c->server->rules_length; i++) {
        if (str_equal(name, str_from(c->server->rules[i].command))) {
            rule = &c->server->rules[i];
        }
    }
    c->server->count++;
    if (rule == NULL) {
        fake_connection_send(c, "-ERR unknown command\r\n");
        return;
    }
    rule->count++;
    fake_rule_remember(rule, command);
    c->is_closing = c->is_closing || rule->closes;
    fake_connection_send(c, rule->reply != NULL ? rule->reply : "");
}

static void
fake_connection_on_read(struct bufferevent *bev, void *arg)
{
    struct fake_connection *c = arg;
    struct evbuffer *input = bufferevent_get_input(bev);
    const struct redis_reply *command = NULL;
    size_t size = evbuffer_get_length(input);
    const char *data = (const char *)evbuffer_pullup(input, -1);
    assert_int_equal(redis_parser_feed(c->parser, (struct str){data, size}), 0);
    assert_int_equal(evbuffer_drain(input, size), 0);
    while (true) {
        assert_int_equal(redis_parser_next(c->parser, &command), 0);
        if (command == NULL || c->is_closing) {
            break;
        }
        fake_connection_on_command(c, command);
    }
    if (c->is_closing && evbuffer_get_length(c->pending) == 0 &&
        evbuffer_get_length(bufferevent_get_output(c->bev)) == 0) {
        fake_connection_free(c);
    }
}

static void
fake_connection_on_event(struct bufferevent *bev, short what, void *arg)
{
    (void)bev;
    if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) != 0) {
        fake_connection_free(arg);
    }
}

static void
fake_server_on_accept(struct evconnlistener *listener,
                      evutil_socket_t fd,
                      struct sockaddr *address,
                      int address_size,
                      void *arg)
{
    struct fake_server *s = arg;
    struct fake_connection *c = calloc(1, sizeof *c);
    int on = 1;
    (void)listener;
    (void)address;
    (void)address_size;
    assert_non_null(c);
    assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
    c->server = s;
    c->bev = bufferevent_socket_new(loop_base(s->loop), fd, BEV_OPT_CLOSE_ON_FREE);
    c->parser = redis_parser_new(COMMAND_LIMIT);
    c->pending = evbuffer_new();
    assert_true(c->bev != NULL && c->parser != NULL && c->pending != NULL);
    timer_init(&c->pace, s->loop, fake_connection_on_pace, c);
    bufferevent_setcb(c->bev, fake_connection_on_read, fake_connection_on_written,
                      fake_connection_on_event, c);
    assert_int_equal(bufferevent_set_rate_limit(c->bev, s->reading), 0);
    assert_int_equal(bufferevent_enable(c->bev, EV_READ | EV_WRITE), 0);
    list_push_back(&s->connections, &c->node);
    s->accepted++;
}

void
fake_server_listen_again(struct fake_server *s)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(s->port)};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s->listener = evconnlistener_new_bind(loop_base(s->loop), fake_server_on_accept, s,
                                          LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, 64,
                                          (struct sockaddr *)(void *)&address, sizeof address);
    assert_non_null(s->listener);
    assert_int_equal(
        getsockname(evconnlistener_get_fd(s->listener), (struct sockaddr *)(void *)&address, &size),
        0);
    s->port = ntohs(address.sin_port);
}

void
fake_server_stop_listening(struct fake_server *s)
{
    evconnlistener_free(s->listener);
    s->listener = NULL;
}

struct fake_server *
fake_server_new(struct loop *l)
{
    struct fake_server *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->loop = l;
    list_init(&s->connections);
    fake_server_answer(s, "PING", "+PONG\r\n");
    fake_server_answer(s, "CLIENT", "+OK\r\n");
    fake_server_answer(s, "SELECT", "+OK\r\n");
    fake_server_answer(s, "AUTH", "+OK\r\n");
    fake_server_listen_again(s);
    return s;
}

void
fake_server_close_all(struct fake_server *s)
{
    LIST_FOR_EACH_SAFE (node, following, &s->connections) {
        fake_connection_free(LIST_ITEM(node, struct fake_connection, node));
    }
}

void
fake_server_free(struct fake_server *s)
{
    fake_server_close_all(s);
    if (s->listener != NULL) {
        evconnlistener_free(s->listener);
    }
    if (s->reading != NULL) {
        ev_token_bucket_cfg_free(s->reading);
    }
    free(s);
}

uint16_t
fake_server_port(const struct fake_server *s)
{
    return s->port;
}

void
fake_server_answer(struct fake_server *s, const char *command, const char *reply)
{
    struct fake_rule *rule = fake_rule_get(s, command);
    rule->reply = reply;
    rule->closes = false;
}

void
fake_server_close_after(struct fake_server *s, const char *command, const char *reply)
{
    struct fake_rule *rule = fake_rule_get(s, command);
    rule->reply = reply;
    rule->closes = true;
}

void
fake_server_set_pace(struct fake_server *s, enum fake_pace pace)
{
    s->pace = pace;
}

/* Segments of the loopback's own size would fill the buffer by one, and then wait for it. */
void
fake_server_read_slowly(struct fake_server *s, size_t bytes_per_second)
{
    const struct timeval tick = {.tv_usec = 1000000 / TICKS_PER_SECOND};
    size_t bytes = bytes_per_second / TICKS_PER_SECOND;
    int buffer_size = BUFFER_SIZE;
    int segment_size = BUFFER_SIZE / 16;
    int fd = evconnlistener_get_fd(s->listener);
    s->reading = ev_token_bucket_cfg_new(bytes, bytes, EV_RATE_LIMIT_MAX, EV_RATE_LIMIT_MAX, &tick);
    assert_non_null(s->reading);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer_size, sizeof buffer_size), 0);
    assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &segment_size, sizeof segment_size),
                     0);
}

void
fake_server_stop_reading(struct fake_server *s)
{
    LIST_FOR_EACH_SAFE (node, following, &s->connections) {
        const struct fake_connection *c = LIST_ITEM(node, struct fake_connection, node);
        assert_int_equal(bufferevent_disable(c->bev, EV_READ), 0);
    }
}

size_t
fake_server_count(const struct fake_server *s, const char *command)
{
    const struct fake_rule *rule = fake_rule_find(s, command);
    if (command[0] == '\0') {
        return s->count;
    }
    return rule != NULL ? rule->count : 0;
}

const char *
fake_server_words(const struct fake_server *s, const char *command)
{
    const struct fake_rule *rule = fake_rule_find(s, command);
    return rule != NULL ? rule->words : "";
}

size_t
fake_server_accepted(const struct fake_server *s)
{
    return s->accepted;
}

size_t
fake_server_open(const struct fake_server *s)
{
    size_t open = 0;
    LIST_FOR_EACH_SAFE (node, following, &s->connections) {
        open++;
    }
    return open;
}

void
fake_server_send(struct fake_server *s, const char *bytes)
{
    LIST_FOR_EACH_SAFE (node, following, &s->connections) {
        fake_connection_send(LIST_ITEM(node, struct fake_connection, node), bytes);
    }
}
