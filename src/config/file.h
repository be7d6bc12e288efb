#pragma once
/* Small files, read whole. May block: on the main thread before it serves, or on the loader's. */

#include "base/err.h"
#include "base/str.h"

/*
 * Appends the file to `out`, up to the buffer's limit. ERR_FILE with `ret_problem`, a static
 * sentence such as "is a directory"; ERR_LIMIT where the file is larger than the buffer's limit;
 * ERR_MEMORY.
 */
MUST_CHECK int file_read(const char *path, struct buf *out, const char **ret_problem);

/*
 * NULL where the file can be read without waiting, else what is wrong with it: a pipe may never have
 * a writer.
 */
const char *file_problem(const char *path);
