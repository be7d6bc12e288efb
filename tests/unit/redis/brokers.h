#pragma once
/* Configurations of brokers for the tests: loopback, short waits. */

#include "config/config.h"

#include <stdint.h>

enum { TEST_RETRY_MIN_MS = 2, TEST_RETRY_MAX_MS = 20, TEST_LONG_MS = 20000 };

/* Timeouts so long that only a defect reaches them. */
static inline struct config_broker
broker_on(uint16_t port)
{
    /* The config's strings are writable, and never written. */
    static char none[] = "";
    static char host[] = "127.0.0.1";
    return (struct config_broker){
        .host = host,
        .port = port,
        .username = none,
        .password = none,
        .tls = {.ca_file = none,
                .cert_file = none,
                .key_file = none,
                .server_name = none,
                .is_verified = true},
        .connect_timeout_ms = TEST_LONG_MS,
        .idle_timeout_ms = TEST_LONG_MS,
        .retry_min_ms = TEST_RETRY_MIN_MS,
        .retry_max_ms = TEST_RETRY_MAX_MS,
    };
}
