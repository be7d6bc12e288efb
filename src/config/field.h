#pragma once
/* One key's value: from the node, or the table's default, to the field. */

#include "config/section.h"

/* Problems are added for the key in the reader's path. */
void field_read(struct reader *r, struct section *s, const struct key *k, const yaml_node_t *node);

/* The table's default; where there is none, "" for what is a text. */
void field_set_default(struct reader *r, struct section *s, const struct key *k);
