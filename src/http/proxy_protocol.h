#pragma once
/*
 * The header of the PROXY protocol (haproxy.org, proxy-protocol.txt), versions 1 and 2, in front of what
 * the client sends. Strict: what does not match exactly is refused, as soon as that is clear. Pure.
 *
 *     1   PROXY TCP4 192.0.2.1 192.0.2.2 56324 443 CR LF
 *     2   signature (12 bytes), version and command, family and transport, length, addresses, TLVs
 */

#include "base/address.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    PROXY_PROTOCOL_E_MORE = 1,    /* the header is not complete yet */
    PROXY_PROTOCOL_E_REFUSED = 2, /* it is none */
};

/* With all TLVs of version 2; chosen: proxies send less than 300, a long TLS name included. */
enum { PROXY_PROTOCOL_SIZE_MAX = 2048 };

struct proxy_protocol {
    size_t size;     /* of the header */
    bool has_source; /* else it is the peer's own connection (LOCAL: a health check), or unknown */
    struct address source; /* the client's */
};

/* `data` is everything since the first byte, and may hold more than the header. */
MUST_CHECK int proxy_protocol_parse(struct str data, struct proxy_protocol *ret_header);
