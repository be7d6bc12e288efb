#pragma once
/*
 * A relay on the test's loop, between a client and a server on the loopback: what a network does to a connection, on demand.
 */

#include <stddef.h>
#include <stdint.h>

struct loop;
struct relay;

struct relay *relay_new(struct loop *l, uint16_t target_port);
void relay_free(struct relay *r);
uint16_t relay_port(const struct relay *r);

/*
 * The connections of this moment are half-open from now on: the server hears the client, what it says goes nowhere.
 */
void relay_swallow_replies(struct relay *r);

/* How much was swallowed. */
size_t relay_swallowed_bytes(const struct relay *r);

/* Ends every connection, on both sides. */
void relay_cut(struct relay *r);
