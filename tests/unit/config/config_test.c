#undef NDEBUG
#include "parsing.h"

#include <sched.h>
#include <string.h>

static uint64_t
cores(void)
{
    cpu_set_t set;
    assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
    return (uint64_t)CPU_COUNT(&set);
}

static void
test_config_of_an_empty_file_is_all_defaults(void **state)
{
    (void)state;
    struct config *c = parse_good("");
    assert_string_equal(c->path, "f");
    assert_string_equal(c->http.listen.host, "");
    assert_int_equal(c->http.listen.port, 8080);
    assert_int_equal(c->http.workers, cores());
    assert_true(c->http.page);
    assert_int_equal(c->http.head_bytes, 16384);
    assert_int_equal(c->http.head_timeout_ms, 10000);
    assert_int_equal(c->http.channels, 100);
    assert_int_equal(c->http.connections, 100000);
    assert_int_equal(c->http.connections_per_address, 0);
    assert_int_equal(c->http.ipv6_prefix, 64);
    assert_int_equal(c->http.connect_rate, 0);
    assert_int_equal(c->http.connect_rate_per_address, 0);
    assert_int_equal(c->http.trusted_proxies.length, 0);
    assert_int_equal(c->http.forwarded, FORWARDED_X_FORWARDED_FOR);
    assert_false(c->http.proxy_protocol);
    assert_int_equal(c->http.allow_channels_length, 0);
    assert_int_equal(c->http.unknown_channels, UNKNOWN_REFUSE);
    assert_int_equal(c->http.cors_origins_length, 0);
    assert_false(c->http.cors_credentials);
    assert_int_equal(c->stream.max_connection_age_ms, 0);
    assert_int_equal(c->stream.channels, 1000000);
    assert_int_equal(c->stream.heartbeat_ms, 15000);
    assert_int_equal(c->stream.retry_ms, 2000);
    assert_int_equal(c->stream.slow, SLOW_CATCH_UP);
    assert_int_equal(c->stream.slow_after_ms, 30000);
    assert_int_equal(c->stream.drain_delay_ms, 2000);
    assert_int_equal(c->stream.drain_ms, 5000);
    assert_int_equal(c->stream.tail_bytes, 64 << 20);
    assert_int_equal(c->stream.page_bytes, 16 << 20);
    assert_int_equal(c->stream.unsent_bytes, 64 << 20);
    assert_int_equal(c->stream.send_buffer_bytes, 65536);
    assert_int_equal(c->stream.notsent_lowat_bytes, 16384);
    assert_int_equal(c->stream.peer_timeout_ms, 60000);
    assert_int_equal(c->stream.mailbox_events, 65536);
    assert_int_equal(c->stream.mailbox_bytes, 64 << 20);
    assert_true(c->admin.is_on);
    assert_string_equal(c->admin.listen.host, "127.0.0.1");
    assert_int_equal(c->admin.listen.port, 8081);
    assert_int_equal(c->admin.body_bytes, 1 << 20);
    assert_int_equal(c->replay.store, REPLAY_MEMORY);
    assert_string_equal(c->replay.prefix, "runnel");
    assert_int_equal(c->replay.keep.events, 1000);
    assert_int_equal(c->replay.keep.for_ms, 3600000);
    assert_int_equal(c->replay.memory_bytes, 256 << 20);
    assert_int_equal(c->replay.channel_bytes, 16 << 20);
    assert_int_equal(c->replay.queue_events, 65536);
    assert_int_equal(c->replay.queue_bytes, 64 << 20);
    assert_string_equal(c->replay.redis.host, "");
    assert_int_equal(c->log.level, LOG_INFO);
    assert_int_equal(c->log.format, LOG_LOGFMT);
    assert_int_equal(c->sources_length, 0);
    assert_int_equal(c->routes_length, 0);
    config_free(c);
}

