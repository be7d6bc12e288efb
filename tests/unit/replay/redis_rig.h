#pragma once
/* A Redis log on a server of its own, and where a test wants it another process of the same log. */

#include "log_rig.h"
#include "redis_server.h"

struct loop;
struct relay;

struct redis_rig {
    struct loop *loop;
    struct redis_server *server;
    struct config_replay config;
    struct log_rig rig;
    struct log_rig other; /* another process */
    struct relay *relay;  /* a test's, between the log and its server; else NULL */
    size_t wanted;        /* what a test's conditions compare with */
};

/* The log is up. `options` of redis_server_start(). */
struct redis_rig *redis_rig_new(const char *const *options);
/* There is none yet: the test changes `config` before it opens one. */
struct redis_rig *redis_rig_new_closed(const char *const *options);
void redis_rig_free(struct redis_rig *f);

/* For cmocka: one without options in each test. */
int redis_rig_setup(void **state);
int redis_rig_teardown(void **state);

/* `rig`, once it is up. */
struct log_rig *redis_rig_open(struct redis_rig *f);
/* `other`, once it is up. */
struct log_rig *redis_rig_open_other(struct redis_rig *f);
