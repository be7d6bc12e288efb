#pragma once
/* Character classes and small grammars of RFC 9110 and RFC 3986. Pure. */

#include "base/str.h"

#include <stdbool.h>

bool syntax_is_token(char c);       /* RFC 9110 5.6.2: of a method or a field name */
bool syntax_is_field_value(char c); /* RFC 9110 5.5: visible, blank, tab, or not ASCII */
bool syntax_is_visible(char c);     /* RFC 5234: VCHAR */
int syntax_hex(char c);             /* 0 to 15, -1 where it is no hex digit */

/* RFC 9110 5.6.3: without the blanks and tabs at both ends. */
struct str syntax_trim(struct str s);

/* host [ ":" port ] of RFC 3986 3.2; empty is valid (RFC 9110 7.2). */
bool syntax_is_authority(struct str s);
