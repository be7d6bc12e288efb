#pragma once
/* What the benchmark's programs share. Each is one thread, and ends where something fails. */

#include <stdint.h>
#include <stdnoreturn.h>

uint64_t bench_now_ns(void);

/* Says what failed and why (errno), and ends the program. */
noreturn void bench_fail(const char *what);

/* As many file descriptors as the system gives. */
void bench_raise_descriptors(void);

/* A whole number, or the end of the program. */
uint64_t bench_number(const char *text);
