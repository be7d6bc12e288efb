#undef NDEBUG
#include "config/reader.h"
#include "parsing.h"

#include <string.h>

struct wrong {
    const char *text;
    const char *said;
};

static void
assert_all_say(const struct wrong *cases, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        assert_says(cases[i].text, cases[i].said);
    }
}

#define ASSERT_ALL_SAY(cases) assert_all_say(cases, sizeof(cases) / sizeof(cases[0]))

static void
test_wrong_keys_are_named_with_their_remedy(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {"htpp: {}\n", "f:1:1: htpp: unknown key (did you mean \"http\"?)\n"},
        {"http: {lisen: 80}\n", "f:1:8: http.lisen: unknown key (did you mean \"listen\"?)\n"},
        {"other: 1\n",
         "f:1:1: other: unknown key (expected http, stream, admin, replay, log, sources "
         "or routes)\n"},
        {"replay: {keep: {evnts: 1}}\n",
         "f:1:17: replay.keep.evnts: unknown key (did you mean \"events\"?)\n"},
        {"replay: {keep.events: 1}\n", "f:1:10: replay.keep.events: unknown key (expected store, "
                                       "keep, memory_bytes, channel_bytes "
                                       "or queue)\n"},
        {"http: {page: true, page: false}\n", "f:1:20: http.page: given twice (first in line 1)\n"},
        {"http: {page: true}\nlog: {}\nhttp: {}\n", "f:3:1: http: given twice (first in line 1)\n"},
        {"? [a]\n: b\n", "f:1:3: is a list (expected a key; brackets in a text need quotes)\n"},
        {"? {a: b}\n: b\n", "f:1:3: is a map (expected a key; braces in a text need quotes)\n"},
        {"\"\": 1\n", "f:1:1: unknown key (expected http, stream, admin, replay, log, sources or "
                      "routes)\n"},
        {"\"a\\e[2J\\nb\": 1\n",
         "f:1:1: a\\x1b[2J\\x0ab: unknown key (expected http, stream, admin, "
         "replay, log, sources or routes)\n"},
        {"<<: {}\n",
         "f:1:1: <<: unknown key (expected http, stream, admin, replay, log, sources or "
         "routes)\n"},
    };
    ASSERT_ALL_SAY(cases);
}

static void
test_wrong_kinds_of_values_are_refused(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {"text\n", "f:1:1: is a text (expected a map)\n"},
        {"- a\n", "f:1:1: is a list (expected a map)\n"},
        {"http: 8080\n", "f:1:7: http: is a text (expected a map)\n"},
        {"http: [a]\n", "f:1:7: http: is a list (expected a map)\n"},
        {"http: \"\"\n", "f:1:7: http: is a text (expected a map)\n"},
        {"http: {listen: [80]}\n",
         "f:1:16: http.listen: is a list (expected a port, or address:port with a numeric address; "
         "brackets in a text need quotes)\n"},
        {"http:\n  workers:\n    a: b\n",
         "f:3:5: http.workers: is a map (expected auto, or a number from 1 to 256)\n"},
        {"http: {cors_origins: \"*\"}\n",
         "f:1:22: http.cors_origins: is a text (expected a list of origins, or of \"*\")\n"},
        {"http: {cors_origins: [[a]]}\n",
         "f:1:23: http.cors_origins[0]: is a list (expected an origin; "
         "brackets in a text need quotes)\n"},
        {"sources: [a]\n", "f:1:10: sources: is a list (expected a map of sources by name)\n"},
        {"sources: {a: redis}\n", "f:1:14: sources.a: is a text (expected a map with a type)\n"},
        {"routes: {}\n", "f:1:9: routes: is a map (expected a list of routes)\n"},
        {"routes: [a]\n",
         "f:1:10: routes[0]: is a text (expected a map with source, topic and channel)\n"},
        {SHOP "routes: [{source: shop, topic: {a}, channel: c}]\n",
         "f:2:32: routes[0].topic: is a map (expected a text; braces in a text need quotes)\n"},
        {SHOP "routes: [{source: shop, topic: t, channel: c, when: {json: /a}}]\n",
         "f:2:53: routes[0].when: is a map (expected a list of conditions)\n"},
        {SHOP "routes: [{source: shop, topic: t, channel: c, when: [/a]}]\n",
         "f:2:54: routes[0].when[0]: is a text (expected a map)\n"},
    };
    ASSERT_ALL_SAY(cases);
}

