#pragma once
/*
 * What libmosquitto tells a link from inside of its calls: turned into the listener's functions and
 * into the reason for the end. Nothing is closed or sent here. Ingest loop.
 */

struct mqtt_link;

/* On the link's new client. */
void mqtt_callbacks_set(struct mqtt_link *l);
