#pragma once
/*
 * The session's steps, shared by its own files only: mqtt_session_connect.c makes connections,
 * mqtt_session_change.c changes the filters, mqtt_session.c is what stands between. Ingest loop.
 */

#include "sources/mqtt_session.h"

/* mqtt_session_connect.c: stops the timer; bounded: the state may last only for broker.connect_timeout. */
void mqtt_session_set_state(struct mqtt_session *s, enum mqtt_session_state state);
void mqtt_session_set_bounded_state(struct mqtt_session *s, enum mqtt_session_state state);

/* mqtt_session_connect.c: the whole way to a connection, or a pause where it may not begin yet. */
void mqtt_session_connect(struct mqtt_session *s);

/* mqtt_session_connect.c: for resolve.h. */
void mqtt_session_on_resolved(void *arg, const char *why);

/* mqtt_session_connect.c: connects to the next of the addresses, or gives up with `why` the last one failed. */
void mqtt_session_try_address(struct mqtt_session *s, const char *why);

/* mqtt_session_connect.c: the connection or the attempt ends; another one after a pause. */
void mqtt_session_fail(struct mqtt_session *s, enum status_kind kind, const char *why);

/* mqtt_session_change.c: begins with the new filters when those of before are answered; while UP. */
void mqtt_session_try_change(struct mqtt_session *s);

/* mqtt_session_change.c: the new filters hold: the broker has confirmed them all. */
void mqtt_session_settle_change(struct mqtt_session *s);

/* mqtt_session_change.c: without a connection there is nothing to wait for. */
void mqtt_session_finish_change(struct mqtt_session *s);

/* mqtt_session.c: `result` of one of the subscriber's steps. */
void mqtt_session_follow_subscriber(struct mqtt_session *s, int result);
