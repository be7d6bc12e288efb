#pragma once
/*
 * The URL of a stream: what the user of `runnel tail` gives, and where redirects lead. Pure.
 *
 * Bytes that a URL cannot hold (blanks, controls, other than ASCII) are percent-encoded as a
 * browser does, so that nothing of a URL can end the request line. Fragments are dropped, user
 * names are refused, dot segments stay as they are.
 */

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct tail_url {
    bool is_tls;
    uint16_t port;
    char *host;      /* owned; a name, or an address without brackets */
    char *authority; /* owned; as the Host line has it: the port only where it is an unusual one */
    char *target;    /* owned; path and query */
};

/* ERR_SYNTAX where it is no http or https URL with a host, ERR_MEMORY. */
MUST_CHECK int tail_url_parse(struct str text, struct tail_url *ret_url);

/* `reference` as it stands in a Location line of `base`. As above. */
MUST_CHECK int
tail_url_resolve(const struct tail_url *base, struct str reference, struct tail_url *ret_url);

/* Fine for zeroed ones, too. */
void tail_url_fini(struct tail_url *u);
