#include "http/admission.h"

#include "base/map.h"
#include "http/client_counts.h"
#include "http/rate.h"

#include <stdlib.h>

struct admission {
    struct client_counts *counts;
    struct rate rate;
    struct rate_by_client rates;
};

struct admission *
admission_new(const struct config_http *config)
{
    struct admission *a = calloc(1, sizeof(*a));
    struct client_counts *counts = client_counts_new(config->connections);
    if (a == NULL || counts == NULL) {
        client_counts_free(counts);
        free(a);
        return NULL;
    }
    a->counts = counts;
    return a;
}

void
admission_free(struct admission *a)
{
    if (a != NULL) {
        client_counts_free(a->counts);
        free(a);
    }
}

uint64_t
admission_client(const struct config_http *config, const struct address *address)
{
    uint8_t prefix = address_is_v4(address) ? ADDRESS_BITS : config->ipv6_prefix;
    struct network n = address_network(address, prefix);
    const char *bytes = (const char *)n.address.bytes;
    uint64_t client = map_hash((struct str){bytes, sizeof(n.address.bytes)});
    return client != 0 ? client : 1;
}

bool
admission_enter(struct admission *a, const struct config_http *config, uint64_t client)
{
    return config->connections_per_address > 0 && client_counts_enter(a->counts, client) > 0;
}

void
admission_leave(struct admission *a, uint64_t client)
{
    client_counts_leave(a->counts, client);
}

/* There is some room above the limit, so that who is refused can be told so. */
bool
admission_is_crowded(const struct admission *a, const struct config_http *config, uint64_t client)
{
    uint64_t most = config->connections_per_address;
    return most > 0 && client_counts_get(a->counts, client) > most + most / 8 + 16;
}

static bool
admission_is_full(const struct admission *a, const struct config_http *config, uint64_t client)
{
    uint64_t most = config->connections_per_address;
    return most > 0 && client_counts_get(a->counts, client) > most;
}

enum metric_refused
admission_refusal(struct admission *a,
                  const struct config_http *config,
                  uint64_t client,
                  uint64_t now_ms)
{
    uint32_t rate = config->connect_rate_per_address;
    if (client != 0 && admission_is_full(a, config, client)) {
        return METRIC_REFUSED_ADDRESS;
    }
    /* Who is refused for all the others has used up nothing of its own. */
    if (config->connect_rate > 0 && !rate_has(&a->rate, config->connect_rate, now_ms)) {
        return METRIC_REFUSED_RATE;
    }
    if (client != 0 && rate > 0 && !rate_by_client_take(&a->rates, client, rate, now_ms)) {
        return METRIC_REFUSED_ADDRESS_RATE;
    }
    if (config->connect_rate > 0 && !rate_take(&a->rate, config->connect_rate, now_ms)) {
        return METRIC_REFUSED_RATE;
    }
    return METRIC_REFUSED_COUNT;
}
