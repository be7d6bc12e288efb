#pragma once
/*
 * The Lua scripts of the Redis log (lua/), one atomic step each. The texts are built into the
 * program.
 */

#include "base/err.h"
#include "base/str.h"
#include "redis/script.h"

/* The text of lua/open.lua and the script's own file. Generated from the files by CMake. */
extern const char redis_text_head[];
extern const size_t redis_text_head_size;
extern const char redis_text_append[];
extern const size_t redis_text_append_size;
extern const char redis_text_read[];
extern const size_t redis_text_read_size;

struct redis_scripts {
    struct redis_script head;
    struct redis_script append;
    struct redis_script read;
};

/* ERR_SYSTEM. */
MUST_CHECK int redis_scripts_init(struct redis_scripts *s);
