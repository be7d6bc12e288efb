#pragma once
/*
 * TLS for libmosquitto: a context of our own instead of the library's options. The library connects
 * to a numeric address here (mqtt_link.c), and would send that as SNI and look for it in the
 * certificate; this context knows the name that counts, and why a certificate was refused.
 */

#include "base/err.h"
#include "config/config.h"
#include "redis/tls.h"

struct mqtt_tls;
struct ssl_ctx_st;

/*
 * Reads the files: at start only. The broker's host is the name where its TLS part has none.
 * ERR_TLS with a sentence in `reterr_text`; ERR_MEMORY.
 */
MUST_CHECK int mqtt_tls_new(const struct config_broker *broker,
                            char reterr_text[static TLS_TEXT_SIZE],
                            struct mqtt_tls **ret_tls);
void mqtt_tls_free(struct mqtt_tls *t); /* NULL is fine */

struct ssl_ctx_st *mqtt_tls_context(struct mqtt_tls *t); /* borrowed */

/* Before a connection: forgets why the one before failed. */
void mqtt_tls_forget(struct mqtt_tls *t);

/* OpenSSL's reason for a failure; the first one counts, and a certificate's before it. */
void mqtt_tls_note(struct mqtt_tls *t, const char *reason);

/* Why TLS failed, a sentence; "" where it did not. */
const char *mqtt_tls_why(const struct mqtt_tls *t);
