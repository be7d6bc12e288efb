#undef NDEBUG
/* The Redis source on a real redis-server, and on one that says what the test wants. */
#include "brokers.h"
#include "event/loop.h"
#include "fake_server.h"
#include "observability/health.h"
#include "observability/metrics.h"
#include "redis_server.h"
#include "sources/redis_pubsub.h"
#include "waiting.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { DIARY_SIZE = 1024 };

struct fixture {
    struct loop *loop;
    struct redis_server *server;
    struct fake_server *fake;
    struct health *health;
    struct metrics *metrics;
    struct metrics_series *series;
    struct config_source config;
    struct source *source;
    char diary[DIARY_SIZE]; /* topic=payload, a blank behind each */
    uint64_t losses;
    bool is_full;
    size_t changes; /* on_resubscribed */
    bool is_other;  /* other_subscriptions hold */
    bool will_be_other;
    const char *words; /* that health has to say */
    size_t wanted;
};

static const struct source_subscription subscriptions[] = {
    {.filter = "orders.new", .is_pattern = false},
    {.filter = "orders.*", .is_pattern = true},
    {.filter = "*.new", .is_pattern = true},
};

static int
on_message(void *arg, const struct message *m, uint64_t *ret_ticket)
{
    struct fixture *f = arg;
    size_t size = strlen(f->diary);
    assert_int_equal(m->source, 0);
    assert_true(m->received_ms > 0);
    if (f->is_full) {
        return SINK_E_FULL;
    }
    (void)snprintf(f->diary + size, DIARY_SIZE - size, STR_FMT "=" STR_FMT " ", STR_ARG(m->topic),
                   STR_ARG(m->payload));
    *ret_ticket = 1;
    return 0;
}

static void
on_loss(void *arg)
{
    struct fixture *f = arg;
    f->losses++;
}

/* As the routing table answers for the subscriptions above. */
static bool
is_first(void *arg, size_t subscription, struct str topic)
{
    const struct fixture *f = arg;
    if (f->is_other) {
        return subscription == (str_equal(topic, STR("orders.new")) ? 0 : 1);
    }
    if (str_equal(topic, STR("orders.new"))) {
        return subscription == 0;
    }
    return subscription == (str_starts_with(topic, STR("orders.")) ? 1 : 2);
}

static void
on_resubscribed(void *arg)
{
    struct fixture *f = arg;
    f->changes++;
    f->is_other = f->will_be_other;
}

static int
setup(void **state)
{
    static char name[] = "shop";
    struct fixture *f = calloc(1, sizeof *f);
    *state = f;
    f->loop = loop_new("test");
    f->health = health_new();
    f->metrics = metrics_new(1, 0);
    f->series = metrics_series_ref(f->metrics, "shop", NULL);
    f->config = (struct config_source){.name = name, .type = SOURCE_REDIS};
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    f->source->ops->free(f->source);
    if (f->fake != NULL) {
        fake_server_free(f->fake);
    }
    loop_free(f->loop);
    redis_server_free(f->server);
    health_free(f->health);
    metrics_free(f->metrics);
    free(f);
    return 0;
}

static void
start_on(struct fixture *f, uint16_t port, bool counts_once)
{
    f->config.broker = broker_on(port);
    const struct source_settings settings = {
        .config = &f->config,
        .subscriptions = subscriptions,
        .subscriptions_length = 3,
        .loop = f->loop,
        .sink = {.arg = f, .on_message = on_message, .on_loss = on_loss},
        .dedup = {.arg = f, .is_first = counts_once ? is_first : NULL},
        .owner = {.arg = f, .on_resubscribed = on_resubscribed},
        .series = f->series,
        .health = f->health,
    };
    assert_int_equal(redis_pubsub_new(&settings, &f->source), 0);
    source_start(f->source);
}

static bool
says(void *arg)
{
    const struct fixture *f = arg;
    struct buf text;
    buf_init(&text, SIZE_MAX);
    assert_int_equal(health_render(f->health, &text), 0);
    assert_int_equal(buf_append_char(&text, '\0'), 0);
    bool found = strstr(text.data, f->words) != NULL;
    buf_fini(&text);
    return found;
}

/* Until health has a line with these words. */
static void
wait_health(struct fixture *f, const char *words)
{
    f->words = words;
    wait_until(f->loop, says, f);
}

static bool
has_noted(void *arg)
{
    const struct fixture *f = arg;
    return strlen(f->diary) >= f->wanted;
}

static void
expect(struct fixture *f, const char *diary)
{
    f->wanted = strlen(diary);
    wait_until(f->loop, has_noted, f);
    assert_string_equal(f->diary, diary);
}

static int64_t
metric(const struct fixture *f, enum metric which)
{
    return metrics_series_read(f->series, which, 0);
}

