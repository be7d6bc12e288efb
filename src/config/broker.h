#pragma once
/* A broker's keys, once all of them are read: what the URL says, and whether they go together. */

#include "config/section.h"

/* `prefix` is that of the keys in the section's table, "replay." or "". */
void broker_finish(struct reader *r,
                   const struct section *s,
                   const char *prefix,
                   struct config_broker *ret_broker);