static void
test_wrong_nothing_in_place_of_a_value_is_refused(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {"http:\n  listen:\n",
         "f:2:10: http.listen: has no value (expected a port, or address:port with "
         "a numeric address)\n"},
        {"log: {level: null}\n",
         "f:1:14: log.level: has no value (expected debug, info, warn or error)\n"},
        {"log: {level: ~}\n",
         "f:1:14: log.level: has no value (expected debug, info, warn or error)\n"},
        {"http: {listen: \"\"}\n",
         "f:1:16: http.listen: is empty (expected a port, or address:port with "
         "a numeric address)\n"},
        {"http: {cors_origins: }\n",
         "f:1:22: http.cors_origins: is a text (expected a list of origins, or of \"*\")\n"},
        {"sources: {web: {type: http, token: \"\"}}\n",
         "f:1:36: sources.web.token: is empty (expected a text)\n"},
        {"sources: {web: {type: http, token: \"${RUNNEL_TEST_NONE:-}\"}}\n",
         "f:1:36: sources.web.token: is empty (expected a text)\n"},
        {SHOP "routes: [{source: shop, topic: \"\", channel: c}]\n",
         "f:2:32: routes[0].topic: is empty (expected a text)\n"},
        {SHOP "routes: [{source: shop, topic: t, channel: c, when: [{json: /a, equals: }]}]\n",
         "f:2:73: routes[0].when[0].equals: has no value (expected one; quotes make an empty "
         "text)\n"},
        {SHOP "routes: [{source: shop, topic: t, channel: c, when: [{json: , equals: 1}]}]\n",
         "f:2:61: routes[0].when[0].json: has no value (expected a text)\n"},
        {SHOP "routes: [{source: shop, topic: t, channel: c, when: [{json: /a, in: []}]}]\n",
         "f:2:69: routes[0].when[0].in: is empty (expected a list of values)\n"},
    };
    ASSERT_ALL_SAY(cases);
}

static void
test_wrong_numbers_sizes_and_durations_are_refused(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {"http: {channels: many}\n",
         "f:1:18: http.channels: \"many\" is no number (expected a number from 1 to 10000)\n"},
        {"http: {channels: -1}\n",
         "f:1:18: http.channels: \"-1\" is no number (expected a number from 1 to 10000)\n"},
        {"http: {channels: 99999999999999999999}\n",
         "f:1:18: http.channels: \"99999999999999999999\" is out of range (expected a number from "
         "1 to "
         "10000)\n"},
        {"http: {head_bytes: 16KB}\n", "f:1:20: http.head_bytes: \"16KB\" is no size: digits, or "
                                       "digits and K, M or G (expected a size "
                                       "from 256 to 1M)\n"},
        {"stream: {retry: 2}\n",
         "f:1:17: stream.retry: \"2\" has no unit: ms, s, m, h or d (expected a "
         "duration from 1ms to 1h)\n"},
        {"stream: {retry: 2 s}\n", "f:1:17: stream.retry: \"2 s\" is no duration: digits and ms, "
                                   "s, m, h or d (expected a duration "
                                   "from 1ms to 1h)\n"},
        {"sources: {a: {type: mqtt, url: mqtt://h, keepalive: 5500ms}}\n",
         "f:1:53: sources.a.keepalive: \"5500ms\" is no duration of whole seconds: digits and s, "
         "m, h or "
         "d (expected whole seconds from 5s to 65535s)\n"},
        {"sources: {a: {type: mqtt, url: mqtt://h, keepalive: 60}}\n",
         "f:1:53: sources.a.keepalive: \"60\" has no unit: ms, s, m, h or d (expected whole "
         "seconds from "
         "5s to 65535s)\n"},
        {"http: {workers: all}\n",
         "f:1:17: http.workers: \"all\" is no number (expected auto, or a number from 1 to 256)\n"},
    };
    ASSERT_ALL_SAY(cases);
}

