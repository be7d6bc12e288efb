#pragma once
/* One row of the table, compiled: its topic pattern, its templates, its conditions. */

#include "base/err.h"
#include "routing/condition.h"
#include "routing/pattern.h"
#include "routing/scope.h"
#include "routing/table.h"
#include "routing/template.h"

#include <stdint.h>

enum { ROUTE_E_MISS = 1 };

struct route {
    const struct config_route *config;
    uint32_t index;
    struct pattern *pattern; /* owned */
    struct template channel, event, data;
    struct condition *conditions;
    size_t conditions_length;
};

/* What an event is rendered into; kept from message to message. */
struct route_scratch {
    struct buf channel, event, data, encoded;
};

/* How topics of a source of this type are written. */
enum pattern_syntax route_syntax(enum config_source_type type);

/* Borrows `config`. Reports all problems: ERR_CONFIG. ERR_MEMORY. route_fini() is always due. */
MUST_CHECK int
route_init(struct route *r, const struct config *config, uint32_t index, struct problems *problems);
void route_fini(struct route *r);

void route_scratch_init(struct route_scratch *s);
void route_scratch_fini(struct route_scratch *s);

/*
 * The event of a message whose topic matched; it lives in `scratch` and in the message.
 * ROUTE_E_MISS and why, ERR_MEMORY. scope.is_lenient is the route's to set.
 */
MUST_CHECK int route_make(const struct route *r,
                          struct scope *scope,
                          struct route_scratch *scratch,
                          struct table_event *ret_event,
                          enum table_miss *ret_why);
