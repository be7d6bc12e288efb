#pragma once
/*
 * ${NAME} and ${NAME:-default} in a scalar. `$${` is a literal `${`; a `$` elsewhere is itself. As
 * in a shell, the default also stands in for a variable that is set but empty. Pure but for
 * `lookup`.
 */

#include "base/err.h"
#include "base/str.h"

enum {
    ENV_E_UNSET = 1,    /* no such variable and no default */
    ENV_E_NAME = 2,     /* no name between the braces */
    ENV_E_UNCLOSED = 3, /* no } */
    ENV_E_NESTED = 4    /* a brace in a default */
};

/* getenv() or a test's own. */
typedef const char *(*env_lookup_fn)(const char *name);

/* Appends to `out`; `ret_name` is the variable's name with ENV_E_UNSET, within `text`. Also
 * ERR_LIMIT, ERR_MEMORY. */
MUST_CHECK int
env_expand(struct str text, env_lookup_fn lookup, struct buf *out, struct str *ret_name);