static void
test_config_of_sections_without_keys_is_all_defaults(void **state)
{
    (void)state;
    struct config *c = parse_good("http:\nstream: {}\nadmin:\n  # listen: off\nreplay:\n  keep:\n"
                                  "sources:\nroutes:\n");
    assert_int_equal(c->http.listen.port, 8080);
    assert_true(c->admin.is_on);
    assert_int_equal(c->replay.keep.events, 1000);
    config_free(c);
}

static void
test_config_of_http_and_stream_keys_reads_them(void **state)
{
    (void)state;
    struct config *c =
        parse_good("http:\n"
                   "  listen: \"[::1]:0\"\n"
                   "  workers: 3\n"
                   "  page: false\n"
                   "  head_bytes: 1K\n"
                   "  head_timeout: 250ms\n"
                   "  channels: 7\n"
                   "  connections: 1\n"
                   "  cors_origins: [\"*\", 'https://a.example:8443', http://localhost]\n"
                   "stream: {heartbeat: 1m, retry: 1s, slow: skip, slow_after: 2s, drain: 0s,\n"
                   "  drain_delay: 3s,\n"
                   "  tail_bytes: 1M, page_bytes: 2M, unsent_bytes: 3M, send_buffer_bytes: 0,\n"
                   "  notsent_lowat_bytes: 0, peer_timeout: 5s, mailbox_events: 9,\n"
                   "  mailbox_bytes: 4M}\n");
    assert_string_equal(c->http.listen.host, "::1");
    assert_int_equal(c->http.listen.port, 0);
    assert_int_equal(c->http.workers, 3);
    assert_false(c->http.page);
    assert_int_equal(c->http.head_bytes, 1024);
    assert_int_equal(c->http.head_timeout_ms, 250);
    assert_int_equal(c->http.channels, 7);
    assert_int_equal(c->http.connections, 1);
    assert_int_equal(c->http.cors_origins_length, 3);
    assert_string_equal(c->http.cors_origins[0], "*");
    assert_string_equal(c->http.cors_origins[1], "https://a.example:8443");
    assert_string_equal(c->http.cors_origins[2], "http://localhost");
    assert_int_equal(c->stream.heartbeat_ms, 60000);
    assert_int_equal(c->stream.slow, SLOW_SKIP);
    assert_int_equal(c->stream.slow_after_ms, 2000);
    assert_int_equal(c->stream.drain_delay_ms, 3000);
    assert_int_equal(c->stream.drain_ms, 0);
    assert_int_equal(c->stream.tail_bytes, 1 << 20);
    assert_int_equal(c->stream.page_bytes, 2 << 20);
    assert_int_equal(c->stream.unsent_bytes, 3 << 20);
    assert_int_equal(c->stream.send_buffer_bytes, 0);
    assert_int_equal(c->stream.notsent_lowat_bytes, 0);
    assert_int_equal(c->stream.peer_timeout_ms, 5000);
    assert_int_equal(c->stream.mailbox_events, 9);
    assert_int_equal(c->stream.mailbox_bytes, 4 << 20);
    config_free(c);
}

static void
test_config_of_limits_and_proxies_reads_them(void **state)
{
    (void)state;
    struct network ours;
    struct config *c = parse_good("http:\n"
                                  "  connections_per_address: 20\n"
                                  "  ipv6_prefix: 56\n"
                                  "  connect_rate: 500\n"
                                  "  connect_rate_per_address: 5\n"
                                  "  trusted_proxies: [10.0.0.0/8, \"::1\"]\n"
                                  "  forwarded: forwarded\n"
                                  "  proxy_protocol: true\n"
                                  "  cors_origins: [https://a.example]\n"
                                  "  cors_credentials: true\n"
                                  "stream: {max_connection_age: 1h, channels: 7}\n");
    assert_int_equal(network_parse(STR("10.0.0.0/8"), &ours), 0);
    assert_int_equal(c->http.connections_per_address, 20);
    assert_int_equal(c->http.ipv6_prefix, 56);
    assert_int_equal(c->http.connect_rate, 500);
    assert_int_equal(c->http.connect_rate_per_address, 5);
    assert_int_equal(c->http.trusted_proxies.length, 2);
    assert_memory_equal(&c->http.trusted_proxies.items[0], &ours, sizeof(ours));
    assert_int_equal(c->http.forwarded, FORWARDED_STANDARD);
    assert_true(c->http.proxy_protocol);
    assert_true(c->http.cors_credentials);
    assert_int_equal(c->stream.max_connection_age_ms, 3600000);
    assert_int_equal(c->stream.channels, 7);
    config_free(c);
}

