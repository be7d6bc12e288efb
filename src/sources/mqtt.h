#pragma once
/*
 * The MQTT source: 3.1.1 and 5, at QoS 0 or 1.
 *
 * With a client_id the session is persistent, and a QoS 1 message is acknowledged only after the
 * log has it: whatever dies in between, the broker sends it again. When the log does not keep up,
 * the source stops to read; when that lasts, or the log's queue is full, it drops the connection
 * without acknowledging, and comes back when the log has what it took.
 *
 * Without a client_id the broker forgets us with the connection, so that an acknowledgement
 * withheld would protect nothing: it is given at once, and the log's queue is what bridges the time
 * until the log stores again. What that does not take is counted and told as a loss. So it is at
 * QoS 0.
 */

#include "sources/source.h"

/* As source_new(). */
MUST_CHECK int mqtt_source_new(const struct source_settings *settings, struct source **ret_source);