/* Each numeric type at its bounds and one beyond. */
static void
test_wrong_values_around_their_limits(void **state)
{
    (void)state;
    static const struct {
        const char *good;
        const char *bad;
    } cases[] = {
        {"http: {workers: 1}", "http: {workers: 0}"},
        {"http: {workers: 256}", "http: {workers: 257}"},
        {"http: {channels: 1}", "http: {channels: 0}"},
        {"http: {channels: 10000}", "http: {channels: 10001}"},
        {"http: {head_bytes: 256}", "http: {head_bytes: 255}"},
        {"http: {head_bytes: 1M}", "http: {head_bytes: 1048577}"},
        {"http: {head_timeout: 10ms}", "http: {head_timeout: 9ms}"},
        {"http: {head_timeout: 1h}", "http: {head_timeout: 3600001ms}"},
        {"sources: {a: {type: mqtt, url: mqtt://h, qos: 0}}",
         "sources: {a: {type: mqtt, url: mqtt://h, qos: -0}}"},
        {"sources: {a: {type: mqtt, url: mqtt://h, qos: 1}}",
         "sources: {a: {type: mqtt, url: mqtt://h, qos: 2}}"},
        {"sources: {a: {type: mqtt, url: mqtt://h, keepalive: 5s}}",
         "sources: {a: {type: mqtt, url: mqtt://h, keepalive: 4s}}"},
        {"sources: {a: {type: mqtt, url: mqtt://h, keepalive: 65535s}}",
         "sources: {a: {type: mqtt, url: mqtt://h, keepalive: 65536s}}"},
        {"http: {listen: 65535}", "http: {listen: 65536}"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        config_free(parse_good(cases[i].good));
        struct parsing p = parse_bytes(str_from(cases[i].bad));
        assert_int_equal(p.err, ERR_CONFIG);
        parsing_free(&p);
    }
}

static void
test_wrong_words_and_flags_are_refused(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {"http: {page: yes}\n",
         "f:1:14: http.page: \"yes\" is not understood (expected true or false)\n"},
        {"http: {page: True}\n",
         "f:1:14: http.page: \"True\" is not understood (expected true or false)\n"},
        {"http: {page: off}\n",
         "f:1:14: http.page: \"off\" is not understood (expected true or false)\n"},
        {"stream: {slow: catchup}\n",
         "f:1:16: stream.slow: \"catchup\" is not understood (expected catch-up, skip or close; "
         "did you mean \"catch-up\"?)\n"},
        {"stream: {slow: 3}\n",
         "f:1:16: stream.slow: \"3\" is not understood (expected catch-up, skip or close)\n"},
        {"log: {level: INFO}\n", "f:1:14: log.level: \"INFO\" is not understood (expected debug, "
                                 "info, warn or error; did you mean \"info\"?)\n"},
        {"replay: {store: disk}\n",
         "f:1:17: replay.store: \"disk\" is not understood (expected memory or redis)\n"},
        {"sources: {a: {type: kafka}}\n", "f:1:21: sources.a.type: \"kafka\" is not understood "
                                          "(expected redis, mqtt, http or redis-stream)\n"},
        {"sources: {a: {type: mqtt, url: mqtt://h, version: 3}}\n",
         "f:1:51: sources.a.version: \"3\" is not understood (expected 3.1.1 or 5)\n"},
        {SHOP "routes: [{source: shop, topic: t, channel: c, when: [{json: /a, exists: yes}]}]\n",
         "f:2:73: routes[0].when[0].exists: \"yes\" is not understood (expected true or false)\n"},
    };
    ASSERT_ALL_SAY(cases);
}

static void
test_wrong_addresses_are_refused(void **state)
{
    (void)state;
    static const char expected[] = "(expected a port, or address:port with a numeric address)\n";
    static const char *const wrong[] = {"localhost:80", "127.0.0.1", "\"::1:80\"", "65536",
                                        "\"*:80\""};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char text[64];
        char said[256];
        char value[32];
        bool is_quoted = wrong[i][0] == '"';
        snprintf(value, sizeof(value), is_quoted ? "%s" : "\"%s\"", wrong[i]);
        snprintf(text, sizeof(text), "http: {listen: %s}\n", wrong[i]);
        snprintf(said, sizeof(said), "f:1:16: http.listen: %s is no address %s", value, expected);
        assert_says(text, said);
    }
    static const struct wrong cases[] = {
        {"admin: {listen: none}\n",
         "f:1:17: admin.listen: \"none\" is no address (expected a port, "
         "address:port with a numeric address, or off)\n"},
        {"http: {listen: 80}\nadmin: {listen: 80}\n",
         "f:2:9: admin.listen: the same port as http.listen\n"},
        {"admin: {listen: \"127.0.0.1:8080\"}\n",
         "f:1:9: admin.listen: the same port as http.listen\n"},
        {"http: {listen: 8081}\n", "f:1:8: http.listen: the same port as admin.listen\n"},
    };
    ASSERT_ALL_SAY(cases);
    config_free(
        parse_good("http: {listen: \"127.0.0.1:80\"}\nadmin: {listen: \"127.0.0.2:80\"}\n"));
    config_free(parse_good("http: {listen: 0}\nadmin: {listen: 0}\n"));
    config_free(parse_good("http: {listen: 8081}\nadmin: {listen: off}\n"));
}