static void
test_config_of_allowed_channels_reads_patterns(void **state)
{
    (void)state;
    struct config *c = parse_good("http: {allow_channels: [\"news\", \"orders/*\", "
                                  "\"lines/{line}/{{x}}\"], unknown_channels: "
                                  "empty}\n");
    assert_int_equal(c->http.allow_channels_length, 3);
    assert_string_equal(c->http.allow_channels[0], "news");
    assert_string_equal(c->http.allow_channels[1], "orders/*");
    assert_string_equal(c->http.allow_channels[2], "lines/*/{x}");
    assert_int_equal(c->http.unknown_channels, UNKNOWN_EMPTY);
    config_free(c);
}

/* Also where the routes come later in the file; each pattern once. */
static void
test_config_of_channels_that_routes_make_takes_their_templates(void **state)
{
    (void)state;
    struct config *c =
        parse_good("http: {allow_channels: routes}\n"
                   "sources: {web: {type: http}}\n"
                   "routes:\n"
                   "  - {source: web, topic: \"t/{shop}\", channel: \"orders/{shop}\"}\n"
                   "  - {source: web, topic: a, channel: all}\n"
                   "  - {source: web, topic: b, channel: \"orders/{json:/id}\"}\n");
    assert_int_equal(c->http.allow_channels_length, 2);
    assert_string_equal(c->http.allow_channels[0], "all");
    assert_string_equal(c->http.allow_channels[1], "orders/*");
    config_free(c);
}

static void
test_config_of_admin_off_has_no_port(void **state)
{
    (void)state;
    struct config *c = parse_good("admin: {listen: off}\nlog: {level: debug, format: json}\n");
    assert_false(c->admin.is_on);
    assert_int_equal(c->log.level, LOG_DEBUG);
    assert_int_equal(c->log.format, LOG_JSON);
    config_free(c);
    c = parse_good("admin: {listen: 9090}\nlog: {level: error}\n");
    assert_true(c->admin.is_on);
    assert_string_equal(c->admin.listen.host, "");
    assert_int_equal(c->admin.listen.port, 9090);
    assert_int_equal(c->log.level, LOG_ERROR);
    config_free(c);
}

static void
test_config_of_a_redis_log_reads_the_brokers_keys(void **state)
{
    (void)state;
    struct config *c = parse_good("replay:\n"
                                  "  url: rediss://me:s%65cret@[::1]:7000/3\n"
                                  "  store: redis\n"
                                  "  prefix: app:1\n"
                                  "  ca_file: /dev/null\n"
                                  "  cert_file: /dev/null\n"
                                  "  key_file: /dev/null\n"
                                  "  server_name: log.example\n"
                                  "  verify: false\n"
                                  "  connect_timeout: 1s\n"
                                  "  idle_timeout: 2s\n"
                                  "  retry_min: 3s\n"
                                  "  retry_max: 4s\n"
                                  "  keep: {events: 5, for: 6d}\n"
                                  "  queue: {events: 7, bytes: 8K}\n");
    const struct config_broker *b = &c->replay.redis;
    assert_int_equal(c->replay.store, REPLAY_REDIS);
    assert_string_equal(c->replay.prefix, "app:1");
    assert_string_equal(b->host, "::1");
    assert_int_equal(b->port, 7000);
    assert_int_equal(b->database, 3);
    assert_string_equal(b->username, "me");
    assert_string_equal(b->password, "secret");
    assert_true(b->tls.is_on);
    assert_false(b->tls.is_verified);
    assert_string_equal(b->tls.ca_file, "/dev/null");
    assert_string_equal(b->tls.cert_file, "/dev/null");
    assert_string_equal(b->tls.key_file, "/dev/null");
    assert_string_equal(b->tls.server_name, "log.example");
    assert_int_equal(b->connect_timeout_ms, 1000);
    assert_int_equal(b->idle_timeout_ms, 2000);
    assert_int_equal(b->retry_min_ms, 3000);
    assert_int_equal(b->retry_max_ms, 4000);
    assert_int_equal(c->replay.keep.events, 5);
    assert_int_equal(c->replay.keep.for_ms, 518400000);
    assert_int_equal(c->replay.queue_events, 7);
    assert_int_equal(c->replay.queue_bytes, 8192);
    config_free(c);
}

