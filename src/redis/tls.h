#pragma once
/*
 * TLS towards a broker: a context from the configuration's files, and a session of it for each
 * connection. Files are read once, when the context is made.
 */

#include "base/err.h"
#include "config/config.h"

struct ssl_ctx_st;
struct ssl_st;

enum { TLS_TEXT_SIZE = 512 };

/* ERR_TLS: the text says which file and why; ERR_MEMORY. `ret_context` is the caller's:
 * SSL_CTX_free(). */
MUST_CHECK int tls_context_new(const struct config_tls *config,
                               char reterr_text[static TLS_TEXT_SIZE],
                               struct ssl_ctx_st **ret_context);

/* A client's session that asks for `host` (or config's server_name) and accepts nobody else. NULL
 * on failure. */
struct ssl_st *
tls_session_new(struct ssl_ctx_st *context, const struct config_tls *config, const char *host);
