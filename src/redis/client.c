#include "redis/client.h"

#include "base/log.h"
#include "redis/client_private.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const redis_state_names[REDIS_STATE_COUNT] = {
    "waiting", "connecting", "greeting", "subscribing", "up", "closed"};

/* Which states may follow. */
static const unsigned redis_state_next[REDIS_STATE_COUNT] = {
    [REDIS_WAITING] = 1u << REDIS_CONNECTING | 1u << REDIS_CLOSED,
    [REDIS_CONNECTING] = 1u << REDIS_GREETING | 1u << REDIS_WAITING | 1u << REDIS_CLOSED,
    [REDIS_GREETING] =
        1u << REDIS_SUBSCRIBING | 1u << REDIS_UP | 1u << REDIS_WAITING | 1u << REDIS_CLOSED,
    [REDIS_SUBSCRIBING] = 1u << REDIS_UP | 1u << REDIS_WAITING | 1u << REDIS_CLOSED,
    [REDIS_UP] = 1u << REDIS_WAITING | 1u << REDIS_CLOSED,
};

static void
client_set_state(struct redis_client *c, enum redis_state state)
{
    bool is_legal = (redis_state_next[c->state] & 1u << state) != 0;
    assert(is_legal);
    (void)is_legal; /* where asserts are compiled out */
    log_debug("redis.state", LOG_TEXT("address", c->address),
              LOG_TEXT("from", redis_state_names[c->state]),
              LOG_TEXT("to", redis_state_names[state]));
    c->state = state;
}

static bool
client_is_connected(const struct redis_client *c)
{
    return c->state == REDIS_GREETING || c->state == REDIS_SUBSCRIBING || c->state == REDIS_UP;
}

/* --- time --- */

void
client_set_timer(struct redis_client *c, uint64_t ms)
{
    c->timer_due_ms = loop_now_ms(c->loop) + ms;
    timer_start(&c->timer, ms);
}

/* Each step has it anew: a peer that is slow but answers comes up, however many answers that takes. */
void
client_await_step(struct redis_client *c)
{
    client_set_timer(c, c->settings.broker->connect_timeout_ms);
}

static void
client_connect(struct redis_client *c)
{
    redis_parser_free(c->parser);
    c->parser = redis_parser_new(c->settings.reply_limit_bytes);
    client_set_state(c, REDIS_CONNECTING);
    client_await_step(c);
    if (c->parser == NULL) {
        client_drop(c, ERR_MEMORY, err_text(ERR_MEMORY));
        return;
    }
    transport_open(c->transport);
}

static void
client_on_timer(void *arg)
{
    struct redis_client *c = arg;
    switch (c->state) {
    case REDIS_WAITING:
        client_connect(c);
        break;
    case REDIS_CONNECTING:
    case REDIS_GREETING:
    case REDIS_SUBSCRIBING:
        client_drop(c, ERR_TIMEOUT, err_text(ERR_TIMEOUT));
        break;
    case REDIS_UP:
        silence_on_timer(c);
        break;
    case REDIS_CLOSED:
    case REDIS_STATE_COUNT:
        break;
    }
}

/* --- the end of a connection --- */

static void
client_fail_commands(struct redis_client *c, int status)
{
    struct command command;
    while (commands_pop(&c->commands, &command)) {
        command.on_reply(command.arg, status, NULL);
    }
}

static void
client_disconnect(struct redis_client *c)
{
    transport_close(c->transport);
    loop_task_cancel(&c->flush);
    buf_clear(&c->output);
    c->leaving = 0;
    timer_stop(&c->timer);
}

void
client_drop(struct redis_client *c, int status, const char *why)
{
    bool lasted =
        c->state == REDIS_UP && loop_now_ms(c->loop) - c->up_ms >= c->settings.broker->retry_max_ms;
    if (why != c->why) {
        (void)snprintf(c->why, sizeof c->why, "%s", why);
    }
    if (c->state != REDIS_UP || status == ERR_REPLICA) { /* the name may have the master too */
        transport_give_up(c->transport);
    }
    client_set_state(c, REDIS_WAITING);
    client_disconnect(c);
    if (lasted) {
        backoff_reset(&c->backoff);
    }
    client_set_timer(c, backoff_next_ms(&c->backoff));
    client_fail_commands(c, status);
    if (c->state != REDIS_CLOSED) { /* a callback may have freed the client */
        subscriber_on_down(c);
        c->settings.listener.on_down(c->settings.listener.arg, status, c->why);
    }
}

void
client_drop_refused(struct redis_client *c, int status, const struct redis_reply *reply)
{
    size_t size = reply->text.size < sizeof c->why ? reply->text.size : sizeof c->why;
    (void)snprintf(c->why, sizeof c->why, "%s: %.*s", err_text(status), (int)size,
                   reply->text.data);
    client_drop(c, status, c->why);
}

void
redis_client_reconnect(struct redis_client *c, int status, const char *why)
{
    if (c->state == REDIS_CONNECTING || client_is_connected(c)) {
        client_drop(c, status, why);
    }
}

/* --- its beginning --- */

