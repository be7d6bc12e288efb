#pragma once
/*
 * The configuration: plain data, const once it is loaded. Owned by main; everybody else borrows.
 *
 * keys.def is the only place where a key exists; this struct is what the keys are read into.
 * Sizes are bytes, durations milliseconds. Strings are terminated, on the config's heap, "" where
 * not given (never NULL).
 */

#include "base/address.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct problems;

/* Where a value stands in the file; 0 where it was not given. 1-based. */
struct config_mark {
    uint32_t line;
    uint32_t column;
};

/* A text whose syntax another room checks (topic pattern, template, JSON pointer). */
struct config_text {
    char *value;
    struct config_mark mark;
};

struct config_listen {
    char *host;    /* numeric address, "" for any */
    uint16_t port; /* 0: the kernel picks one (tests) */
};

struct config_tls {
    bool is_on;      /* by the URL's scheme */
    char *ca_file;   /* "": the system's */
    char *cert_file; /* client certificate, "": none */
    char *key_file;
    char *server_name; /* SNI and certificate check; "": the URL's host */
    bool is_verified;  /* false: any certificate, said in the log */
    uint64_t content;  /* hash of those files: another one once a certificate was renewed */
};

/* How to reach a broker; from one URL and the keys beside it. */
struct config_broker {
    char *host;
    uint16_t port;
    uint32_t database; /* redis://host:port/N */
    char *username;
    char *password; /* secret: never logged */
    struct config_tls tls;
    uint64_t connect_timeout_ms;
    /* Silence after which the peer is asked (PING), and as long again until it is given up. */
    uint64_t idle_timeout_ms;
    uint64_t retry_min_ms, retry_max_ms;
};

enum { CONFIG_BROKER_ADDRESS_SIZE_MAX = 272 }; /* with the terminator */

/* "host:port", an IPv6 address in brackets; a host has 253 bytes at most. Returns `ret_text`. */
const char *config_broker_address(const struct config_broker *b,
                                  char ret_text[static CONFIG_BROKER_ADDRESS_SIZE_MAX]);

enum config_source_type { SOURCE_REDIS, SOURCE_MQTT, SOURCE_HTTP, SOURCE_REDIS_STREAM };
enum config_retained {
    RETAINED_PASS,
    RETAINED_DROP,
    RETAINED_NEW, /* only when first subscribed, not after a reconnect */
};

struct config_source {
    char *name;
    struct config_mark mark;
    enum config_source_type type;
    struct config_broker broker; /* all but http */
    struct {
        bool is_v5;
        uint8_t qos;     /* 0 or 1 */
        char *client_id; /* "": no persistent session, a random one */
        uint32_t keepalive_s;
        uint64_t session_expiry_ms; /* v5; 3.1.1 sessions have none */
        enum config_retained retained;
    } mqtt;
    struct {
        char *token; /* secret; "": none asked for */
    } http;
    struct {
        char *from;  /* "$", or the id of an entry: "5", "5-0" */
        char *field; /* "": all of them */
    } stream;
};

struct config_keep {
    uint64_t events; /* 0: the log's default */
    uint64_t for_ms; /* 0: the log's default */
};

enum config_op {
    WHEN_EQUALS,
    WHEN_NOT_EQUALS,
    WHEN_IN,
    WHEN_NOT_IN,
    WHEN_GT,
    WHEN_GTE,
    WHEN_LT,
    WHEN_LTE,
    WHEN_EXISTS
};

/* One line of `when:`. Either json or capture is given. */
struct config_when {
    struct config_text json;    /* JSON pointer (RFC 6901); "" is the whole document: see is_json */
    struct config_text capture; /* a {name} of the topic */
    bool is_json;
    enum config_op op;
    struct config_text *values; /* scalars as written; one, or several for in / not-in */
    bool *values_are_plain; /* per value: unquoted in YAML, so 5 is a number and true a boolean */
    size_t values_length;
};

enum config_not_utf8 { NOT_UTF8_DROP, NOT_UTF8_BASE64 };
/* An extraction failed: drop the event, or pass with "" in its place. */
enum config_on_error { ON_ERROR_DROP, ON_ERROR_PASS };
enum config_slow { SLOW_CATCH_UP, SLOW_SKIP, SLOW_CLOSE };
/* The first leaves it to the stream; the others are 1 + enum config_slow. */
enum config_route_slow {
    ROUTE_SLOW_STREAM,
    ROUTE_SLOW_CATCH_UP,
    ROUTE_SLOW_SKIP,
    ROUTE_SLOW_CLOSE
};