static void
test_wrong_origins_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        "https://a.example/",
                                        "a.example",
                                        "https://",
                                        "ftp://a.example",
                                        "https://A.example",
                                        "https://*.example",
                                        "https://a b",
                                        "https://me@a.example",
                                        "https://a.example:443",
                                        "http://a.example:80",
                                        "http://a.example:080",
                                        "http://a.example:",
                                        "http://a.example:x",
                                        "http://a.example:1:2",
                                        "http://[::1",
                                        "http://:8080",
                                        "null"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char text[128];
        struct parsing p;
        snprintf(text, sizeof(text), "http: {cors_origins: [\"*\", \"%s\"]}\n", wrong[i]);
        p = parse_bytes(str_from(text));
        assert_non_null(strstr(p.said, "f:1:28: http.cors_origins[1]: \""));
        assert_non_null(strstr(p.said,
                               "is no origin (expected \"*\", or scheme://host[:port] in lower "
                               "case with nothing behind it)\n"));
        parsing_free(&p);
    }
}

static void
test_wrong_limits_and_proxies_are_refused(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {"http: {trusted_proxies: 10.0.0.0/8}\n",
         "f:1:25: http.trusted_proxies: is a text (expected a list of addresses and networks)\n"},
        {"http: {trusted_proxies: [10.0.0.1, 10.0.0.1/8]}\n",
         "f:1:36: http.trusted_proxies[1]: \"10.0.0.1/8\" is no network (expected an address, or "
         "one "
         "with a prefix behind which all bits are 0: 10.0.0.0/8)\n"},
        {"http: {ipv6_prefix: 129}\n",
         "f:1:21: http.ipv6_prefix: \"129\" is out of range (expected a number from 16 to 128)\n"},
        {"http: {forwarded: via}\n", "f:1:19: http.forwarded: \"via\" is not understood (expected "
                                     "x-forwarded-for or forwarded)\n"},
        {"http: {proxy_protocol: true}\n",
         "f:1:8: http.proxy_protocol: nobody is trusted to speak it (expected http.trusted_proxies "
         "beside it)\n"},
        {"http: {proxy_protocol: true, trusted_proxies: []}\n",
         "f:1:8: http.proxy_protocol: nobody is trusted to speak it (expected http.trusted_proxies "
         "beside it)\n"},
        {"http: {cors_origins: [https://a, \"*\"], cors_credentials: true}\n",
         "f:1:40: http.cors_credentials: not with the origin \"*\" (expected a list of the "
         "origins)\n"},
    };
    ASSERT_ALL_SAY(cases);
}

static void
test_wrong_channel_patterns_are_refused(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {"http: {allow_channels: all}\n",
         "f:1:24: http.allow_channels: is a text (expected routes, "
         "or a list of patterns of channel names)\n"},
        {"http: {allow_channels: []}\n",
         "f:1:24: http.allow_channels: is empty (expected routes, or "
         "a list of patterns of channel names)\n"},
        {"http: {allow_channels: routes}\n", "f:1:24: http.allow_channels: there are no routes "
                                             "(expected a list of patterns where other "
                                             "processes have them)\n"},
        {"http: {allow_channels: [[a]]}\n", "f:1:25: http.allow_channels[0]: is a list (expected a "
                                            "pattern; brackets in a text need quotes)\n"},
    };
    ASSERT_ALL_SAY(cases);
    static const char *const wrong[] = {"", "a{b", "a}", "{", "a{b}}", "\\t"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char text[128];
        snprintf(text, sizeof(text), "http: {allow_channels: [\"%s\"]}\n", wrong[i]);
        struct parsing p = parse_bytes(str_from(text));
        assert_non_null(strstr(p.said, "is no pattern of channel names (expected 1 to 255 bytes"));
        parsing_free(&p);
    }
}

