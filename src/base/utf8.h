#pragma once
/* UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF. */

#include "base/str.h"

#include <stdbool.h>

bool utf8_is_valid(struct str s);

/* The size of the first code point, 1 to 4 bytes; 0 where `s` is empty or begins malformed. */
size_t utf8_decode(struct str s, uint32_t *ret_code_point);
