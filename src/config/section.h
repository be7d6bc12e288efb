#pragma once
/*
 * A section: one map of the file, with the groups in it, that is read by a table of keys into a
 * struct.
 *
 * Here is what all keys have in common: unknown, given twice, missing, not for this kind of thing.
 */

#include "config/reader.h"
#include "config/url.h"

struct section {
    enum key_table table;
    void *base;    /* the table's struct */
    unsigned only; /* the KEY_ONLY flags that hold; 0: not known, all keys may stand */
    struct config_mark given[KEYS_LENGTH]; /* of a key by its index; line 0: nowhere */
    bool has_url;
    struct url url;
};

/* Zeroes nothing: `base` is fresh memory. Puts in the defaults. */
void section_init(struct section *s, struct reader *r, enum key_table table, void *base);

/* Reads one key of a group ("": of the map itself) in advance, on which the others depend. */
void section_read_first(struct section *s,
                        struct reader *r,
                        const yaml_node_t *map,
                        const char *group,
                        const char *name);

/* Reads all keys of a map; `group` is "" or its path. A node that is no map is a problem. */
void section_read(struct section *s, struct reader *r, const yaml_node_t *map, const char *group);

/* Adds a problem for each required key that is missing, at `mark`. */
void section_require(struct section *s, struct reader *r, struct config_mark mark);

/* Where the key is; line 0 where it is not given. */
struct config_mark section_given(const struct section *s, const char *prefix, const char *name);
