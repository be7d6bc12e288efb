#pragma once
/* The marks of the memory log: they end with the process, as its events do. Data only. */

#include "base/err.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mark.h"

#include <stdbool.h>

struct memory_marks {
    struct map stands; /* by name; never fewer: one for each stream that a config ever had */
    struct list told;  /* what the listener has to hear, oldest first */
};

/* What the listener has to hear: free() it. */
struct memory_told {
    struct list node;
    struct mark mark; /* points into bytes */
    bool is_refused;
    char bytes[];
};

void memory_marks_init(struct memory_marks *m);
void memory_marks_fini(struct memory_marks *m);

enum { MEMORY_MARKS_E_REFUSED = 1 };

/* MEMORY_MARKS_E_REFUSED: it stands elsewhere, which is to be told now. ERR_MEMORY: nothing
 * happened. */
MUST_CHECK int memory_marks_move(struct memory_marks *m, const struct mark *mark);

/* Where it stands is to be told. ERR_MEMORY. */
MUST_CHECK int memory_marks_read(struct memory_marks *m, struct str name);

/* NULL where there is nothing left to tell. */
struct memory_told *memory_marks_pop(struct memory_marks *m);
