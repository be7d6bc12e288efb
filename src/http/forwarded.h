#pragma once
/*
 * The client that a chain of trusted proxies names: the rightmost address that is no trusted proxy, of
 * X-Forwarded-For or of Forwarded (RFC 7239). What stands left of it may be anybody's word. What is no
 * address ends the chain: then who said it is as far as is known. Pure.
 */

#include "base/address.h"
#include "base/str.h"
#include "config/config.h"

#include <stdbool.h>

struct forwarded {
    const struct networks *trusted;
    enum config_forwarded field;
    struct address peer;
    struct address client; /* as far as the lines go */
    bool is_named;         /* private: by an address of the lines */
};

/* `peer` is a trusted proxy: the client, where no line names another one. */
struct forwarded forwarded_begin(const struct config_http *config, const struct address *peer);

/* A field line of the head, in its order; what is not the field does nothing. */
void forwarded_add(struct forwarded *f, struct str name, struct str value);
