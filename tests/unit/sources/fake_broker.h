#pragma once
/*
 * An MQTT broker that does what the test says, right or wrong, on the rig's own loop. It answers
 * CONNECT, SUBSCRIBE and PINGREQ where it is not told otherwise, and remembers what came.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bufferevent;
struct evconnlistener;
struct rig;
struct ssl_ctx_st;

enum {
    FAKE_CONNECT = 1,
    FAKE_PUBACK = 4,
    FAKE_SUBSCRIBE = 8,
    FAKE_PINGREQ = 12,
    FAKE_DISCONNECT = 14
};
enum { FAKE_MIDS_MAX = 1024 };

struct fake_bytes {
    const char *data;
    size_t size;
};

#define FAKE_BYTES(literal) ((struct fake_bytes){literal, sizeof(literal) - 1})

struct fake_broker {
    struct evconnlistener *listener;
    uint16_t port;
    struct bufferevent *client; /* the newest connection; NULL while there is none */
    struct ssl_ctx_st *tls;     /* NULL: plain */
    bool is_v5;
    /* What it does. */
    struct fake_bytes greeting; /* sent on accept */
    struct fake_bytes connack;  /* instead of its own */
    bool closes_on_accept;
    bool closes_on_connect;
    bool is_silent_on_connect;
    bool is_silent_on_subscribe;
    bool is_silent_on_ping;
    uint8_t suback;               /* the code for each filter */
    const char *refused;          /* the filter that gets 0x80 or 0x87 */
    struct fake_bytes on_connect; /* sent right behind CONNACK */
    /* What came. */
    size_t connections;
    size_t packets[16]; /* by type */
    uint16_t acknowledged[FAKE_MIDS_MAX];
    size_t acknowledged_length;
    size_t filters;     /* subscribed in all, on all connections */
    size_t identifiers; /* SUBSCRIBEs that had a subscription identifier */
    bool is_clean;      /* the last CONNECT's flag */
};

/* The rig's broker, on 127.0.0.1. */
void fake_broker_init(struct fake_broker *f, struct rig *r, bool is_v5);
/* One more of the same port, on another address of loopback. */
void fake_broker_init_beside(struct fake_broker *f, struct rig *r, const char *address);
/* From now on TLS, with a certificate that nobody has signed. */
void fake_broker_use_tls(struct fake_broker *f, struct rig *r);
void fake_broker_fini(struct fake_broker *f);
/* The end of a test: the rig's source, the broker, the rig. */
void fake_broker_end(struct fake_broker *f, struct rig *r);

/* QoS 1; with the identifiers of those filters (MQTT 5, NULL for none), a list that ends with NULL. */
void fake_broker_publish(struct fake_broker *f,
                         const char *topic,
                         const char *payload,
                         uint16_t mid,
                         const char *const *filters);
void fake_broker_send(struct fake_broker *f, struct fake_bytes bytes);
/* Closes the connection, the listener stays. */
void fake_broker_drop(struct fake_broker *f);
