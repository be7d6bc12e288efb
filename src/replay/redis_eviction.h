#pragma once
/*
 * Whether the log's Redis may evict: evicted streams would be holes that nobody tells of. Where INFO
 * may not be asked the operator has to know.
 */

struct redis_client;

/* Asks, and warns where it may. The client is up and outlives the command. */
void redis_eviction_ask(struct redis_client *client);
