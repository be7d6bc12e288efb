#pragma once
/* The {…} of topic patterns and templates. `{{` and `}}` are the braces themselves. */

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * `text` begins with `{`. What stands before the next `}`; false where there is none, or another
 * `{` comes first. A `}` itself cannot stand inside.
 */
bool placeholder_read(struct str text, struct str *ret_inside);

/* Letters, digits, `_` and `-`; begins with a letter or `_`. */
bool placeholder_name_is_valid(struct str name);

/* {topic}, {source} and {json:…} are always there: no capture can have these names. */
bool placeholder_name_is_reserved(struct str name);
