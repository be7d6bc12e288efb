#pragma once
/* Where publish.c sends its events. Each event is answered; the answers may be read later. */

#include <stddef.h>
#include <stdint.h>

struct target {
    /* Hands over one event for channel bench.<channel>. */
    void (*send)(void *self, uint64_t channel, const char *payload, size_t size);
    /* Waits until that many events are answered; ends the program where one was refused. */
    void (*wait)(void *self, uint64_t answers);
    void *self;
};

/* PUBLISH on a Redis server. */
struct target target_redis_new(uint16_t port);

/* POST on one connection, as nchan wants it. */
struct target target_http_new(uint16_t port);
