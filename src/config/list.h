#pragma once
/* Lists of values: origins, networks, patterns of channel names. */

#include "config/section.h"

/* Reads a list into the key's field: a pointer, and the length behind it. */
void list_read(struct reader *r, struct section *s, const struct key *k, const yaml_node_t *node);

/*
 * One item into `to`, or a problem of the path that the reader is at. `node` is where it stands.
 */
void origin_read(struct reader *r, const yaml_node_t *node, struct str text, void *to);
void network_read(struct reader *r, const yaml_node_t *node, struct str text, void *to);
void channel_pattern_read(struct reader *r, const yaml_node_t *node, struct str text, void *to);
