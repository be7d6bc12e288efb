#pragma once
/* The client's own struct, shared by client.c, greeting.c, sending.c, silence.c and subscriber.c only. */

#include "base/backoff.h"
#include "event/loop.h"
#include "event/timer.h"
#include "redis/client.h"
#include "redis/transport.h"

enum redis_state {
    REDIS_WAITING,     /* the timer starts the next attempt */
    REDIS_CONNECTING,  /* name, TCP, TLS */
    REDIS_GREETING,    /* AUTH, SELECT, CLIENT SETNAME, PING: greeting.c */
    REDIS_SUBSCRIBING, /* confirmations are counted: subscriber.c */
    REDIS_UP,
    REDIS_CLOSED, /* freed at the end of the turn */
    REDIS_STATE_COUNT
};

enum { REDIS_WHY_SIZE = 256 };

struct redis_client {
    struct loop *loop;
    struct redis_settings settings;
    char address[CONFIG_BROKER_ADDRESS_SIZE_MAX];
    enum redis_state state;
    struct transport *transport; /* owned */
    struct redis_parser *parser; /* owned; of the current or last connection */
    struct commands commands;    /* under way */
    struct buf output;           /* gathered in this turn */
    struct loop_task flush;
    struct timer timer; /* what it means depends on the state */
    uint64_t timer_due_ms;
    struct backoff backoff;
    uint64_t up_ms;       /* since when */
    uint64_t read_ms;     /* last byte from the peer */
    uint64_t given_bytes; /* to send, by this connection */
    uint64_t taken_bytes; /* by the peer, when silence.c looked last */
    uint64_t taken_ms;    /* when a part of the oldest command had been taken anew */
    bool is_taking;       /* it was not whole then */
    bool is_pinged;       /* subscribed: a PING is unanswered */
    uint64_t pinged_ms;   /* when it was sent */
    size_t confirmed;     /* subscriptions, of this connection or of the change */
    size_t leaving;       /* removed ones that the server has not confirmed */
    bool is_changing;     /* `change` waits, for the connection or for its confirmations */
    struct redis_resubscription change;
    char why[REDIS_WHY_SIZE];
    struct loop_reap reap;
};

/* What the timer means then, depends on the state. */
void client_set_timer(struct redis_client *c, uint64_t ms);

/* Not up yet: the peer has connect_timeout for what comes next. */
void client_await_step(struct redis_client *c);

/* sending.c */
void sending_init(struct redis_client *c);

/* sending.c: sends in every state that has a connection, without looking at the limits. ERR_MEMORY. */
MUST_CHECK int client_send(struct redis_client *c, const struct str *words, size_t words_length);

/* The same, with a reply. The ring must have room. */
MUST_CHECK int client_ask(struct redis_client *c,
                          const struct str *words,
                          size_t words_length,
                          redis_on_reply_fn on_reply);

/*
 * silence.c: the connection is up. (Re)arms the timer for the moment at which the silence would be
 * too long; what is done then.
 */
void silence_watch(struct redis_client *c);
void silence_on_timer(struct redis_client *c);

/* How long it may go unlooked at. */
uint64_t silence_look_ms(const struct redis_client *c);

/* The connection or attempt has failed. `why` may be the client's own text. */
void client_drop(struct redis_client *c, int status, const char *why);

/* The same, for an error that the server sent. */
void client_drop_refused(struct redis_client *c, int status, const struct redis_reply *reply);

/* The greeting is answered, or the last subscription confirmed. */
void client_on_greeted(struct redis_client *c);
void client_on_subscribed(struct redis_client *c);

/* greeting.c: sends it all at once. ERR_MEMORY. */
MUST_CHECK int greeting_send(struct redis_client *c);
enum { GREETING_COMMANDS_MAX = 4 };

/* subscriber.c: asks for every subscription; takes all that the server sends from then on. */
MUST_CHECK int subscriber_send(struct redis_client *c);
void subscriber_on_reply(struct redis_client *c, const struct redis_reply *reply);

/* subscriber.c: a change that waited goes on, now that the connection is up; or it is done, for there is none. */
void subscriber_on_up(struct redis_client *c);
void subscriber_on_down(struct redis_client *c);

/* Subscribed: asks the peer whether it lives. ERR_MEMORY. */
MUST_CHECK int subscriber_ping(struct redis_client *c);

static inline bool
client_is_subscriber(const struct redis_client *c)
{
    return c->settings.subscriptions_length > 0 || c->settings.listener.on_resubscribed != NULL;
}
