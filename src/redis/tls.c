#include "redis/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* OpenSSL's first error of this call is the cause; those behind it say where it went through. */
static const char *
tls_reason(void)
{
    unsigned long code = ERR_peek_error();
    if (ERR_SYSTEM_ERROR(code)) {
        return strerrordesc_np(ERR_GET_REASON(code));
    }
    return ERR_reason_error_string(code);
}

static int
tls_explain(char *reterr_text, const char *what, const char *file)
{
    const char *reason = tls_reason();
    (void)snprintf(reterr_text, TLS_TEXT_SIZE, "%s %s: %s", what, file,
                   reason != NULL ? reason : "cannot be used");
    ERR_clear_error();
    return ERR_TLS;
}

static int
tls_load_trust(SSL_CTX *context, const struct config_tls *config, char *reterr_text)
{
    if (config->ca_file[0] == '\0') {
        return SSL_CTX_set_default_verify_paths(context) == 1
                   ? 0
                   : tls_explain(reterr_text, "the system's", "CA certificates");
    }
    if (SSL_CTX_load_verify_locations(context, config->ca_file, NULL) != 1) {
        return tls_explain(reterr_text, "CA file", config->ca_file);
    }
    return 0;
}

static int
tls_load_identity(SSL_CTX *context, const struct config_tls *config, char *reterr_text)
{
    if (config->cert_file[0] == '\0') {
        return 0;
    }
    if (SSL_CTX_use_certificate_chain_file(context, config->cert_file) != 1) {
        return tls_explain(reterr_text, "client certificate", config->cert_file);
    }
    /* One file may hold both. */
    const char *key = config->key_file[0] != '\0' ? config->key_file : config->cert_file;
    if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1) {
        return tls_explain(reterr_text, "client key", key);
    }
    return 0;
}

static void
tls_set_options(SSL_CTX *context, const struct config_tls *config)
{
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_verify(context, config->is_verified ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    /* A broker that just closes is an end of file, not an attack: RESP frames itself. */
    SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
}

int
tls_context_new(const struct config_tls *config,
                char reterr_text[static TLS_TEXT_SIZE],
                struct ssl_ctx_st **ret_context)
{
    ERR_clear_error();
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (context == NULL) {
        reterr_text[0] = '\0';
        return ERR_MEMORY;
    }
    tls_set_options(context, config);
    int err = tls_load_trust(context, config, reterr_text);
    if (err == 0) {
        err = tls_load_identity(context, config, reterr_text);
    }
    if (err != 0) {
        SSL_CTX_free(context);
        return err;
    }
    *ret_context = context;
    return 0;
}

static bool
tls_is_address(const char *name)
{
    unsigned char address[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
}

/* An address stands in a certificate as an address, and never in SNI (RFC 6066, section 3). */
static bool
tls_set_peer(SSL *session, const char *name)
{
    if (tls_is_address(name)) {
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), name) == 1;
    }
    /* What SSL_set_tlsext_host_name() is, whose cast clang does not take. */
    return SSL_set1_host(session, name) == 1 &&
           SSL_ctrl(session, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                    (void *)(uintptr_t)name) == 1;
}

struct ssl_st *
tls_session_new(struct ssl_ctx_st *context, const struct config_tls *config, const char *host)
{
    const char *name = config->server_name[0] != '\0' ? config->server_name : host;
    SSL *session = SSL_new(context);
    if (session != NULL && !tls_set_peer(session, name)) {
        SSL_free(session);
        return NULL;
    }
    return session;
}