static void
test_config_of_sources_reads_each_kind(void **state)
{
    (void)state;
    struct config *c = parse_good(
        "sources:\n"
        "  shop: {type: redis, url: redis://h/2, username: u, password: p}\n"
        "  plant \\/ 1: {url: mqtt://h, type: mqtt, version: 3.1.1, qos: 0, client_id: me,\n"
        "    keepalive: 10s, retained: new}\n"
        "  newer: {type: mqtt, url: mqtts://h, client_id: me, session_expiry: 2d}\n"
        "  web: {type: http, token: \"t0k3n: #'x\"}\n"
        "  log: {type: redis-stream, url: rediss://h/1, from: 5-18446744073709551615, field: "
        "body}\n"
        "  all: {type: redis-stream, url: redis://h}\n");
    assert_int_equal(c->sources_length, 6);
    const struct config_source *s = c->sources;
    assert_string_equal(s[0].name, "shop");
    assert_int_equal(s[0].mark.line, 2);
    assert_int_equal(s[0].mark.column, 3);
    assert_int_equal(s[0].type, SOURCE_REDIS);
    assert_int_equal(s[0].broker.database, 2);
    assert_string_equal(s[0].broker.username, "u");
    assert_string_equal(s[0].broker.password, "p");
    assert_false(s[0].broker.tls.is_on);
    assert_true(s[0].broker.tls.is_verified);
    assert_string_equal(s[0].http.token, "");
    assert_int_equal(s[1].type, SOURCE_MQTT);
    assert_int_equal(s[1].broker.port, 1883);
    assert_int_equal(s[1].broker.connect_timeout_ms, 5000);
    assert_int_equal(s[1].broker.idle_timeout_ms, 30000);
    assert_int_equal(s[1].broker.retry_min_ms, 100);
    assert_int_equal(s[1].broker.retry_max_ms, 10000);
    assert_false(s[1].mqtt.is_v5);
    assert_int_equal(s[1].mqtt.qos, 0);
    assert_string_equal(s[1].mqtt.client_id, "me");
    assert_int_equal(s[1].mqtt.keepalive_s, 10);
    assert_int_equal(s[1].mqtt.retained, RETAINED_NEW);
    assert_true(s[2].broker.tls.is_on);
    assert_int_equal(s[2].broker.port, 8883);
    assert_true(s[2].mqtt.is_v5);
    assert_int_equal(s[2].mqtt.qos, 1);
    assert_int_equal(s[2].mqtt.keepalive_s, 60);
    assert_int_equal(s[2].mqtt.session_expiry_ms, 172800000);
    assert_int_equal(s[2].mqtt.retained, RETAINED_PASS);
    assert_int_equal(s[3].type, SOURCE_HTTP);
    assert_string_equal(s[3].http.token, "t0k3n: #'x");
    assert_string_equal(s[3].broker.host, "");
    assert_int_equal(s[4].type, SOURCE_REDIS_STREAM);
    assert_true(s[4].broker.tls.is_on);
    assert_int_equal(s[4].broker.database, 1);
    assert_string_equal(s[4].stream.from, "5-18446744073709551615");
    assert_string_equal(s[4].stream.field, "body");
    assert_string_equal(s[5].stream.from, "$");
    assert_string_equal(s[5].stream.field, "");
    config_free(c);
}

