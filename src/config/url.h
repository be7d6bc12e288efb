#pragma once
/*
 * The URL of a broker: scheme://[user[:password]@]host[:port][/database]. Pure functions.
 *
 * Strict, because what a lenient reader makes of a password with a raw '@' or '/' is a login
 * somewhere else.
 */

#include "base/err.h"
#include "base/str.h"

struct arena;

struct url {
    bool is_mqtt; /* else Redis */
    bool is_tls;
    char *host;    /* a name, or an address without brackets */
    uint16_t port; /* the scheme's where none is given */
    uint32_t database;
    char *username; /* decoded; NULL where there is none */
    char *password;
};

/* The strings are the arena's. ERR_SYNTAX with `ret_problem`, static and without a part of the URL;
 * ERR_MEMORY. */
MUST_CHECK int
url_parse(struct str text, struct arena *arena, struct url *ret_url, const char **ret_problem);