static void
test_wrong_sources_are_refused(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {"sources: {a: {}}\n",
         "f:1:11: sources.a.type: missing (expected redis, mqtt, http or redis-stream)\n"},
        {"sources: {a: {type: redis}}\n", "f:1:11: sources.a.url: missing (expected "
                                          "redis://[user:password@]host[:port][/database], or "
                                          "rediss:// for TLS)\n"},
        {"sources: {a: {type: mqtt}}\n", "f:1:11: sources.a.url: missing (expected "
                                         "mqtt://[user:password@]host[:port], or mqtts:// for "
                                         "TLS)\n"},
        {"sources: {a: {type: redis, url: mqtt://h}}\n",
         "f:1:33: sources.a.url: is for another kind of broker (expected "
         "redis://[user:password@]host[:port][/database], or rediss:// for TLS)\n"},
        {"sources: {a: {type: redis, url: redis://h, qos: 9, retained: x}}\n",
         "f:1:44: sources.a.qos: only for an mqtt source\n"
         "f:1:52: sources.a.retained: only for an mqtt source\n"},
        {"sources: {a: {type: http, url: redis://h}}\n",
         "f:1:27: sources.a.url: only for a redis, redis-stream or mqtt source\n"},
        {"sources: {a: {type: mqtt, url: mqtt://h, idle_timeout: 1s}}\n",
         "f:1:42: sources.a.idle_timeout: only for a redis or redis-stream source (an mqtt source "
         "has keepalive)\n"},
        {"sources: {a: {url: mqtt://h, token: x, type: mqtt}}\n",
         "f:1:30: sources.a.token: only for an http source\n"},
        {"sources: {a: {type: redis-stream, url: mqtt://h}}\n",
         "f:1:40: sources.a.url: is for another kind of broker (expected "
         "redis://[user:password@]host[:port][/database], or rediss:// for TLS)\n"},
        {"sources: {a: {type: redis, url: redis://h, from: 0, field: x}}\n",
         "f:1:44: sources.a.from: only for a redis-stream source\n"
         "f:1:53: sources.a.field: only for a redis-stream source\n"},
        {"sources: {a: {type: redis-stream, url: redis://h, from: 0-1-2}}\n",
         "f:1:51: sources.a.from: \"0-1-2\" is no place in a stream (expected $, 0, or an id such "
         "as "
         "1712345678901-0)\n"},
        {"sources: {a: {type: redis-stream, url: redis://h, from: 18446744073709551616}}\n",
         "f:1:51: sources.a.from: \"18446744073709551616\" is no place in a stream (expected $, 0, "
         "or an id such as 1712345678901-0)\n"},
        {"sources: {a: {type: redis-stream, url: redis://h, from: \"\"}}\n",
         "f:1:57: sources.a.from: is empty (expected a text)\n"},
        {"sources: {a: {type: http}, b: {type: http}, c: {type: http}}\n",
         "f:1:32: sources.b.type: a second http source (expected at most one; the first is \"a\" "
         "in "
         "line 1)\n"
         "f:1:49: sources.c.type: a second http source (expected at most one; the first is \"a\" "
         "in "
         "line 1)\n"},
        {"admin: {listen: off}\nsources: {a: {type: http}}\n",
         "f:2:15: sources.a.type: an http source needs the admin port, and admin.listen is off\n"},
        {"sources:\n  a: {type: redis, url: redis://h}\n  a: {type: http}\n",
         "f:3:3: sources.a: given twice (first in line 2)\n"},
        {"sources: {\"a\\tb\": {type: http}}\n",
         "f:1:11: sources: \"a\\x09b\" cannot be the name of a "
         "source (expected 1 to 64 bytes without control characters)\n"},
        {"sources: {\"\": {type: http}}\n",
         "f:1:11: sources: \"\" cannot be the name of a source "
         "(expected 1 to 64 bytes without control characters)\n"},
        {"sources: {? [a] : {type: http}}\n",
         "f:1:13: sources: is a list (expected a name; brackets in a text need quotes)\n"},
        {"sources: {a: {type: mqtt, url: mqtt://h, session_expiry: 1h}}\n",
         "f:1:42: sources.a.session_expiry: given without client_id (expected one: it names the "
         "session)\n"},
        {"sources: {a: {type: mqtt, url: mqtt://h, client_id: x, version: 3.1.1, session_expiry: "
         "1h}}\n",
         "f:1:72: sources.a.session_expiry: only with version: 5\n"},
        {"sources: {a: {type: http, token: \"a\\tb\"}}\n",
         "f:1:27: sources.a.token: the token has characters that no HTTP header can carry "
         "(expected ASCII, without blanks at its ends)\n"},
        {"sources: {a: {type: http, token: \"\xc3\xa9\"}}\n",
         "f:1:27: sources.a.token: the token has characters that no HTTP header can carry "
         "(expected ASCII, without blanks at its ends)\n"},
        {"sources: {a: {type: http, token: x, token_file: /dev/null}}\n",
         "f:1:37: sources.a.token_file: given beside token (expected one of them)\n"
         "f:1:49: sources.a.token_file: \"/dev/null\" is empty\n"},
    };
    ASSERT_ALL_SAY(cases);
}

static void
test_wrong_source_names_around_the_size_limit(void **state)
{
    (void)state;
    char text[128];
    snprintf(text, sizeof(text), "sources: {%064d: {type: http}}\n", 0);
    config_free(parse_good(text));
    snprintf(text, sizeof(text), "sources: {%065d: {type: http}}\n", 0);
    assert_says(text,
                "f:1:11: sources: \"000000000000000000000000000000000000000000000000…\" cannot be "
                "the name of a source (expected 1 to 64 bytes without control characters)\n");
}

