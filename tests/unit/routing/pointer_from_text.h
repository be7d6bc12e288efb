#pragma once
/* A JSON pointer for tests; one that is wrong fails the test. */

#include "problem_text.h"
#include "routing/json.h"

static inline struct json_pointer
pointer_from_text(const char *text)
{
    struct problem_text problems;
    struct json_pointer pointer;
    problem_text_init(&problems);
    assert_int_equal(json_pointer_init(&pointer, str_from(text), &problems.report), 0);
    problem_text_fini(&problems);
    return pointer;
}
