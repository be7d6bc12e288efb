#pragma once

#include "config/reader.h"

/* Reads r->sources into r->config. */
void source_read_all(struct reader *r);