static void
test_config_of_routes_reads_texts_with_their_places(void **state)
{
    (void)state;
    struct config *c = parse_good(
        "routes:\n"
        "  - source: b\n"
        "    topic: \"x/{y}\"\n"
        "    channel: 'c/{y}'\n"
        "    event: e\n"
        "    data: \"{json:/a}\"\n"
        "    keep: {events: 2, for: 3s}\n"
        "    slow: close\n"
        "    slow_after: 4s\n"
        "    not_utf8: base64\n"
        "    on_error: pass\n"
        "    max_bytes: 4K\n"
        "  - {source: a, topic: t, channel: c, when: []}\n"
        "sources: {a: {type: redis, url: redis://h}, b: {type: redis, url: redis://h}}\n");
    assert_int_equal(c->routes_length, 2);
    const struct config_route *r = c->routes;
    assert_int_equal(r[0].source, 1);
    assert_int_equal(r[0].mark.line, 2);
    assert_int_equal(r[0].mark.column, 5);
    assert_string_equal(r[0].topic.value, "x/{y}");
    assert_int_equal(r[0].topic.mark.line, 3);
    assert_int_equal(r[0].topic.mark.column, 12);
    assert_string_equal(r[0].channel.value, "c/{y}");
    assert_string_equal(r[0].event.value, "e");
    assert_string_equal(r[0].data.value, "{json:/a}");
    assert_int_equal(r[0].data.mark.line, 6);
    assert_int_equal(r[0].keep.events, 2);
    assert_int_equal(r[0].keep.for_ms, 3000);
    assert_int_equal(r[0].slow, ROUTE_SLOW_CLOSE);
    assert_int_equal(r[0].slow_after_ms, 4000);
    assert_int_equal(r[0].not_utf8, NOT_UTF8_BASE64);
    assert_int_equal(r[0].on_error, ON_ERROR_PASS);
    assert_int_equal(r[0].max_bytes, 4096);
    assert_int_equal(r[1].source, 0);
    assert_string_equal(r[1].event.value, "");
    assert_string_equal(r[1].data.value, "");
    assert_int_equal(r[1].event.mark.line, 0);
    assert_int_equal(r[1].keep.events, 0);
    assert_int_equal(r[1].keep.for_ms, 0);
    assert_int_equal(r[1].slow, ROUTE_SLOW_STREAM);
    assert_int_equal(r[1].slow_after_ms, 0);
    assert_int_equal(r[1].not_utf8, NOT_UTF8_DROP);
    assert_int_equal(r[1].on_error, ON_ERROR_DROP);
    assert_int_equal(r[1].max_bytes, 1 << 20);
    assert_int_equal(r[1].when_length, 0);
    config_free(c);
}

