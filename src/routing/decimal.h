#pragma once
/*
 * Numbers as they are written, compared exactly: 5 equals 5.0 and 50e-1, and ids above 2^53 differ
 * where a double would say that they are equal. Pure.
 */

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* ± 0.d1d2d3… * 10^exponent; points into the text that was read. */
struct decimal {
    struct str digits; /* from the first that is not 0 to the last; may hold a '.'; empty: zero */
    int64_t exponent;
    bool is_negative;
};

/* A JSON number, also with leading zeros ("007"). False where `text` is none. */
bool decimal_read(struct str text, struct decimal *ret_number);

/* < 0, 0, > 0. */
int decimal_compare(const struct decimal *a, const struct decimal *b);
