#pragma once
/* The list of origins that may read the streams (WHATWG Fetch: serialized origins, or "*"). */

#include "config/section.h"

void
origins_read(struct reader *r, struct section *s, const struct key *k, const yaml_node_t *node);