static void
test_config_of_conditions_knows_what_was_quoted(void **state)
{
    (void)state;
    struct config *c = parse_good("sources: {a: {type: redis, url: redis://h}}\n"
                                  "routes:\n"
                                  "  - source: a\n"
                                  "    topic: t\n"
                                  "    channel: c\n"
                                  "    when:\n"
                                  "      - {json: /a, equals: 5}\n"
                                  "      - {json: \"\", not_equals: \"5\"}\n"
                                  "      - {capture: y, in: [a, 'b', \"\", null, true]}\n"
                                  "      - {json: /a, not_in: [1]}\n"
                                  "      - {json: /a, gt: 0}\n"
                                  "      - {json: /a, gte: 0.5}\n"
                                  "      - {json: /a, lt: -1}\n"
                                  "      - {json: /a, lte: 1e3}\n"
                                  "      - {json: /a, exists: false}\n"
                                  "      - json: /a\n"
                                  "        equals: >-\n"
                                  "          x\n");
    const struct config_when *w = c->routes[0].when;
    static const enum config_op ops[] = {WHEN_EQUALS, WHEN_NOT_EQUALS, WHEN_IN, WHEN_NOT_IN,
                                         WHEN_GT,     WHEN_GTE,        WHEN_LT, WHEN_LTE,
                                         WHEN_EXISTS, WHEN_EQUALS};
    assert_int_equal(c->routes[0].when_length, 10);
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(w[i].op, ops[i]);
        assert_int_equal(w[i].is_json, i != 2);
        assert_int_equal(w[i].values_length, i == 2 ? 5 : 1);
    }
    assert_string_equal(w[0].json.value, "/a");
    assert_int_equal(w[0].json.mark.line, 7);
    assert_int_equal(w[0].json.mark.column, 16);
    assert_string_equal(w[0].capture.value, "");
    assert_string_equal(w[0].values[0].value, "5");
    assert_true(w[0].values_are_plain[0]);
    assert_string_equal(w[1].json.value, "");
    assert_false(w[1].values_are_plain[0]);
    assert_string_equal(w[2].capture.value, "y");
    assert_string_equal(w[2].values[1].value, "b");
    assert_string_equal(w[2].values[2].value, "");
    assert_string_equal(w[2].values[3].value, "null");
    static const bool plain[] = {true, false, false, true, true};
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(w[2].values_are_plain[i], plain[i]);
    }
    assert_int_equal(w[2].values[4].mark.column, 45);
    assert_string_equal(w[8].values[0].value, "false");
    assert_string_equal(w[9].values[0].value, "x");
    assert_false(w[9].values_are_plain[0]);
    config_free(c);
}

static void
test_config_of_variables_fills_them_in(void **state)
{
    (void)state;
    assert_int_equal(setenv("RUNNEL_TEST_PORT", "4711", 1), 0);
    assert_int_equal(setenv("RUNNEL_TEST_YAML", "a: [b\n", 1), 0);
    assert_int_equal(unsetenv("RUNNEL_TEST_NONE"), 0);
    struct config *c = parse_good(
        "http: {listen: \"127.0.0.1:${RUNNEL_TEST_PORT}\", workers: \"${RUNNEL_TEST_NONE:-2}\"}\n"
        "stream:\n"
        "  retry: ${RUNNEL_TEST_NONE:-3}s\n"
        "sources: {a: {type: redis, url: \"redis://${RUNNEL_TEST_NONE:-h}\"}}\n"
        "routes:\n"
        "  - source: a\n"
        "    topic: ${RUNNEL_TEST_YAML}\n"
        "    channel: $${RUNNEL_TEST_PORT}\n"
        "    when: [{json: /a, equals: \"${RUNNEL_TEST_PORT}\"}]\n");
    assert_int_equal(c->http.listen.port, 4711);
    assert_int_equal(c->http.workers, 2);
    assert_int_equal(c->stream.retry_ms, 3000);
    assert_string_equal(c->sources[0].broker.host, "h");
    assert_string_equal(c->routes[0].topic.value, "a: [b\n"); /* a value, never more YAML */
    assert_string_equal(c->routes[0].channel.value, "${RUNNEL_TEST_PORT}");
    assert_string_equal(c->routes[0].when[0].values[0].value, "4711");
    config_free(c);
    assert_int_equal(unsetenv("RUNNEL_TEST_PORT"), 0);
    assert_int_equal(unsetenv("RUNNEL_TEST_YAML"), 0);
}

static void
test_config_of_aliases_reads_them_each_time(void **state)
{
    (void)state;
    struct config *c =
        parse_good("sources:\n"
                   "  a: &redis {type: redis, url: redis://h}\n"
                   "  b: *redis\n"
                   "routes:\n"
                   "  - {source: a, topic: t, channel: c, keep: &keep {events: 3}, when: &when "
                   "[{json: /a, gt: 1}]}\n"
                   "  - {source: b, topic: t, channel: c, keep: *keep, when: *when}\n");
    assert_string_equal(c->sources[1].name, "b");
    assert_string_equal(c->sources[1].broker.host, "h");
    assert_int_equal(c->routes[1].source, 1);
    assert_int_equal(c->routes[1].keep.events, 3);
    assert_int_equal(c->routes[1].when_length, 1);
    assert_ptr_not_equal(c->routes[0].when, c->routes[1].when);
    config_free(c);
}

