#pragma once
/* What every log promises of its marks; conformance.c runs these with the rest. */

#include "log_rig.h"

/* The log of the test. */
struct log_rig *conformance_rig(void **state);

void test_log_mark_that_nobody_moved_is_empty(void **state);
void test_log_mark_moves_with_its_events(void **state);
void test_log_mark_moves_without_events(void **state);
void test_log_mark_that_stands_elsewhere_refuses_its_events_and_says_so(void **state);
void test_log_mark_refused_says_so_before_its_ticket_is_done(void **state);
void test_log_marks_of_several_names_know_nothing_of_each_other(void **state);
void test_log_mark_with_the_most_events_and_not_one_more(void **state);