static void
test_wrong_brokers_are_refused(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {"sources: {a: {type: redis, url: redis://u@h, username: v}}\n",
         "f:1:46: sources.a.username: the url has a user too (expected one of them)\n"},
        {"sources: {a: {type: redis, url: redis://:p@h, password: q}}\n",
         "f:1:47: sources.a.password: the url has a password too (expected one of them)\n"},
        {"sources: {a: {type: redis, url: redis://h, ca_file: /dev/null, verify: true}}\n",
         "f:1:44: sources.a.ca_file: only with TLS (expected a rediss:// url)\n"
         "f:1:64: sources.a.verify: only with TLS (expected a rediss:// url)\n"},
        {"sources: {a: {type: mqtt, url: mqtt://h, server_name: x}}\n",
         "f:1:42: sources.a.server_name: only with TLS (expected an mqtts:// url)\n"},
        {"sources: {a: {type: mqtt, url: mqtts://h, cert_file: /dev/null}}\n",
         "f:1:43: sources.a.cert_file: given without key_file (expected both)\n"},
        {"sources: {a: {type: mqtt, url: mqtts://h, key_file: /dev/null}}\n",
         "f:1:43: sources.a.key_file: given without cert_file (expected both)\n"},
        {"sources: {a: {type: mqtt, url: mqtts://h, ca_file: /nowhere/ca.pem}}\n",
         "f:1:52: sources.a.ca_file: \"/nowhere/ca.pem\" does not exist\n"},
        {"sources: {a: {type: mqtt, url: mqtts://h, ca_file: /dev}}\n",
         "f:1:52: sources.a.ca_file: \"/dev\" is a directory\n"},
        {"sources: {a: {type: redis, url: redis://h, retry_min: 20s}}\n",
         "f:1:44: sources.a.retry_min: is more than retry_max\n"},
        {"sources: {a: {type: redis, url: redis://h, retry_max: 50ms}}\n",
         "f:1:44: sources.a.retry_max: is less than retry_min\n"},
        {"sources: {a: {type: mqtt, url: mqtt://h, password: p}}\n",
         "f:1:42: sources.a.password: given without username\n"},
        {"sources: {a: {type: mqtt, url: \"mqtt://:p@h\"}}\n",
         "f:1:27: sources.a.url: has a password without a user\n"},
    };
    ASSERT_ALL_SAY(cases);
    config_free(parse_good("sources: {a: {type: redis, url: redis://h, password: p}}\n"));
    config_free(parse_good("sources: {a: {type: redis, url: redis://h, password: \"\"}}\n"));
}

static void
test_wrong_replay_keys_for_the_store_are_refused(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {"replay: {url: redis://h}\n", "f:1:10: replay.url: only with store: redis\n"},
        {"replay:\n  store: memory\n  prefix: x\n  password: x\n  retry_min: 1s\n",
         "f:3:3: replay.prefix: only with store: redis\n"
         "f:4:3: replay.password: only with store: redis\n"
         "f:5:3: replay.retry_min: only with store: redis\n"},
        {"replay: {memory_bytes: 1M, store: redis, url: redis://h}\n",
         "f:1:10: replay.memory_bytes: only with store: memory\n"},
        {"replay: {store: redis}\n",
         "f:1:10: replay.url: missing (expected redis://[user:password@]host[:port][/database], or "
         "rediss:// for TLS)\n"},
        {"replay: {store: redis, url: mqtt://h}\n",
         "f:1:29: replay.url: is for another kind of broker (expected "
         "redis://[user:password@]host[:port][/database], or rediss:// for TLS)\n"},
        /* A wrong word says nothing about the other keys. */
        {"replay: {store: reds, url: redis://h, memory_bytes: 1M}\n",
         "f:1:17: replay.store: \"reds\" is not understood (expected memory or redis; did you mean "
         "\"redis\"?)\n"},
    };
    ASSERT_ALL_SAY(cases);
}

static void
test_wrong_routes_are_refused(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {SHOP "routes:\n  - {}\n",
         "f:3:5: routes[0].source: missing (expected the name of a source)\n"
         "f:3:5: routes[0].topic: missing (expected a text)\n"
         "f:3:5: routes[0].channel: missing (expected a text)\n"},
        {SHOP "routes: [{source: shp, topic: t, channel: c}]\n",
         "f:2:19: routes[0].source: unknown source \"shp\" (did you mean \"shop\"?)\n"},
        {SHOP "routes: [{source: plant, topic: t, channel: c}]\n",
         "f:2:19: routes[0].source: unknown source \"plant\" (expected shop)\n"},
        {"routes: [{source: plant, topic: t, channel: c}]\n",
         "f:1:19: routes[0].source: unknown source \"plant\" (there are none)\n"},
        {SHOP "routes: [{source: shop, topic: t, channel: c, on_eror: drop, keep: {events: 0}}]\n",
         "f:2:47: routes[0].on_eror: unknown key (did you mean \"on_error\"?)\n"
         "f:2:77: routes[0].keep.events: \"0\" is out of range (expected a number from 1 to "
         "100000000)\n"},
        /* The source is there, only not in order: no second problem. */
        {"sources: {shop: {}}\nroutes: [{source: shop, topic: t, channel: c}]\n",
         "f:1:11: sources.shop.type: missing (expected redis, mqtt, http or redis-stream)\n"},
    };
    ASSERT_ALL_SAY(cases);
}

