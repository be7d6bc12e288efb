#pragma once
/*
 * A mark: how far a source has come in something that can be read again. The log stores it in the
 * same step as what was read, so that whoever goes on from it repeats nothing and misses nothing.
 *
 * It is moved by compare and set: from `before` to `position`, and not at all where the log's mark
 * is another one by now. Texts of the source's own; the log only compares them.
 */

#include "base/str.h"

struct mark {
    struct str name;
    struct str before; /* empty: the log has none yet */
    struct str position;
};
