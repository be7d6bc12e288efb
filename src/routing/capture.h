#pragma once
/* The captures of a topic by name, for templates and conditions. */

#include "routing/pattern.h"

#include <stdbool.h>

struct report;

/*
 * The index of the capture `name`. Where there is none that is reported, with what could have been
 * meant, in a template also {topic} and the like: -1.
 */
int capture_find(const struct pattern *pattern,
                 struct str name,
                 bool is_template,
                 const struct report *report);
