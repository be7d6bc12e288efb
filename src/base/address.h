#pragma once
/*
 * IP addresses without a port, and networks of them (CIDR). Pure.
 *
 * One form for both families: IPv4 is the mapped part of IPv6 (RFC 4291 2.5.5.2), as a socket of both
 * families shows it.
 */

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct sockaddr;

enum {
    ADDRESS_BITS = 128,
    ADDRESS_V4_BITS = 32,
    ADDRESS_TEXT_SIZE_MAX = 46, /* with the terminating zero */
};

struct address {
    uint8_t bytes[ADDRESS_BITS / 8];
};

struct network {
    struct address address; /* the bits behind the prefix are 0 */
    uint8_t prefix;         /* 96 and more for IPv4 */
};

/* Of AF_INET or AF_INET6. */
struct address address_of(const struct sockaddr *from);
struct address address_from_v4(const uint8_t bytes[static 4]);

/* "192.0.2.1" or "2001:db8::1", without brackets. ERR_SYNTAX. */
MUST_CHECK int address_parse(struct str text, struct address *ret_address);

/* Terminated; IPv4 in its own form. Returns `ret_text`. */
const char *address_format(const struct address *a, char ret_text[static ADDRESS_TEXT_SIZE_MAX]);

bool address_is_v4(const struct address *a);

/* The network that the address is in; `prefix` counts as in struct network. */
struct network address_network(const struct address *a, uint8_t prefix);

/* An address, or "10.0.0.0/8", "2001:db8::/32". ERR_SYNTAX, also where bits behind the prefix are set. */
MUST_CHECK int network_parse(struct str text, struct network *ret_network);

bool network_has(const struct network *n, const struct address *a);

struct networks {
    struct network *items;
    size_t length;
};

bool networks_have(const struct networks *n, const struct address *a);
