/* The MQTT source and a name with several addresses. */
#undef NDEBUG
#include "event/loop.h"
#include "fake_broker.h"
#include "hosts.h"
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>

/* Far more than the good broker needs to answer. */
enum { TIMEOUT_MS = 1000 };

struct fixture {
    struct rig rig;
    struct fake_broker good; /* on 127.0.0.1 */
    struct fake_broker poor; /* on 127.0.0.2, the same port */
};

static int
setup(void **state)
{
    static char name[] = "two.test";
    struct fixture *f = calloc(1, sizeof *f);
    *state = f;
    rig_init(&f->rig, 0);
    fake_broker_init(&f->good, &f->rig, true);
    fake_broker_init_beside(&f->poor, &f->rig, "127.0.0.2");
    rig_subscribe(&f->rig, "a");
    f->rig.config.broker.host = name;
    hosts_load(f->rig.loop, "127.0.0.2 two.test\n127.0.0.1 two.test\n"); /* the poor one first */
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    rig_end(&f->rig);
    fake_broker_fini(&f->good);
    fake_broker_fini(&f->poor);
    rig_fini(&f->rig);
    free(f);
    return 0;
}

/* The good one is found, and kept when it breaks off; the poor one was asked once. */
static void
check_good_is_kept(struct fixture *f)
{
    rig_start(&f->rig);
    RIG_WAIT(&f->rig, rig_is_up(&f->rig));
    fake_broker_drop(&f->good);
    RIG_WAIT(&f->rig, f->good.connections == 2 && rig_is_up(&f->rig));
    assert_int_equal(f->poor.connections, 1);
}

static void
test_mqtt_addresses_first_that_only_accepts_blocks_nobody(void **state)
{
    struct fixture *f = *state;
    f->poor.closes_on_connect = true;
    check_good_is_kept(f);
}

static void
test_mqtt_addresses_first_that_refuses_blocks_nobody(void **state)
{
    struct fixture *f = *state;
    f->poor.connack = FAKE_BYTES("\x20\x03\0\x88\0");
    check_good_is_kept(f);
}

static void
test_mqtt_addresses_first_that_is_silent_blocks_nobody(void **state)
{
    struct fixture *f = *state;
    f->rig.config.broker.connect_timeout_ms = TIMEOUT_MS;
    f->poor.is_silent_on_connect = true;
    check_good_is_kept(f);
}

static void
test_mqtt_addresses_first_without_subscriptions_blocks_nobody(void **state)
{
    struct fixture *f = *state;
    f->rig.config.broker.connect_timeout_ms = TIMEOUT_MS;
    f->poor.is_silent_on_subscribe = true;
    check_good_is_kept(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(test_mqtt_addresses_##name, setup, teardown)
        CASE(first_that_only_accepts_blocks_nobody),
        CASE(first_that_refuses_blocks_nobody),
        CASE(first_that_is_silent_blocks_nobody),
        CASE(first_without_subscriptions_blocks_nobody),
#undef CASE
    };
    return cmocka_run_group_tests_name("sources.mqtt_addresses", tests, NULL, NULL);
}