static void
test_wrong_conditions_are_refused(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {SHOP "routes: [{source: shop, topic: t, channel: c, when: [{json: /a}]}]\n",
         "f:2:54: routes[0].when[0]: compares with nothing (expected one of equals, not_equals, "
         "in, "
         "not_in, gt, gte, lt, lte or exists)\n"},
        {SHOP "routes: [{source: shop, topic: t, channel: c, when: [{gt: 1}]}]\n",
         "f:2:54: routes[0].when[0]: looks at nothing (expected json or capture)\n"},
        {SHOP
         "routes: [{source: shop, topic: t, channel: c, when: [{json: /a, capture: b, gt: 1}]}]\n",
         "f:2:54: routes[0].when[0]: looks at two things (expected json or capture)\n"},
        {SHOP "routes: [{source: shop, topic: t, channel: c, when: [{json: /a, gt: 1, lt: 3}]}]\n",
         "f:2:54: routes[0].when[0]: has several comparisons (expected one of equals, not_equals, "
         "in, "
         "not_in, gt, gte, lt, lte or exists)\n"},
        {SHOP "routes: [{source: shop, topic: t, channel: c, when: [{json: /a, equal: 1}]}]\n",
         "f:2:54: routes[0].when[0]: compares with nothing (expected one of equals, not_equals, "
         "in, "
         "not_in, gt, gte, lt, lte or exists)\n"
         "f:2:65: routes[0].when[0].equal: unknown key (did you mean \"equals\"?)\n"},
        {SHOP "routes: [{source: shop, topic: t, channel: c, when: [{json: /a, in: a}]}]\n",
         "f:2:69: routes[0].when[0].in: is a text (expected a list of values)\n"},
        {SHOP "routes: [{source: shop, topic: t, channel: c, when: [{json: /a, in: [a, [b], {c: "
              "d}]}]}]\n",
         "f:2:73: routes[0].when[0].in[1]: is a list (expected a single value; brackets in a text "
         "need "
         "quotes)\n"
         "f:2:78: routes[0].when[0].in[2]: is a map (expected a single value; braces in a text "
         "need "
         "quotes)\n"},
        {SHOP "routes: [{source: shop, topic: t, channel: c, when: [{json: /a, gt: [1]}]}]\n",
         "f:2:69: routes[0].when[0].gt: is a list (expected a single value; brackets in a text "
         "need "
         "quotes)\n"},
    };
    ASSERT_ALL_SAY(cases);
}

static void
test_wrong_variables_are_refused(void **state)
{
    (void)state;
    assert_int_equal(unsetenv("RUNNEL_TEST_NONE"), 0);
    static const struct wrong cases[] = {
        {"http:\n  listen: ${RUNNEL_TEST_NONE}\n", "f:2:11: http.listen: the environment has no "
                                                   "variable RUNNEL_TEST_NONE (expected one, or a "
                                                   "default: ${RUNNEL_TEST_NONE:-…})\n"},
        {"http:\n  listen: ${}\n", "f:2:11: http.listen: no name of a variable behind ${ (expected "
                                   "${NAME}; a literal ${ is $${)\n"},
        {"http:\n  listen: ${A\n",
         "f:2:11: http.listen: no } behind a ${ (expected ${NAME}; a literal ${ is $${)\n"},
        {"http:\n  listen: ${A:-${B}}\n",
         "f:2:11: http.listen: a brace in the default of a ${} (expected none)\n"},
        {SHOP
         "routes: [{source: shop, topic: t, channel: c, when: [{json: /a, in: [\"${A}\"]}]}]\n",
         "f:2:70: routes[0].when[0].in[0]: the environment has no variable A (expected one, or a "
         "default: ${A:-…})\n"},
        {"http: {cors_origins: [\"${A}\"]}\n", "f:1:23: http.cors_origins[0]: the environment has "
                                               "no variable A (expected one, or a default: "
                                               "${A:-…})\n"},
        {SHOP "routes: [{source: shop, topic: \"a\\0b\", channel: c}]\n",
         "f:2:32: routes[0].topic: has a NUL character\n"},
    };
    ASSERT_ALL_SAY(cases);
}

