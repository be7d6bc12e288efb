#include "config/broker.h"

#include "base/map.h"
#include "config/file.h"

#include <stdio.h>
#include <string.h>

enum { CERTIFICATES_SIZE_MAX = 8 << 20 };

/* Where the broker's keys are, for problems. */
struct broker_keys {
    struct reader *r;
    const struct section *s;
    const char *prefix;
};

static struct config_mark
given(const struct broker_keys *b, const char *name)
{
    return section_given(b->s, b->prefix, name);
}

static void
broker_problem(const struct broker_keys *b, const char *name, const char *problem)
{
    char path[READER_PATH_SIZE];
    snprintf(path, sizeof(path), "%s%s", b->prefix, name);
    problems_add(b->r->problems, given(b, name), reader_path(b->r, path), "%s", problem);
}

/* Two keys for one thing: which of them holds would be anybody's guess. */
static void
check_given_twice(const struct broker_keys *b)
{
    bool has_password = given(b, "password").line != 0;
    bool has_file = given(b, "password_file").line != 0;
    if (has_password && has_file) {
        broker_problem(b, "password_file", "given beside password (expected one of them)");
    }
    if (b->s->url.username != NULL && given(b, "username").line != 0) {
        broker_problem(b, "username", "the url has a user too (expected one of them)");
    }
    if (b->s->url.password != NULL && (has_password || has_file)) {
        broker_problem(b, has_password ? "password" : "password_file",
                       "the url has a password too (expected one of them)");
    }
}

static void
check_tls(const struct broker_keys *b)
{
    size_t prefix_size = strlen(b->prefix);
    const char *problem = b->s->url.is_mqtt ? "only with TLS (expected an mqtts:// url)"
                                            : "only with TLS (expected a rediss:// url)";
    for (size_t i = 0; i < KEYS_LENGTH && b->s->has_url && !b->s->url.is_tls; i++) {
        if ((keys[i].flags & KEY_WITH_TLS) != 0 && b->s->given[i].line != 0) {
            broker_problem(b, keys[i].path + prefix_size, problem);
        }
    }
    bool has_cert = given(b, "cert_file").line != 0;
    bool has_key = given(b, "key_file").line != 0;
    if (has_cert != has_key) {
        broker_problem(b, has_cert ? "cert_file" : "key_file",
                       has_cert ? "given without key_file (expected both)"
                                : "given without cert_file (expected both)");
    }
}

static void
check_retry(const struct broker_keys *b, const struct config_broker *broker)
{
    bool is_min_given = given(b, "retry_min").line != 0;
    if (broker->retry_min_ms > broker->retry_max_ms) {
        broker_problem(b, is_min_given ? "retry_min" : "retry_max",
                       is_min_given ? "is more than retry_max" : "is less than retry_min");
    }
}

/* Files that cannot be read are said elsewhere; one that is a pipe would be waited for. */
static uint64_t
content_of(const struct config_tls *tls)
{
    const char *const paths[] = {tls->ca_file, tls->cert_file, tls->key_file};
    uint64_t content = 0;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        const char *problem;
        struct buf text;
        buf_init(&text, CERTIFICATES_SIZE_MAX);
        if (paths[i] != NULL && paths[i][0] != '\0' && file_problem(paths[i]) == NULL &&
            file_read(paths[i], &text, &problem) == 0) {
            content = content * 31 + map_hash(buf_str(&text));
        }
        buf_fini(&text);
    }
    return content;
}

static void
broker_take_url(struct reader *r, const struct section *s, struct config_broker *broker)
{
    broker->host = s->has_url ? s->url.host : reader_text(r, STR(""));
    broker->port = s->url.port;
    broker->database = s->url.database;
    broker->tls.is_on = s->url.is_tls;
    if (s->url.username != NULL) {
        broker->username = s->url.username;
    }
    if (s->url.password != NULL) {
        broker->password = s->url.password;
    }
}

void
broker_finish(struct reader *r,
              const struct section *s,
              const char *prefix,
              struct config_broker *ret_broker)
{
    const struct broker_keys b = {r, s, prefix};
    check_given_twice(&b);
    check_tls(&b);
    check_retry(&b, ret_broker);
    broker_take_url(r, s, ret_broker);
    ret_broker->tls.content = content_of(&ret_broker->tls);
    bool has_password = ret_broker->password != NULL && ret_broker->password[0] != '\0';
    bool has_user = ret_broker->username != NULL && ret_broker->username[0] != '\0';
    if (s->url.is_mqtt && has_password && !has_user) { /* MQTT 3.1.1, 3.1.2.9 */
        bool is_in_url = s->url.password != NULL;
        bool is_in_file = given(&b, "password_file").line != 0;
        broker_problem(&b,
                       is_in_url    ? "url"
                       : is_in_file ? "password_file"
                                    : "password",
                       is_in_url ? "has a password without a user" : "given without username");
    }
}

const char *
config_broker_address(const struct config_broker *b,
                      char ret_text[static CONFIG_BROKER_ADDRESS_SIZE_MAX])
{
    bool is_ipv6 = strchr(b->host, ':') != NULL;
    (void)snprintf(ret_text, CONFIG_BROKER_ADDRESS_SIZE_MAX, is_ipv6 ? "[%s]:%u" : "%s:%u", b->host,
                   (unsigned)b->port);
    return ret_text;
}
