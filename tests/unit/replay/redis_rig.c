#undef NDEBUG
#include "redis_rig.h"

#include "brokers.h"
#include "event/loop.h"
#include "relay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct redis_rig *
redis_rig_new_closed(const char *const *options)
{
    struct redis_rig *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->loop = loop_new("test");
    f->server = redis_server_start(options);
    f->config = log_rig_config();
    f->config.redis = broker_on(redis_server_port(f->server));
    return f;
}

struct log_rig *
redis_rig_open(struct redis_rig *f)
{
    log_rig_open(&f->rig, f->loop, replay_redis_new, &f->config);
    log_rig_wait_up(&f->rig);
    return &f->rig;
}

struct redis_rig *
redis_rig_new(const char *const *options)
{
    struct redis_rig *f = redis_rig_new_closed(options);
    (void)redis_rig_open(f);
    return f;
}

struct log_rig *
redis_rig_open_other(struct redis_rig *f)
{
    log_rig_open(&f->other, f->loop, replay_redis_new, &f->config);
    log_rig_wait_up(&f->other);
    return &f->other;
}

void
redis_rig_free(struct redis_rig *f)
{
    if (f->other.log != NULL) {
        log_rig_close(&f->other);
    }
    if (f->rig.log != NULL) {
        log_rig_close(&f->rig);
    }
    if (f->relay != NULL) {
        relay_free(f->relay);
    }
    loop_free(f->loop);
    redis_server_free(f->server);
    free(f);
}

int
redis_rig_setup(void **state)
{
    *state = redis_rig_new(NULL);
    return 0;
}

int
redis_rig_teardown(void **state)
{
    redis_rig_free(*state);
    return 0;
}
