#pragma once
/*
 * The limits that count for all workers together and that only this process knows: connections of one
 * client address, and how fast new streams may come. One for the process, shared by the workers; the
 * numbers come from the config that each of them has at the moment. Any thread.
 */

#include "base/address.h"
#include "config/config.h"
#include "observability/metrics_names.h"

#include <stdbool.h>
#include <stdint.h>

struct admission;

/* NULL on OOM. */
struct admission *admission_new(const struct config_http *config);
void admission_free(struct admission *a); /* NULL is fine */

/*
 * A client that is counted: by its address, or the network that stands for it. Never 0, which is
 * nobody in particular: a trusted proxy, behind which there may be any number of clients.
 */
uint64_t admission_client(const struct config_http *config, const struct address *address);

/*
 * One connection more. False where it is not counted: there is no limit, or no room to tell so many
 * clients apart. Each that is counted is to leave.
 */
bool admission_enter(struct admission *a, const struct config_http *config, uint64_t client);
void admission_leave(struct admission *a, uint64_t client);

/* So far beyond the limit that it is not worth an answer. */
bool
admission_is_crowded(const struct admission *a, const struct config_http *config, uint64_t client);

/*
 * Why the client gets no further stream now, METRIC_REFUSED_COUNT where it does; then it has used up
 * one of what the rates allow. The connection has been counted. `client` 0: the rate of all holds.
 */
enum metric_refused admission_refusal(struct admission *a,
                                      const struct config_http *config,
                                      uint64_t client,
                                      uint64_t now_ms);
