#pragma once
/* The conditions of a route. */

#include "config/section.h"

/* `when`, into the route. */
void
when_read_list(struct reader *r, struct section *s, const struct key *k, const yaml_node_t *node);

/* The comparisons, into the condition: with one value, with a list of them. */
void when_read_operand(struct reader *r,
                       struct section *s,
                       const struct key *k,
                       const yaml_node_t *node);
void when_read_operands(struct reader *r,
                        struct section *s,
                        const struct key *k,
                        const yaml_node_t *node);
