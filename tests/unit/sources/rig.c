#undef NDEBUG
#include "rig.h"

#include "event/loop.h"
#include "event/timer.h"
#include "observability/health.h"
#include "observability/metrics.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * libmosquitto unlocks a mutex that it has not locked when the broker sends DISCONNECT (2.0.11 to
 * 2.0.20, do_client_disconnect): it is the library's own and nobody waits for it.
 */
/* NOLINTNEXTLINE(readability-identifier-naming): the runtime's name */
const char *__tsan_default_suppressions(void);

const char *
/* NOLINTNEXTLINE(readability-identifier-naming) */
__tsan_default_suppressions(void)
{
    return "mutex:libmosquitto\n";
}

static char rig_empty[] = "";

static int
rig_on_message(void *arg, const struct message *message, uint64_t *ret_ticket)
{
    struct rig *r = arg;
    errno = EAGAIN; /* as it may be left behind by what a real sink does */
    if (r->is_full) {
        r->refusals++;
        return SINK_E_FULL;
    }
    if (r->refusal != 0) {
        return r->refusal;
    }
    r->messages = realloc(r->messages, (r->messages_length + 1) * sizeof *r->messages);
    assert(r->messages != NULL);
    struct rig_message *m = &r->messages[r->messages_length++];
    m->topic = str_dup(message->topic);
    m->payload = str_dup(message->payload);
    m->ticket = r->messages_length;
    assert(message->received_ms > 0);
    *ret_ticket = m->ticket;
    if (r->stores_at_once) {
        source_on_stored(r->source, m->ticket);
    }
    return 0;
}

static void
rig_on_loss(void *arg)
{
    struct rig *r = arg;
    r->losses++;
}

static uint32_t
rig_last_events(void *arg)
{
    const struct rig *r = arg;
    return r->events;
}

static struct config_broker
rig_broker(uint16_t port)
{
    static char host[] = "127.0.0.1";
    return (struct config_broker){.host = host,
                                  .port = port,
                                  .username = rig_empty,
                                  .password = rig_empty,
                                  .tls = {.ca_file = rig_empty,
                                          .cert_file = rig_empty,
                                          .key_file = rig_empty,
                                          .server_name = rig_empty,
                                          .is_verified = true},
                                  .connect_timeout_ms = 20000,
                                  .idle_timeout_ms = 20000,
                                  .retry_min_ms = 5,
                                  .retry_max_ms = 50};
}

void
rig_init_type(struct rig *r, enum config_source_type type)
{
    static char name[] = "plant";
    *r = (struct rig){.events = 1};
    (void)signal(SIGPIPE, SIG_IGN); /* as main does */
    r->loop = loop_new("test");
    r->health = health_new();
    r->metrics = metrics_new(1, 0);
    r->series = metrics_series_ref(r->metrics, "plant", NULL);
    assert(r->loop != NULL && r->health != NULL && r->metrics != NULL);
    r->config = (struct config_source){.name = name, .type = type, .broker = rig_broker(0)};
    r->config.mqtt.client_id = rig_empty;
    r->config.http.token = rig_empty;
}

void
rig_init(struct rig *r, uint16_t port)
{
    rig_init_type(r, SOURCE_MQTT);
    r->config.broker = rig_broker(port);
    r->config.mqtt.is_v5 = true;
    r->config.mqtt.qos = 1;
    r->config.mqtt.keepalive_s = 60;
    r->config.mqtt.session_expiry_ms = 3600000;
    r->config.mqtt.retained = RETAINED_PASS;
}

void
rig_fini(struct rig *r)
{
    rig_end(r);
    for (size_t i = 0; i < r->messages_length; i++) {
        free(r->messages[i].topic);
        free(r->messages[i].payload);
    }
    free(r->messages);
    loop_free(r->loop);
    health_free(r->health);
    metrics_free(r->metrics);
}

void
rig_subscribe(struct rig *r, const char *filter)
{
    assert(r->subscriptions_length < RIG_SUBSCRIPTIONS_MAX);
    r->subscriptions[r->subscriptions_length++] = (struct source_subscription){.filter = filter};
}

void
rig_start(struct rig *r)
{
    struct source_settings settings = {
        .config = &r->config,
        .subscriptions = r->subscriptions,
        .subscriptions_length = r->subscriptions_length,
        .loop = r->loop,
        .sink = {.arg = r,
                 .on_message = rig_on_message,
                 .on_loss = rig_on_loss,
                 .last_events = rig_last_events},
        .series = r->series,
        .health = r->health,
    };
    r->refused = source_new(&settings, &r->source);
    if (r->refused == 0) {
        source_start(r->source);
    }
}

void
rig_up(struct rig *r)
{
    rig_start(r);
    RIG_WAIT(r, rig_is_up(r));
}

void
rig_end(struct rig *r)
{
    if (r->source != NULL) {
        r->source->ops->free(r->source);
        r->source = NULL;
    }
}

void
rig_store(struct rig *r)
{
    source_on_stored(r->source, r->messages_length);
}

static void
rig_stop_loop(void *arg)
{
    struct rig *r = arg;
    loop_stop(r->loop);
}

void
rig_turn(struct rig *r)
{
    struct timer timer;
    timer_init(&timer, r->loop, rig_stop_loop, r);
    timer_start(&timer, 2);
    assert_int_equal(loop_run(r->loop), 0);
}

static void
rig_render_health(const struct rig *r, char text[1024])
{
    struct buf out;
    buf_init(&out, 1023);
    assert_int_equal(health_render(r->health, &out), 0);
    memcpy(text, out.data != NULL ? out.data : "", out.size);
    text[out.size] = '\0';
    buf_fini(&out);
}

void
rig_wait_turn(struct rig *r, uint64_t begin_ns, const char *condition, const char *file, int line)
{
    char text[1024];
    if (clock_mono_ns() - begin_ns < RIG_PATIENCE_S * UINT64_C(1000000000)) {
        rig_turn(r);
        return;
    }
    rig_render_health(r, text);
    print_error("never: %s\nmessages: %zu, health: %s", condition, r->messages_length, text);
    _fail(file, line);
}

bool
rig_is_up(const struct rig *r)
{
    return metrics_series_read(r->series, METRIC_SOURCE_UP, 0) == 1;
}

bool
rig_says(const struct rig *r, const char *words)
{
    char text[1024];
    rig_render_health(r, text);
    return strstr(text, words) != NULL;
}

int64_t
rig_metric(const struct rig *r, int metric)
{
    return metrics_series_read(r->series, (enum metric)metric, 0);
}

size_t
rig_count(const struct rig *r, const char *topic, const char *payload)
{
    size_t count = 0;
    for (size_t i = 0; i < r->messages_length; i++) {
        const struct rig_message *m = &r->messages[i];
        count += strcmp(m->topic, topic) == 0 && strcmp(m->payload, payload) == 0;
    }
    return count;
}

bool
rig_has_message(const struct rig *r, const char *topic, const char *payload)
{
    return rig_count(r, topic, payload) > 0;
}
