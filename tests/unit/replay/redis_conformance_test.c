#undef NDEBUG
/* The promises of every log, kept by the Redis backend on a real server. */
#include "brokers.h"
#include "conformance.h"
#include "redis_server.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct redis_server *server;

/* A prefix of its own for each test: one server is enough. */
static void
prepare(struct config_replay *config)
{
    static char prefix[32];
    static int count;
    (void)snprintf(prefix, sizeof prefix, "test %d", ++count);
    config->prefix = prefix;
    config->redis = broker_on(redis_server_port(server));
}

int
main(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    const struct conformance backend = {
        .name = "replay.redis_conformance", .new_log = replay_redis_new, .prepare = prepare};
    server = redis_server_start(NULL);
    int failed = conformance_run(&backend);
    redis_server_free(server);
    return failed;
}
