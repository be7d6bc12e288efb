#pragma once
/*
 * What every process tells Prometheus: build, start time, CPU, memory, descriptors. Values that
 * this system does not give are left out.
 */

#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

/* Any thread. Prometheus text format. */
MUST_CHECK int process_render(uint64_t started_ms, struct buf *out);