static void
test_redis_pubsub_message_of_several_subscriptions_counts_once(void **state)
{
    struct fixture *f = *state;
    f->server = redis_server_start(NULL);
    start_on(f, redis_server_port(f->server), true);
    wait_health(f, "ok source shop");
    redis_server_do(f->server, "PUBLISH orders.new 1");
    redis_server_do(f->server, "PUBLISH orders.old 2");
    redis_server_do(f->server, "PUBLISH users.new 3");
    redis_server_do(f->server, "PUBLISH orders.new 4");
    expect(f, "orders.new=1 orders.old=2 users.new=3 orders.new=4 ");
    assert_int_equal(metric(f, METRIC_SOURCE_MESSAGES), 4);
    assert_int_equal(metric(f, METRIC_SOURCE_UP), 1);
}

static void
test_redis_pubsub_without_the_hook_every_copy_counts(void **state)
{
    struct fixture *f = *state;
    f->server = redis_server_start(NULL);
    start_on(f, redis_server_port(f->server), false);
    wait_health(f, "ok source shop");
    redis_server_do(f->server, "PUBLISH orders.new 1");
    expect(f, "orders.new=1 orders.new=1 orders.new=1 ");
}

static void
test_redis_pubsub_comes_back_with_its_server(void **state)
{
    struct fixture *f = *state;
    f->server = redis_server_start(NULL);
    start_on(f, redis_server_port(f->server), true);
    wait_health(f, "ok source shop");
    redis_server_kill(f->server);
    wait_health(f, "down source shop");
    assert_int_equal(metric(f, METRIC_SOURCE_UP), 0);
    redis_server_start_again(f->server);
    wait_health(f, "ok source shop");
    assert_int_equal(metric(f, METRIC_SOURCE_RECONNECTS), 1);
    redis_server_do(f->server, "PUBLISH orders.new 1");
    expect(f, "orders.new=1 ");
}

static bool
has_dropped_two(void *arg)
{
    return metric(arg, METRIC_SOURCE_DROPPED) == 2;
}

static void
test_redis_pubsub_full_log_is_a_loss_that_is_told(void **state)
{
    struct fixture *f = *state;
    f->server = redis_server_start(NULL);
    start_on(f, redis_server_port(f->server), true);
    wait_health(f, "ok source shop");
    f->is_full = true;
    redis_server_do(f->server, "PUBLISH orders.new 1");
    redis_server_do(f->server, "PUBLISH orders.old 2");
    wait_until(f->loop, has_dropped_two, f);
    assert_int_equal(f->losses, 2);
    assert_int_equal(metric(f, METRIC_SOURCE_MESSAGES), 0);
    f->is_full = false;
    redis_server_do(f->server, "PUBLISH orders.new 3");
    expect(f, "orders.new=3 ");
}

static void
test_redis_pubsub_stopped_takes_nothing_more(void **state)
{
    struct fixture *f = *state;
    f->server = redis_server_start(NULL);
    start_on(f, redis_server_port(f->server), true);
    wait_health(f, "ok source shop");
    f->source->ops->stop(f->source);
    redisReply *reply = redis_server_ask(f->server, "PUBLISH orders.new 1");
    while (reply->integer > 0) { /* until the server has noticed it too */
        freeReplyObject(reply);
        reply = redis_server_ask(f->server, "PUBLISH orders.new 1");
        wait_until(f->loop, says, f);
    }
    freeReplyObject(reply);
    assert_string_equal(f->diary, "");
}

static void
test_redis_pubsub_is_up_only_when_every_subscription_is_confirmed(void **state)
{
    struct fixture *f = *state;
    f->fake = fake_server_new(f->loop);
    fake_server_answer(f->fake, "SUBSCRIBE",
                       "*3\r\n$9\r\nsubscribe\r\n$10\r\norders.new\r\n:1\r\n");
    fake_server_answer(f->fake, "PSUBSCRIBE",
                       "*3\r\n$10\r\npsubscribe\r\n$8\r\norders.*\r\n:2\r\n");
    start_on(f, fake_server_port(f->fake), true);
    while (fake_server_count(f->fake, "PSUBSCRIBE") == 0) {
        wait_health(f, "down source shop: connecting");
    }
    fake_server_send(f->fake, "*3\r\n$10\r\npsubscribe\r\n$5\r\n*.new\r\n:3\r\n");
    wait_health(f, "ok source shop");
    assert_string_equal(fake_server_words(f->fake, "PSUBSCRIBE"), "orders.* *.new");
}

