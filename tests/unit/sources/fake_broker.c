#undef NDEBUG
#include "fake_broker.h"

#include "event/loop.h"
#include "rig.h"
#include "sources/mqtt_filters.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/listener.h>
#include <openssl/ec.h>
#include <openssl/ssl.h>

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <string.h>

enum { FAKE_PACKET_SIZE_MAX = 65536 };

static void fake_broker_on_read(struct bufferevent *client, void *arg);

void
fake_broker_send(struct fake_broker *f, struct fake_bytes bytes)
{
    assert(f->client != NULL);
    assert(bufferevent_write(f->client, bytes.data, bytes.size) == 0);
}

void
fake_broker_drop(struct fake_broker *f)
{
    if (f->client != NULL) {
        bufferevent_free(f->client);
        f->client = NULL;
    }
}

static void
fake_broker_on_event(struct bufferevent *client, short what, void *arg)
{
    struct fake_broker *f = arg;
    if (f->client == client && (what & BEV_EVENT_CONNECTED) == 0) {
        fake_broker_drop(f);
    }
}

static struct bufferevent *
fake_broker_wrap(const struct fake_broker *f, struct event_base *base, evutil_socket_t fd)
{
    return f->tls == NULL
               ? bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE)
               : bufferevent_openssl_socket_new(base, fd, SSL_new(f->tls),
                                                BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
}

static void
fake_broker_on_accept(struct evconnlistener *listener,
                      evutil_socket_t fd,
                      struct sockaddr *address,
                      int size,
                      void *arg)
{
    struct fake_broker *f = arg;
    (void)address;
    (void)size;
    fake_broker_drop(f);
    f->connections++;
    f->client = fake_broker_wrap(f, evconnlistener_get_base(listener), fd);
    assert(f->client != NULL);
    bufferevent_setcb(f->client, fake_broker_on_read, NULL, fake_broker_on_event, f);
    assert(bufferevent_enable(f->client, EV_READ) == 0);
    fake_broker_send(f, f->greeting);
    if (f->closes_on_accept) {
        fake_broker_drop(f);
    }
}

static void
fake_broker_listen(struct fake_broker *f, struct rig *r, const char *text, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    socklen_t size = sizeof address;
    assert(inet_pton(AF_INET, text, &address.sin_addr) == 1);
    f->listener = evconnlistener_new_bind(loop_base(r->loop), fake_broker_on_accept, f,
                                          LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, -1,
                                          (struct sockaddr *)&address, (int)sizeof address);
    assert(f->listener != NULL);
    assert(getsockname(evconnlistener_get_fd(f->listener), (struct sockaddr *)&address, &size) ==
           0);
    f->port = ntohs(address.sin_port);
}

void
fake_broker_init(struct fake_broker *f, struct rig *r, bool is_v5)
{
    *f = (struct fake_broker){.is_v5 = is_v5, .suback = 1};
    fake_broker_listen(f, r, "127.0.0.1", 0);
    r->config.broker.port = f->port;
    r->config.mqtt.is_v5 = is_v5;
}

void
fake_broker_init_beside(struct fake_broker *f, struct rig *r, const char *address)
{
    *f = (struct fake_broker){.is_v5 = r->config.mqtt.is_v5, .suback = 1};
    fake_broker_listen(f, r, address, r->config.broker.port);
}

static X509 *
fake_broker_certify(EVP_PKEY *key)
{
    X509 *certificate = X509_new();
    assert(certificate != NULL && key != NULL);
    assert(X509_gmtime_adj(X509_getm_notBefore(certificate), -60) != NULL);
    assert(X509_gmtime_adj(X509_getm_notAfter(certificate), 3600) != NULL);
    assert(X509_set_pubkey(certificate, key) == 1 && X509_sign(certificate, key, EVP_sha256()) > 0);
    return certificate;
}

void
fake_broker_use_tls(struct fake_broker *f, struct rig *r)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = fake_broker_certify(key);
    f->tls = SSL_CTX_new(TLS_server_method());
    assert(f->tls != NULL && SSL_CTX_use_certificate(f->tls, certificate) == 1 &&
           SSL_CTX_use_PrivateKey(f->tls, key) == 1);
    X509_free(certificate);
    EVP_PKEY_free(key);
    r->config.broker.tls.is_on = true;
    r->config.broker.tls.is_verified = false;
}

void
fake_broker_fini(struct fake_broker *f)
{
    fake_broker_drop(f);
    evconnlistener_free(f->listener);
    SSL_CTX_free(f->tls);
}

void
fake_broker_end(struct fake_broker *f, struct rig *r)
{
    rig_end(r);
    fake_broker_fini(f);
    rig_fini(r);
}

