#pragma once
/* A message: what a source delivers, before routing. Everything is borrowed for one call. */

#include "base/mark.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct message {
    uint32_t source;         /* index into config.sources; the router's, sources leave it */
    struct str topic;        /* Redis channel, MQTT topic, path behind /publish/ ; any bytes */
    struct str payload;      /* any bytes */
    uint64_t received_ms;    /* wall clock at receipt */
    const struct mark *mark; /* moved with the message's events; NULL: none */
};
