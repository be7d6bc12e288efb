#pragma once
/*
 * How many connections each client has, in all workers together: a fixed table without locks. A slot
 * is one word, a part of the client's hash and its count; a client's slot is in one of two buckets of
 * eight. Whoever finds both of them full is not counted. Two first connections of a client at
 * the same moment may take a slot each: the sum is right all the same.
 */

#include <stdint.h>

struct client_counts;

/* `clients`: as many as are to be told apart at a time. NULL on OOM. */
struct client_counts *client_counts_new(uint64_t clients);
void client_counts_free(struct client_counts *c); /* NULL is fine */

/* Any thread. `client` is a hash that nobody outside can foresee. */

/* One connection more; how many there are now. 0: no room, it is not counted. */
uint32_t client_counts_enter(struct client_counts *c, uint64_t client);

/* One connection less, of those that were counted. */
void client_counts_leave(struct client_counts *c, uint64_t client);

uint32_t client_counts_get(const struct client_counts *c, uint64_t client);
