#pragma once
/* A connection's own struct, for the files that are its parts: conn.c reads and has the states,
 * conn_reply.c answers. */

#include "base/address.h"
#include "base/str.h"
#include "event/loop.h"
#include "http/conn.h"
#include "http/request_parser.h"

#include <event2/event_struct.h>

enum conn_state { CONN_PROXY, CONN_HEAD, CONN_ANSWER, CONN_LINGER, CONN_CLOSED };

struct conn {
    struct conn_env *env;
    struct event event;
    struct list node; /* in env->conns until closed, then perhaps in env->spares */
    struct wheel_node timeout;
    uint64_t deadline_ms; /* loop clock; the wheel may turn several times until then */
    struct loop_reap reap;
    int fd; /* -1: closed, or the hub has it */
    enum conn_state state;
    bool is_last;           /* its descriptor is the listener's spare one */
    bool is_proxy;          /* `address` is a trusted proxy's, which may yet name the client */
    struct address address; /* of the client, as far as is known */
    uint64_t client;        /* admission_client(); 0 while is_proxy */
    uint64_t ticket;        /* the same where admission counts it, else 0 */
    struct request_parser parser;
    struct buf in;   /* the PROXY header, then the head */
    struct buf out;  /* the answer */
    size_t out_sent; /* bytes of it */
};

/* The only way to another state, but from PROXY to HEAD. */
void conn_set_state(struct conn *c, enum conn_state state);

/* What the peer said about who it speaks for; `address` may be the connection's own. */
void conn_set_address(struct conn *c, const struct address *address);

/* Writes what is in `out`, now and later, then lingers. */
void conn_write(struct conn *c);

/* The head is complete. */
void conn_on_request(struct conn *c);

/* An answer to what never became a request. */
void conn_send_problem(struct conn *c, enum metric_status status, const char *problem);

/* No answer can be made: closes. */
void conn_fail(struct conn *c, int problem);
