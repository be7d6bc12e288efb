#pragma once
/*
 * Errors. A fallible function returns int and is marked MUST_CHECK: 0 is done, negative is a
 * failure from err.def, positive an outcome that the function's own header documents.
 */

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(format_index, first_index)                                                     \
    __attribute__((format(printf, format_index, first_index)))

enum err_index {
#define ERR(name, sentence) ERR_INDEX_##name,
#include "base/err.def"
#undef ERR
    ERR_INDEX_COUNT
};

enum err {
#define ERR(name, sentence) ERR_##name = -1 - ERR_INDEX_##name,
#include "base/err.def"
#undef ERR
};

/* Any thread. The sentence of a negative code, "done" for 0; a static string, never NULL. */
const char *err_text(int code);
