#pragma once

#include "config/reader.h"

/*
 * Reads r->routes into r->config; the sources must have been read. What has problems is left so that table_new()
 * does not say them again: a route without a source or a topic is_broken, a channel that is missing is "x".
 */
void route_read_all(struct reader *r);
