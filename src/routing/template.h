#pragma once
/*
 * Templates: what a route's `channel:`, `event:` and `data:` say, compiled. Immutable.
 *
 *   {name}           a capture of the route's topic
 *   {topic}          the whole topic; {source} the source's name in the config
 *   {json:/pointer}  a value of the payload: strings unescaped, numbers, true, false and null as
 *                    they are written there, objects and arrays as their JSON text. {json:} is all
 *                    of it. A pointer in a template cannot hold braces.
 *   {{ and }}        the braces themselves
 */

#include "base/err.h"
#include "base/str.h"
#include "routing/pattern.h"
#include "routing/scope.h"

#include <stdbool.h>

struct report;

enum { TEMPLATE_E_EXTRACT = 1 };

struct template_part;

struct template
{
    struct template_part *parts;
    size_t length;
};

/*
 * Borrows `text`. Problems are reported, all of them: ERR_CONFIG. ERR_MEMORY. On failure nothing is
 * to be freed.
 */
MUST_CHECK int template_init(struct template *t,
                             struct str text,
                             const struct pattern *pattern,
                             const struct report *report);
void template_fini(struct template *t);

/* True where every message gives the same text; that text is then `ret_text`. */
bool template_is_constant(const struct template *t, struct str *ret_text);

/*
 * Appends the text to `out`. TEMPLATE_E_EXTRACT where a value is not there (never in a lenient
 * scope), ERR_LIMIT where it does not fit, ERR_MEMORY.
 */
MUST_CHECK int
template_render(const struct template *t, const struct scope *scope, struct buf *out);
