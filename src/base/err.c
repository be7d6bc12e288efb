#include "base/err.h"

#include <stddef.h>

static const char *const err_sentences[] = {
#define ERR(name, sentence) [ERR_INDEX_##name] = (sentence),
#include "base/err.def"
#undef ERR
};

const char *
err_text(int code)
{
    if (code == 0) {
        return "done";
    }
    if (code > 0 || code < -ERR_INDEX_COUNT) {
        return "unknown failure";
    }
    return err_sentences[-1 - code];
}
