#include "http/cors.h"

struct cors
cors_decide(const struct config_http *config, struct str origin)
{
    struct cors cors = {.origin = STR_NULL, .is_varying = config->cors_origins_length > 0};
    for (size_t i = 0; i < config->cors_origins_length; i++) {
        struct str allowed = str_from(config->cors_origins[i]);
        if (str_equal(allowed, STR("*"))) {
            return (struct cors){.origin = allowed, .is_varying = false};
        }
        if (str_equal(allowed, origin)) {
            cors.origin = allowed;
            cors.has_credentials = config->cors_credentials;
        }
    }
    return cors;
}