static void
fake_broker_on_connect(struct fake_broker *f, const unsigned char *body)
{
    struct fake_bytes connack =
        f->is_v5 ? FAKE_BYTES("\x20\x03\0\0\0") : FAKE_BYTES("\x20\x02\0\0");
    f->is_clean = (body[7] & 2) != 0; /* behind the name "MQTT" and the version */
    if (f->closes_on_connect) {
        fake_broker_drop(f);
    } else if (!f->is_silent_on_connect) {
        fake_broker_send(f, f->connack.size > 0 ? f->connack : connack);
        fake_broker_send(f, f->on_connect);
    }
}

static void
fake_broker_on_subscribe(struct fake_broker *f, const unsigned char *body, size_t size)
{
    unsigned char answer[64] = {0x90, 0, body[0], body[1], 0};
    size_t at = 2, length = f->is_v5 ? 5 : 4;
    if (f->is_v5) {
        f->identifiers += body[2] > 0;
        at += 1U + body[2];
    }
    while (at < size) {
        size_t filter_size = (size_t)body[at] << 8 | body[at + 1];
        const char *filter = (const char *)body + at + 2;
        bool is_refused = f->refused != NULL && strlen(f->refused) == filter_size &&
                          memcmp(f->refused, filter, filter_size) == 0;
        answer[length++] = is_refused ? (f->is_v5 ? 0x87 : 0x80) : f->suback;
        at += 2 + filter_size + 1;
        f->filters++;
    }
    answer[1] = (unsigned char)(length - 2);
    if (!f->is_silent_on_subscribe) {
        fake_broker_send(f, (struct fake_bytes){(const char *)answer, length});
    }
}

static void
fake_broker_on_packet(struct fake_broker *f, int type, const unsigned char *body, size_t size)
{
    f->packets[type]++;
    switch (type) {
    case FAKE_CONNECT:
        fake_broker_on_connect(f, body);
        break;
    case FAKE_SUBSCRIBE:
        fake_broker_on_subscribe(f, body, size);
        break;
    case FAKE_PUBACK:
        assert(f->acknowledged_length < FAKE_MIDS_MAX);
        f->acknowledged[f->acknowledged_length++] = (uint16_t)(body[0] << 8 | body[1]);
        break;
    case FAKE_PINGREQ:
        if (!f->is_silent_on_ping) {
            fake_broker_send(f, FAKE_BYTES("\xd0\0"));
        }
        break;
    default:
        break;
    }
}

/* The packet's size with its header, 0 where it is not whole. */
static size_t
fake_broker_measure(const unsigned char *head, size_t size, size_t *ret_body)
{
    size_t length = 0;
    for (size_t i = 1; i < size && i <= 4; i++) {
        length |= (size_t)(head[i] & 0x7f) << (7 * (i - 1));
        if ((head[i] & 0x80) == 0) {
            *ret_body = i + 1;
            return size >= i + 1 + length ? i + 1 + length : 0;
        }
    }
    return 0;
}

static void
fake_broker_on_read(struct bufferevent *client, void *arg)
{
    struct fake_broker *f = arg;
    struct evbuffer *input = bufferevent_get_input(client);
    static unsigned char packet[FAKE_PACKET_SIZE_MAX];
    while (f->client == client) {
        ev_ssize_t size = evbuffer_copyout(input, packet, sizeof packet);
        size_t body = 0, whole = fake_broker_measure(packet, (size_t)size, &body);
        if (whole == 0) {
            return;
        }
        evbuffer_drain(input, whole);
        fake_broker_on_packet(f, packet[0] >> 4, packet + body, whole - body);
    }
}

/* MQTT 5, 1.5.5: Variable Byte Integer. */
static size_t
fake_broker_put_number(unsigned char *to, uint32_t number)
{
    size_t size = 0;
    for (; number > 127; number >>= 7) {
        to[size++] = (unsigned char)(number | 128);
    }
    to[size++] = (unsigned char)number;
    return size;
}

void
fake_broker_publish(struct fake_broker *f,
                    const char *topic,
                    const char *payload,
                    uint16_t mid,
                    const char *const *filters)
{
    unsigned char packet[256] = {0x32, 0, 0, (unsigned char)strlen(topic)};
    size_t size = 4;
    memcpy(packet + size, topic, strlen(topic));
    size += strlen(topic);
    packet[size++] = (unsigned char)(mid >> 8);
    packet[size++] = (unsigned char)mid;
    if (f->is_v5) {
        size_t properties = size++;
        for (; filters != NULL && *filters != NULL; filters++) {
            packet[size++] = 11; /* MQTT 5, 2.2.2.2: Subscription Identifier */
            size += fake_broker_put_number(packet + size, mqtt_filter_identifier(*filters));
        }
        packet[properties] = (unsigned char)(size - properties - 1);
    }
    memcpy(packet + size, payload, strlen(payload));
    size += strlen(payload);
    assert(size - 2 < 128);
    packet[1] = (unsigned char)(size - 2);
    fake_broker_send(f, (struct fake_bytes){(const char *)packet, size});
}
