#pragma once
/*
 * A Lua script by its digest. The text is sent once a connection (EVAL), then only the digest
 * (EVALSHA): a server that restarted, failed over or forgot its scripts needs no case of its own
 * but NOSCRIPT.
 */

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

enum { SCRIPT_DIGEST_SIZE = 40 };

struct redis_script {
    struct str text; /* borrowed */
    char digest[SCRIPT_DIGEST_SIZE];
};

/* ERR_SYSTEM where the digest cannot be made. */
MUST_CHECK int redis_script_init(struct redis_script *s, struct str text);

/* The first two words of a call. */
void
redis_script_words(const struct redis_script *s, bool is_known, struct str ret_words[static 2]);