static void
test_config_of_ten_thousand_routes_is_read(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 4 << 20);
    assert_int_equal(buf_printf(&text, "sources: {a: {type: redis, url: redis://h}}\nroutes:\n"),
                     0);
    for (unsigned i = 0; i < 10000; i++) {
        assert_int_equal(
            buf_printf(
                &text,
                "  - source: a\n    topic: \"orders.%u.{what}\"\n    channel: \"orders/%u\"\n"
                "    event: \"{json:/type}\"\n    when: [{json: /total, gt: %u}]\n"
                "    keep: {events: 100, for: 10m}\n",
                i, i, i),
            0);
    }
    struct parsing p = parse_bytes(buf_str(&text));
    assert_string_equal(p.said, "");
    assert_int_equal(p.config->routes_length, 10000);
    assert_string_equal(p.config->routes[9999].channel.value, "orders/9999");
    assert_int_equal(p.config->routes[9999].mark.line, 2 + 9999 * 6 + 1);
    parsing_free(&p);
    buf_fini(&text);
}

static void
test_config_default_serves_this_machine_with_an_http_source(void **state)
{
    (void)state;
    struct config *c = NULL;
    assert_int_equal(config_default(&c), 0);
    assert_string_equal(c->path, "");
    assert_string_equal(c->http.listen.host, "127.0.0.1");
    assert_string_equal(c->admin.listen.host, "127.0.0.1");
    assert_int_equal(c->replay.store, REPLAY_MEMORY);
    assert_int_equal(c->sources_length, 1);
    assert_int_equal(c->sources[0].type, SOURCE_HTTP);
    assert_string_equal(c->sources[0].http.token, "");
    assert_int_equal(c->routes_length, 1);
    assert_string_equal(c->routes[0].channel.value, "{topic}");
    config_free(c);
}

static void
test_config_broker_address_has_brackets_for_ipv6(void **state)
{
    char text[CONFIG_BROKER_ADDRESS_SIZE_MAX];
    char v6[] = "2001:db8::1", name[] = "redis.example";
    struct config_broker b = {.host = v6, .port = 65535};
    (void)state;
    assert_string_equal(config_broker_address(&b, text), "[2001:db8::1]:65535");
    b.host = name;
    assert_string_equal(config_broker_address(&b, text), "redis.example:65535");
}

static void
test_config_free_of_nothing_is_fine(void **state)
{
    (void)state;
    config_free(NULL);
    problems_free(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config_of_an_empty_file_is_all_defaults),
        cmocka_unit_test(test_config_of_sections_without_keys_is_all_defaults),
        cmocka_unit_test(test_config_of_http_and_stream_keys_reads_them),
        cmocka_unit_test(test_config_of_limits_and_proxies_reads_them),
        cmocka_unit_test(test_config_of_allowed_channels_reads_patterns),
        cmocka_unit_test(test_config_of_channels_that_routes_make_takes_their_templates),
        cmocka_unit_test(test_config_of_admin_off_has_no_port),
        cmocka_unit_test(test_config_of_a_redis_log_reads_the_brokers_keys),
        cmocka_unit_test(test_config_of_sources_reads_each_kind),
        cmocka_unit_test(test_config_of_routes_reads_texts_with_their_places),
        cmocka_unit_test(test_config_of_conditions_knows_what_was_quoted),
        cmocka_unit_test(test_config_of_variables_fills_them_in),
        cmocka_unit_test(test_config_of_aliases_reads_them_each_time),
        cmocka_unit_test(test_config_of_ten_thousand_routes_is_read),
        cmocka_unit_test(test_config_default_serves_this_machine_with_an_http_source),
        cmocka_unit_test(test_config_broker_address_has_brackets_for_ipv6),
        cmocka_unit_test(test_config_free_of_nothing_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