static void
test_wrong_configs_never_show_a_secret(void **state)
{
    (void)state;
    assert_int_equal(setenv("RUNNEL_TEST_SECRET", "hunter2", 1), 0);
    static const char *const texts[] = {
        "sources: {a: {type: redis, url: \"http://u:hunter2@h\"}}",
        "sources: {a: {type: redis, url: \"mqtt://u:hunter2@h\"}}",
        "sources: {a: {type: redis, url: \"u:hunter2@h\"}}",
        "sources: {a: {type: redis, url: \"redis://u:hunter2@h:0\"}}",
        "sources: {a: {type: redis, url: \"redis://u:hunter2/x@h\"}}",
        "sources: {a: {type: redis, url: \"redis://u:hunter2@h/x\"}}",
        "sources: {a: {type: redis, url: \"redis://u:hunter2%@h\"}}",
        "sources: {a: {type: redis, url: \"redis://u:${RUNNEL_TEST_SECRET}@@h\"}}",
        "sources: {a: {type: redis, url: \"redis://:hunter2@h\", password: hunter2}}",
        "sources: {a: {type: redis, url: redis://h, password: \"hunter2\\0\"}}",
        "sources: {a: {type: redis, url: redis://h, password: [hunter2]}}",
        "sources: {a: {type: redis, url: redis://h, password: {hunter2: hunter2}}}",
        "sources: {a: {type: redis, url: redis://h, password: \"${hunter2\"}}",
        "sources: {a: {type: redis, url: redis://h, password: \"${9hunter2}\"}}",
        "sources: {a: {type: redis, url: redis://h, password: \"${A:-{hunter2}\"}}",
        "sources: {a: {type: redis, url: redis://h, pasword: hunter2}}",
        "sources: {a: {type: mqtt, url: mqtt://h, password: hunter2}}",
        "sources: {a: {type: http, token: \" hunter2\"}}",
        "sources: {a: {type: http, token: \"${RUNNEL_TEST_SECRET} \"}}",
        "sources: {a: {type: http, password: hunter2}}",
        "http: {listen: \"redis://u:hunter2@h\"}",
        "http: {cors_origins: [\"https://u:hunter2@h\"]}",
        "replay: {url: \"redis://u:hunter2@h\"}",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct parsing p = parse_bytes(str_from(texts[i]));
        assert_int_equal(p.err, ERR_CONFIG);
        assert_null(strstr(p.said, "hunter2"));
        assert_non_null(strchr(p.said, '\n'));
        parsing_free(&p);
    }
    assert_int_equal(unsetenv("RUNNEL_TEST_SECRET"), 0);
}

static void
read_file(const char *name, struct buf *ret_text)
{
    char chunk[4096];
    size_t size;
    FILE *file = fopen(name, "r");
    assert_non_null(file);
    buf_init(ret_text, 1 << 20);
    while ((size = fread(chunk, 1, sizeof(chunk), file)) > 0) {
        assert_int_equal(buf_append(ret_text, chunk, size), 0);
    }
    assert_int_equal(fclose(file), 0);
    assert_int_equal(buf_append_char(ret_text, '\0'), 0);
}

/* Every kind of mistake in one file: every message, in the order of the file. */
static void
test_wrong_file_gives_all_of_its_problems_in_order(void **state)
{
    (void)state;
    struct buf text;
    struct buf expected;
    read_file(WRONG_FILE, &text);
    read_file(WRONG_FILE ".expected", &expected);
    assert_null(strstr(expected.data, "hunter2"));
    assert_says(text.data, expected.data);
    buf_fini(&text);
    buf_fini(&expected);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrong_keys_are_named_with_their_remedy),
        cmocka_unit_test(test_wrong_kinds_of_values_are_refused),
        cmocka_unit_test(test_wrong_nothing_in_place_of_a_value_is_refused),
        cmocka_unit_test(test_wrong_numbers_sizes_and_durations_are_refused),
        cmocka_unit_test(test_wrong_values_around_their_limits),
        cmocka_unit_test(test_wrong_words_and_flags_are_refused),
        cmocka_unit_test(test_wrong_addresses_are_refused),
        cmocka_unit_test(test_wrong_origins_are_refused),
        cmocka_unit_test(test_wrong_limits_and_proxies_are_refused),
        cmocka_unit_test(test_wrong_channel_patterns_are_refused),
        cmocka_unit_test(test_wrong_sources_are_refused),
        cmocka_unit_test(test_wrong_source_names_around_the_size_limit),
        cmocka_unit_test(test_wrong_brokers_are_refused),
        cmocka_unit_test(test_wrong_replay_keys_for_the_store_are_refused),
        cmocka_unit_test(test_wrong_routes_are_refused),
        cmocka_unit_test(test_wrong_conditions_are_refused),
        cmocka_unit_test(test_wrong_variables_are_refused),
        cmocka_unit_test(test_wrong_configs_never_show_a_secret),
        cmocka_unit_test(test_wrong_file_gives_all_of_its_problems_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
