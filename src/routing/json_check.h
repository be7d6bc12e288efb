#pragma once
/*
 * Is this text JSON, to the letter (RFC 8259)? jsmn is a fast tokenizer and a lenient one: also in
 * its strict mode it takes "[1 2]", {"a"}, "nul" and raw control characters, and stops at a
 * NUL. What passes here has exactly the tokens that jsmn finds.
 */

#include "base/err.h"
#include "base/str.h"

#include <stddef.h>

enum { JSON_DEPTH_MAX = 64 };

/*
 * UTF-8 is the caller's to check. ERR_SYNTAX; ERR_LIMIT where it is too deep or has more than `max`
 * values and keys.
 */
MUST_CHECK int json_check(struct str text, size_t max, size_t *ret_tokens);
