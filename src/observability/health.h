#pragma once
/*
 * What is ready and what is not. Ingest loop only. A component is a source, the log or the config;
 * readiness is that none is down. /readyz prints each with what there is to say of it.
 */

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct health;

/* With the terminator; chosen: a sentence with all the keys in it that a reload cannot apply. */
enum { HEALTH_WHY_SIZE_MAX = 1024 };

struct health *health_new(void); /* NULL on OOM */
void health_free(struct health *h);

/*
 * Adds or changes a component. `name` such as "source plant" or "replay log"; copied. `why` is one
 * sentence, copied as far as HEALTH_WHY_SIZE_MAX; "" where there is nothing to say, as for most that are up. Logs
 * nothing: the owner of the activity does.
 */
void health_set(struct health *h, const char *name, bool is_up, const char *why);

/* There is no such component any more; none is fine. */
void health_remove(struct health *h, const char *name);

/* The process ends or drains: not ready, whatever the components say. */
void health_set_draining(struct health *h);

bool health_is_ready(const struct health *h);

/*
 * New streams may come: it was ready at least once, and does not drain. Unlike readiness this
 * outlasts an outage of the log, in which clients are better off with a process that keeps them
 * than with a proxy that has nowhere to send them.
 */
bool health_is_serving(const struct health *h);

/* One line a component: "ok|down <name>[: why]\n". */
MUST_CHECK int health_render(const struct health *h, struct buf *out);
