#include "sources/mqtt_tls.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

enum { MQTT_TLS_WHY_SIZE_MAX = 160 };

struct mqtt_tls {
    SSL_CTX *context;
    char *name;      /* the config's */
    bool is_address; /* the name is one */
    char why[MQTT_TLS_WHY_SIZE_MAX];
};

static bool
mqtt_tls_is_address(const char *name)
{
    unsigned char address[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
}

/*
 * The only moment between libmosquitto's own SNI, the numeric address, and the first hello. An
 * address is no SNI at all (RFC 6066, section 3).
 */
static void
mqtt_tls_on_progress(const SSL *ssl, int where, int result)
{
    (void)result;
    if ((where & SSL_CB_HANDSHAKE_START) == 0) {
        return;
    }
    const struct mqtt_tls *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    union {
        const SSL *given; /* OpenSSL's const: it hands out the connection that it works on */
        SSL *ours;
    } handle = {.given = ssl};
    (void)SSL_set_tlsext_host_name(handle.ours, t->is_address ? NULL : t->name);
}

static int
mqtt_tls_on_certificate(int is_fine, X509_STORE_CTX *store)
{
    if (!is_fine) {
        const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
        struct mqtt_tls *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
        (void)snprintf(t->why, sizeof t->why, "the broker's certificate is not accepted: %s",
                       X509_verify_cert_error_string(X509_STORE_CTX_get_error(store)));
    }
    return is_fine;
}

static int
mqtt_tls_expect_name(struct mqtt_tls *t)
{
    X509_VERIFY_PARAM *expected = SSL_CTX_get0_param(t->context);
    int is_set = t->is_address ? X509_VERIFY_PARAM_set1_ip_asc(expected, t->name)
                               : X509_VERIFY_PARAM_set1_host(expected, t->name, 0);
    return is_set == 1 ? 0 : ERR_MEMORY;
}

static int
mqtt_tls_set_up(struct mqtt_tls *t, const struct config_tls *config)
{
    SSL_CTX_set_app_data(t->context, t);
    SSL_CTX_set_info_callback(t->context, mqtt_tls_on_progress);
    if (!config->is_verified) {
        return 0;
    }
    SSL_CTX_set_verify(t->context, SSL_VERIFY_PEER, mqtt_tls_on_certificate);
    return mqtt_tls_expect_name(t);
}

int
mqtt_tls_new(const struct config_broker *broker,
             char reterr_text[static TLS_TEXT_SIZE],
             struct mqtt_tls **ret_tls)
{
    struct mqtt_tls *t = calloc(1, sizeof *t);
    if (t == NULL) {
        return ERR_MEMORY;
    }
    t->name = broker->tls.server_name[0] != '\0' ? broker->tls.server_name : broker->host;
    t->is_address = mqtt_tls_is_address(t->name);
    int err = tls_context_new(&broker->tls, reterr_text, &t->context);
    if (err == 0) {
        err = mqtt_tls_set_up(t, &broker->tls);
    }
    if (err != 0) {
        mqtt_tls_free(t);
        return err;
    }
    *ret_tls = t;
    return 0;
}

void
mqtt_tls_free(struct mqtt_tls *t)
{
    if (t != NULL) {
        SSL_CTX_free(t->context);
        free(t);
    }
}

struct ssl_ctx_st *
mqtt_tls_context(struct mqtt_tls *t)
{
    return t->context;
}

void
mqtt_tls_forget(struct mqtt_tls *t)
{
    t->why[0] = '\0';
}

void
mqtt_tls_note(struct mqtt_tls *t, const char *reason)
{
    if (t->why[0] == '\0') {
        (void)snprintf(t->why, sizeof t->why, "the TLS connection failed: %s", reason);
    }
}

const char *
mqtt_tls_why(const struct mqtt_tls *t)
{
    return t->why;
}
