#pragma once
/* One map of a config: the keys of a table that stand directly in a group. */

#include "config/keys.h"

struct key_map {
    enum key_table table;
    const char *group; /* "": the table itself */
    unsigned only;     /* the KEY_ONLY flags that hold; 0: any may */
};

bool key_map_has(const struct key_map *m, const struct key *k);

/* NULL where the map has no such key. */
const struct key *key_map_find(const struct key_map *m, const char *name);