static void
test_redis_pubsub_refusal_is_said(void **state)
{
    struct fixture *f = *state;
    f->fake = fake_server_new(f->loop);
    fake_server_answer(f->fake, "SUBSCRIBE", "-NOPERM no access to one of the channels\r\n");
    fake_server_answer(f->fake, "PSUBSCRIBE", NULL);
    start_on(f, fake_server_port(f->fake), true);
    wait_health(f, "NOPERM no access to one of the channels");
    assert_int_equal(metric(f, METRIC_SOURCE_UP), 0);
}

/* --- other subscriptions --- */

static const struct source_subscription other_subscriptions[] = {
    {.filter = "orders.new", .is_pattern = false},
    {.filter = "*", .is_pattern = true},
};

static bool
is_changed(void *arg)
{
    const struct fixture *f = arg;
    return f->changes > 0;
}

static void
change(struct fixture *f, const struct source_subscription *to, size_t length)
{
    f->will_be_other = to == other_subscriptions;
    assert_int_equal(source_plan(f->source, to, length), 0);
    source_resubscribe(f->source);
}

static void
test_redis_pubsub_changes_its_subscriptions_on_the_same_connection(void **state)
{
    struct fixture *f = *state;
    f->server = redis_server_start(NULL);
    start_on(f, redis_server_port(f->server), true);
    wait_health(f, "ok source shop");
    redis_server_do(f->server, "PUBLISH orders.old 1");
    expect(f, "orders.old=1 ");
    change(f, other_subscriptions, 2);
    assert_int_equal(f->changes, 0); /* the server has not answered yet */
    wait_until(f->loop, is_changed, f);
    redis_server_do(f->server, "PUBLISH orders.old 2");
    redis_server_do(f->server, "PUBLISH orders.new 3");
    expect(f, "orders.old=1 orders.old=2 orders.new=3 ");
    redisReply *reply = redis_server_ask(f->server, "PUBSUB NUMPAT");
    assert_int_equal(reply->integer, 1);
    freeReplyObject(reply);
    assert_int_equal(f->changes, 1);
    assert_int_equal(metric(f, METRIC_SOURCE_RECONNECTS), 0);
}

/* Also with none at all, where PING is answered otherwise. */
static void
test_redis_pubsub_changes_to_none_and_back(void **state)
{
    struct fixture *f = *state;
    f->server = redis_server_start(NULL);
    start_on(f, redis_server_port(f->server), true);
    wait_health(f, "ok source shop");
    change(f, NULL, 0);
    assert_int_equal(f->changes, 1); /* nothing to wait for */
    change(f, subscriptions, 3);
    f->changes = 0;
    wait_until(f->loop, is_changed, f);
    redis_server_do(f->server, "PUBLISH orders.new 1");
    expect(f, "orders.new=1 ");
    assert_int_equal(metric(f, METRIC_SOURCE_RECONNECTS), 0);
}

static void
test_redis_pubsub_changes_at_once_where_the_server_is_down(void **state)
{
    struct fixture *f = *state;
    f->server = redis_server_start(NULL);
    start_on(f, redis_server_port(f->server), true);
    wait_health(f, "ok source shop");
    redis_server_kill(f->server);
    wait_health(f, "down source shop");
    change(f, other_subscriptions, 2);
    assert_int_equal(f->changes, 1);
    redis_server_start_again(f->server);
    wait_health(f, "ok source shop");
    redis_server_do(f->server, "PUBLISH users.new 1");
    expect(f, "users.new=1 ");
}

/* The connection breaks before the server has answered: the next one asks for the new ones. */
static void
test_redis_pubsub_changes_over_a_connection_that_breaks(void **state)
{
    struct fixture *f = *state;
    f->server = redis_server_start(NULL);
    start_on(f, redis_server_port(f->server), true);
    wait_health(f, "ok source shop");
    change(f, other_subscriptions, 2);
    redis_server_kill(f->server);
    wait_until(f->loop, is_changed, f);
    redis_server_start_again(f->server);
    wait_health(f, "ok source shop");
    redis_server_do(f->server, "PUBLISH users.new 1");
    expect(f, "users.new=1 ");
    assert_int_equal(f->changes, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(test_redis_pubsub_##name, setup, teardown)
        CASE(message_of_several_subscriptions_counts_once),
        CASE(without_the_hook_every_copy_counts),
        CASE(comes_back_with_its_server),
        CASE(full_log_is_a_loss_that_is_told),
        CASE(stopped_takes_nothing_more),
        CASE(is_up_only_when_every_subscription_is_confirmed),
        CASE(refusal_is_said),
        CASE(changes_its_subscriptions_on_the_same_connection),
        CASE(changes_to_none_and_back),
        CASE(changes_at_once_where_the_server_is_down),
        CASE(changes_over_a_connection_that_breaks),
#undef CASE
    };
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("sources.redis_pubsub", tests, NULL, NULL);
}
