#pragma once
/* The pages that are made from the tables of keys and of metrics. */

#include <stdio.h>

/* config/reference.md: what each key takes, its default, what it is for. */
void reference_write(FILE *to);

/* config/runnel.schema.json: the same for editors. ERR_LIMIT, ERR_MEMORY. */
int schema_write(FILE *to);

/* config/metrics.md: every metric, its labels and what it says. */
void metrics_write(FILE *to);
