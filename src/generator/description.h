#pragma once
/* What the reference page and the schema say of a key besides what it takes. */

#include "config/keys.h"

enum { DESCRIPTION_SIZE = 320 };

/* The help, and what the flags add to it: `restart` where a reload does not apply a change. Returns `ret_text`. */
const char *
description_of(const struct key *k, const char *restart, char ret_text[static DESCRIPTION_SIZE]);
