#pragma once
/*
 * Channel names: 1 to 255 bytes of UTF-8 without control characters (U+0000-001F, U+007F-009F) and
 * without U+2028/2029. They go into URLs, Redis keys, log lines and control events, so all of
 * runnel checks them here.
 */

#include "base/str.h"

#include <stdbool.h>

enum { CHANNEL_NAME_SIZE_MAX = 255 };

bool channel_name_is_valid(struct str name);