static void
client_set_up(struct redis_client *c)
{
    client_set_state(c, REDIS_UP);
    c->up_ms = loop_now_ms(c->loop);
    silence_watch(c);
    c->settings.listener.on_up(c->settings.listener.arg);
    subscriber_on_up(c);
}

void
client_on_greeted(struct redis_client *c)
{
    if (c->settings.subscriptions_length == 0) {
        client_set_up(c);
        return;
    }
    client_set_state(c, REDIS_SUBSCRIBING);
    int err = subscriber_send(c);
    if (err != 0) {
        client_drop(c, err, err_text(err));
    }
}

void
client_on_subscribed(struct redis_client *c)
{
    client_set_up(c);
}

static void
client_on_open(void *arg)
{
    struct redis_client *c = arg;
    client_set_state(c, REDIS_GREETING);
    c->given_bytes = 0;
    c->taken_bytes = 0;
    c->is_taking = false;
    client_await_step(c);
    int err = greeting_send(c);
    if (err != 0) {
        client_drop(c, err, err_text(err));
    }
}

static void
client_on_close(void *arg, int status, const char *why)
{
    client_drop(arg, status, why);
}

/* --- replies --- */

static void
client_on_reply(struct redis_client *c, const struct redis_reply *reply)
{
    struct command command;
    if (commands_pop(&c->commands, &command)) {
        if (c->state == REDIS_GREETING) {
            client_await_step(c);
        }
        command.on_reply(command.arg, 0, reply);
    } else if (client_is_subscriber(c) && c->state != REDIS_GREETING) {
        subscriber_on_reply(c, reply);
    } else if (reply->type == REDIS_TYPE_ERROR) {
        client_drop_refused(c, ERR_REFUSED, reply); /* such as "max number of clients reached" */
    } else {
        client_drop(c, ERR_PROTOCOL, "the server sent a reply to nothing");
    }
}

static void
client_drop_unreadable(struct redis_client *c, int status)
{
    (void)snprintf(c->why, sizeof c->why, "%s%s%s", err_text(status),
                   redis_parser_why(c->parser)[0] != '\0' ? ": " : "", redis_parser_why(c->parser));
    client_drop(c, status, c->why);
}

static void
client_on_bytes(void *arg, struct str bytes)
{
    struct redis_client *c = arg;
    const struct redis_reply *reply = NULL;
    c->read_ms = loop_now_ms(c->loop);
    c->is_pinged = false;
    int err = redis_parser_feed(c->parser, bytes);
    while (err == 0 && client_is_connected(c)) {
        err = redis_parser_next(c->parser, &reply);
        if (err == 0 && reply == NULL) {
            return;
        }
        if (err == 0) {
            client_on_reply(c, reply);
        }
    }
    if (err != 0) {
        client_drop_unreadable(c, err);
    }
}

/* --- the client --- */

bool
redis_client_is_up(const struct redis_client *c)
{
    return c->state == REDIS_UP;
}

bool
redis_client_is_waiting(const struct redis_client *c)
{
    return c->state == REDIS_WAITING;
}

const char *
redis_client_address(const struct redis_client *c)
{
    return c->address;
}

void
redis_client_resubscribe(struct redis_client *c, const struct redis_resubscription *change)
{
    assert(client_is_subscriber(c) && !c->is_changing);
    c->is_changing = true;
    c->change = *change;
    if (c->state == REDIS_UP) {
        subscriber_on_up(c);
    } else if (c->state != REDIS_SUBSCRIBING) { /* which asks for the old ones just now */
        subscriber_on_down(c);
    }
}

static void
client_destroy(void *object)
{
    struct redis_client *c = object;
    transport_free(c->transport);
    redis_parser_free(c->parser);
    commands_fini(&c->commands);
    buf_fini(&c->output);
    free(c);
}

void
redis_client_free(struct redis_client *c)
{
    if (c == NULL) {
        return;
    }
    client_set_state(c, REDIS_CLOSED);
    client_disconnect(c);
    client_fail_commands(c, ERR_CLOSED);
    loop_reap(c->loop, &c->reap, client_destroy, c);
}

static int
client_init(struct redis_client *c)
{
    const struct config_broker *broker = c->settings.broker;
    const struct transport_listener listener = {.arg = c,
                                                .on_open = client_on_open,
                                                .on_bytes = client_on_bytes,
                                                .on_close = client_on_close};
    (void)config_broker_address(broker, c->address);
    if (commands_init(&c->commands, c->settings.commands_limit + GREETING_COMMANDS_MAX) != 0) {
        return ERR_MEMORY;
    }
    return transport_new(c->loop, broker, &listener, &c->transport);
}

int
redis_client_new(struct loop *loop,
                 const struct redis_settings *settings,
                 struct redis_client **ret_client)
{
    struct redis_client *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return ERR_MEMORY;
    }
    c->loop = loop;
    c->settings = *settings;
    c->state = REDIS_WAITING;
    backoff_init(&c->backoff, (uint32_t)settings->broker->retry_min_ms,
                 (uint32_t)settings->broker->retry_max_ms);
    sending_init(c);
    int err = client_init(c);
    if (err != 0) {
        client_destroy(c);
        return err;
    }
    timer_init(&c->timer, loop, client_on_timer, c);
    client_set_timer(c, 0);
    *ret_client = c;
    return 0;
}
