#pragma once
/* Clocks. Loops read the clock once a turn (loop_now_ms); these are for everybody else. */

#include <stdint.h>

/* Any thread. Milliseconds since the epoch: for event ids and log lines, may step back. */
uint64_t clock_wall_ms(void);

/* Any thread. Monotonic nanoseconds: for measuring and for timeouts. */
uint64_t clock_mono_ns(void);
