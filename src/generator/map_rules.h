#pragma once
/* What the keys of one map must be together: members of the map's schema. */

#include "generator/key_map.h"

struct json_writer;

void map_rules_write(struct json_writer *w, const struct key_map *m);
