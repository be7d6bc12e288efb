#pragma once
/*
 * Which channels clients may ask for: a list of patterns, or the word `routes`, which stands for what
 * the routes' templates can make.
 */

#include "config/section.h"

void
channels_read(struct reader *r, struct section *s, const struct key *k, const yaml_node_t *node);

/* After the routes: puts their patterns in where `routes` stood. */
void channels_add_routes(struct reader *r);