struct config_route {
    struct config_mark mark;
    char *name;      /* in the metrics; "": made of topic and channel */
    bool is_broken;  /* only from config_inspect(): its source or topic is not known */
    uint32_t source; /* index into sources */
    struct config_text topic;
    struct config_text channel;
    struct config_text event; /* template; "": "message" */
    struct config_text data;  /* template; "": the payload as it is */
    struct config_when *when; /* all must hold */
    size_t when_length;
    struct config_keep keep;
    enum config_route_slow slow;
    uint64_t slow_after_ms; /* 0: the stream's */
    enum config_not_utf8 not_utf8;
    enum config_on_error on_error;
    uint64_t max_bytes; /* of the payload */
};

struct config_replay {
    enum { REPLAY_MEMORY, REPLAY_REDIS } store;
    struct config_broker redis;
    char *prefix;                       /* of the Redis keys */
    struct config_keep keep;            /* default of every route; both set */
    uint64_t keep_longest_ms;           /* of the default and all routes */
    uint64_t memory_bytes;              /* memory store: all channels */
    uint64_t channel_bytes;             /* memory store: one channel */
    uint64_t queue_events, queue_bytes; /* waiting to be appended */
};

enum config_forwarded { FORWARDED_X_FORWARDED_FOR, FORWARDED_STANDARD /* RFC 7239 */ };
enum config_unknown { UNKNOWN_REFUSE, UNKNOWN_EMPTY };

struct config_http {
    struct config_listen listen;
    uint32_t workers;    /* already resolved: >= 1 */
    bool page;           /* GET / serves the demo page */
    uint64_t head_bytes; /* request head */
    uint64_t head_timeout_ms;
    uint32_t channels;    /* a connection */
    uint64_t connections; /* in all workers, like the next three; 0 of these: no limit */
    uint64_t connections_per_address;
    uint32_t connect_rate; /* new streams a second */
    uint32_t connect_rate_per_address;
    uint8_t ipv6_prefix; /* what counts as one address */
    struct networks trusted_proxies;
    enum config_forwarded forwarded; /* the field that trusted proxies name the client in */
    bool proxy_protocol;             /* trusted proxies speak it */
    char **allow_channels;           /* patterns, `*` stands for any bytes; none: all channels */
    size_t allow_channels_length;
    enum config_unknown unknown_channels;
    char **cors_origins; /* Access-Control-Allow-Origin for these; "*" for all */
    size_t cors_origins_length;
    bool cors_credentials;
};

struct config_stream {
    uint64_t heartbeat_ms;
    uint64_t retry_ms;     /* `retry:` of the head */
    enum config_slow slow; /* what happens to a client that is behind for more than slow_after_ms */
    uint64_t slow_after_ms;
    uint64_t channels;              /* that have subscribers, one worker */
    uint64_t drain_delay_ms;        /* between SIGTERM and the end of the first stream */
    uint64_t drain_ms;              /* over which the streams are ended then */
    uint64_t max_connection_age_ms; /* 0: none */
    uint64_t tail_bytes;            /* all tails of one worker */
    uint64_t page_bytes;            /* all pages of one worker that are in memory at a time */
    uint64_t unsent_bytes;          /* partly sent events of slow clients, one worker */
    uint64_t send_buffer_bytes;     /* SO_SNDBUF; 0: the system's */
    uint64_t notsent_lowat_bytes;
    uint64_t peer_timeout_ms; /* TCP_USER_TIMEOUT and keepalive */
    uint64_t mailbox_events;  /* waiting for a worker */
    uint64_t mailbox_bytes;   /* of these */
};

struct config_admin {
    bool is_on;
    struct config_listen listen;
    uint64_t body_bytes;     /* of a POST */
    uint32_t metrics_routes; /* with metrics of their own */
};

struct config {
    char *path; /* "" for the built-in default */
    struct config_http http;
    struct config_stream stream;
    struct config_admin admin;
    struct config_replay replay;
    struct {
        enum log_level level;
        enum log_format format;
    } log;
    struct config_source *sources;
    size_t sources_length;
    struct config_route *routes;
    size_t routes_length;
};

/*
 * Reads a text. All problems are collected; ERR_CONFIG where there is one, ERR_MEMORY. The texts for
 * other rooms (patterns, templates, pointers) are not checked here: table_new() does. `name` stands for
 * the path in messages.
 */
MUST_CHECK int config_parse(struct str text,
                            const char *name,
                            struct problems *problems,
                            struct config **ret_config);

/*
 * The same for a file, or ERR_FILE. With ERR_CONFIG what could be read is handed out too, so that
 * table_new() can add its problems; NULL where nothing could. Only after 0 may it be run.
 */
MUST_CHECK int
config_inspect(const char *path, struct problems *problems, struct config **ret_config);

/* What `runnel serve` runs without a file: memory log, one http source, one route. ERR_MEMORY. */
MUST_CHECK int config_default(struct config **ret_config);

void config_free(struct config *c); /* of the functions above; NULL is fine */
