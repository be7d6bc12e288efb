#pragma once
/*
 * Conditions: the lines of `when:`, compiled. Immutable.
 *
 * A value is compared by its kind. What the config has unquoted is read as JSON: 5 equals 5, 5.0
 * and 50e-1 of the payload (exactly, not as doubles), true, false and null equal themselves, and
 * any other word is a string. What it has in quotes is a string: "5" does not equal the number 5. A
 * capture is a string that may be a number: it equals an unquoted number of the same value ("007"
 * equals 7), else by its text.
 *
 *   equals, in            the value is there and equals (one of) these
 *   not_equals, not_in    not so: also where there is no such value, or no JSON at all
 *   gt, gte, lt, lte      both are numbers, and this holds; a number in a JSON string is none
 *   exists: true | false  there is (not) such a value; null is one; a capture is always there
 *
 * Objects, arrays, and strings with half a surrogate equal nothing.
 */

#include "base/err.h"
#include "config/config.h"
#include "routing/pattern.h"
#include "routing/scope.h"

#include <stdbool.h>

struct report;

struct operand;

struct condition {
    enum config_op op;
    bool is_json;
    struct json_pointer pointer;
    int capture;
    struct operand *operands;
    size_t length;
};

/*
 * Borrows `when`. Problems are reported, all of them: ERR_CONFIG. ERR_MEMORY. On failure nothing is
 * to be freed.
 */
MUST_CHECK int condition_init(struct condition *c,
                              const struct config_when *when,
                              const struct pattern *pattern,
                              const struct report *report);
void condition_fini(struct condition *c);

/* ERR_MEMORY. */
MUST_CHECK int
condition_holds(const struct condition *c, const struct scope *scope, bool *ret_holds);
