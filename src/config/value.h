#pragma once
/* Values as they are written: numbers, sizes, durations, addresses. Pure functions. */

#include "base/err.h"
#include "base/str.h"

enum {
    VALUE_E_NO_UNIT = 1, /* digits where a unit is needed */
    VALUE_E_LARGE = 2    /* written well, but more than 64 bits */
};

/* Decimal digits. ERR_SYNTAX, VALUE_E_LARGE. */
MUST_CHECK int value_number(struct str text, uint64_t *ret_value);

/* Bytes: digits, or with K, M or G (of 1024). ERR_SYNTAX, VALUE_E_LARGE. */
MUST_CHECK int value_size(struct str text, uint64_t *ret_bytes);

/* Digits and ms, s, m, h or d. ERR_SYNTAX, VALUE_E_NO_UNIT, VALUE_E_LARGE. */
MUST_CHECK int value_duration(struct str text, uint64_t *ret_ms);

/* "true" or "false", nothing else: YAML 1.1's yes, no, on, off would be true for some and text for
 * others. */
MUST_CHECK int value_flag(struct str text, bool *ret_value);

enum { VALUE_HOST_SIZE_MAX = 64 };

/*
 * "8080", ":8080", "127.0.0.1:8080", "[::1]:8080": the address, without brackets and terminated, ""
 * for any, and the port. ERR_SYNTAX.
 */
MUST_CHECK int
value_listen(struct str text, char ret_host[static VALUE_HOST_SIZE_MAX], uint16_t *ret_port);
