#pragma once
/*
 * Messages that are done with, or are when the log stores, and whose PUBACK was not written: when the connection
 * ends, the broker sends them again on the next one, under their old packet ids, which it may not use for others until
 * then (MQTT 5, 4.3.2 and 4.4; MQTT 3.1.1 likewise). Known by those ids, they are acknowledged and not stored twice.
 * Only within this process: after a crash nobody knows. A broker that crashed may have forgotten what it sent and use
 * an id anew (mosquitto saves its state from time to time), and libmosquitto does not tell the DUP flag: so the
 * content must be the same too. They come in their order (MQTT 5, 4.6): first those whose PUBACK was written and may
 * have been lost with the connection, which are not known, then these, then what is new. Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Chosen: four times what the gate holds; one read of a TLS record may bring more than the gate's number. */
enum { MQTT_REDELIVERY_MAX = 1024 };

struct mqtt_redelivery_key {
    uint64_t hash; /* of topic and payload */
    uint16_t packet_id;
    bool is_retained; /* comes with SUBSCRIBE, in no order with the others */
};

struct mqtt_redelivery {
    /* Come on this connection, and no PUBACK was written since. */
    struct mqtt_redelivery_key held[MQTT_REDELIVERY_MAX];
    size_t held_length;
    size_t written; /* messages of this connection whose PUBACK was */
    struct mqtt_redelivery_key due[MQTT_REDELIVERY_MAX]; /* to come again, in this order */
    size_t due_length;
    size_t unsure; /* so many may come again that are not known */
};

/*
 * One that was not due was taken; the library has its PUBACK to write. One too many is forgotten: it may be stored twice.
 */
void mqtt_redelivery_hold(struct mqtt_redelivery *r, struct mqtt_redelivery_key key);

/* PUBACKs were written: of some the broker may have them, and give their packet ids to other messages. */
void mqtt_redelivery_release(struct mqtt_redelivery *r);

/* The connection has ended. */
void mqtt_redelivery_break(struct mqtt_redelivery *r);

/* The broker forgot the session: nothing comes again, and every packet id is free. */
void mqtt_redelivery_forget(struct mqtt_redelivery *r);

/* True where this message is one that comes again; it is held anew. Another one under its packet id takes its place. */
bool mqtt_redelivery_take(struct mqtt_redelivery *r, struct mqtt_redelivery_key key);
