#pragma once
/* Runs a loop until something has happened, and fails the test where it never does. */

#include <stdbool.h>

struct loop;

/* `is_true` is asked after every turn that had something to do, and every few ms. */
void wait_until(struct loop *l, bool (*is_true)(void *arg), void *arg);
