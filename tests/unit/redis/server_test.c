#undef NDEBUG
/* The client against a real redis-server, plain and over TLS. */
#include "brokers.h"
#include "children.h"
#include "client_rig.h"
#include "event/loop.h"
#include "redis/client.h"
#include "redis_server.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { COMMANDS = 5000, LARGE_SIZE = 3 * 1024 * 1024, PATH_SIZE = 512 };

struct fixture {
    struct client_rig rig;
    struct redis_server *server;
    size_t sent;
    bool is_wrong; /* a reply was not what it should be */
};

static struct fixture *
fixture_new(const char *const *options)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    client_rig_init(&f->rig);
    f->server = redis_server_start(options);
    f->rig.broker = broker_on(redis_server_port(f->server));
    f->rig.settings.commands_limit = 256;
    f->rig.settings.output_limit_bytes = 16777216;
    f->rig.settings.reply_limit_bytes = 16777216;
    return f;
}

static int
setup(void **state)
{
    *state = fixture_new(NULL);
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    redis_server_free(f->server);
    client_rig_fini(&f->rig);
    free(f);
    return 0;
}

/* --- commands --- */

static void on_count(void *arg, int status, const struct redis_reply *reply);

/* As many as the client takes, each with the number that it must come back with. */
static void
send_more(struct fixture *f)
{
    const struct str words[] = {STR("INCR"), STR("n")};
    while (f->sent < COMMANDS) {
        int err = redis_client_command(f->rig.client, words, 2, on_count, f);
        if (err == REDIS_E_FULL) {
            return;
        }
        assert_int_equal(err, 0);
        f->sent++;
    }
}

static void
on_count(void *arg, int status, const struct redis_reply *reply)
{
    struct fixture *f = arg;
    f->rig.answered++;
    f->is_wrong = f->is_wrong || status != 0 || reply->type != REDIS_TYPE_INTEGER ||
                  reply->integer != (int64_t)f->rig.answered;
    send_more(f);
}

static void
test_server_many_pipelined_commands_come_back_in_order(void **state)
{
    struct fixture *f = *state;
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
    send_more(f);
    client_rig_wait_answers(&f->rig, COMMANDS);
    assert_false(f->is_wrong);
    assert_int_equal(f->rig.downs, 0);
}

static void
on_large(void *arg, int status, const struct redis_reply *reply)
{
    struct fixture *f = arg;
    f->rig.answered++;
    f->is_wrong = status != 0 || redis_reply_text(reply).size != LARGE_SIZE;
}

static void
on_any(void *arg, int status, const struct redis_reply *reply)
{
    struct fixture *f = arg;
    (void)status;
    (void)reply;
    f->rig.answered++;
}

static void
test_server_large_values_go_and_come(void **state)
{
    struct fixture *f = *state;
    char *text = calloc(1, LARGE_SIZE);
    const struct str set[] = {STR("SET"), STR("k"), {text, LARGE_SIZE}};
    const struct str get[] = {STR("GET"), STR("k")};
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
    assert_int_equal(redis_client_command(f->rig.client, set, 3, on_any, f), 0);
    assert_int_equal(redis_client_command(f->rig.client, get, 2, on_large, f), 0);
    client_rig_wait_answers(&f->rig, 2);
    assert_false(f->is_wrong);
    free(text);
}

static void
test_server_killed_and_started_again_is_found_again(void **state)
{
    struct fixture *f = *state;
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
    redis_server_kill(f->server);
    client_rig_wait_downs(&f->rig, 1);
    assert_int_equal(f->rig.status, ERR_CONNECT);
    redis_server_start_again(f->server);
    client_rig_wait_ups(&f->rig, 2);
}

static void
test_server_client_that_is_killed_comes_back(void **state)
{
    struct fixture *f = *state;
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
    redis_server_do(f->server, "CLIENT KILL TYPE normal SKIPME yes");
    client_rig_wait_ups(&f->rig, 2);
    assert_int_equal(f->rig.downs, 1);
}

/* --- credentials --- */

static const char *const users[] = {"--user", "joe",    "on",      ">secret", "~*", "&*",
                                    "+@all",  "--user", "default", "off",     NULL};

static int
setup_users(void **state)
{
    *state = fixture_new(users);
    return 0;
}

static void
test_server_user_and_password_are_taken(void **state)
{
    struct fixture *f = *state;
    f->rig.broker.username = (char[]){"joe"};
    f->rig.broker.password = (char[]){"secret"};
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
    assert_int_equal(f->rig.downs, 0);
}

static void
test_server_wrong_password_is_an_auth_failure(void **state)
{
    struct fixture *f = *state;
    f->rig.broker.username = (char[]){"joe"};
    f->rig.broker.password = (char[]){"wrong"};
    client_rig_start(&f->rig);
    client_rig_wait_downs(&f->rig, 1);
    assert_int_equal(f->rig.status, ERR_AUTH);
}

static void
test_server_no_password_is_an_auth_failure(void **state)
{
    struct fixture *f = *state;
    client_rig_start(&f->rig);
    client_rig_wait_downs(&f->rig, 1);
    assert_int_equal(f->rig.status, ERR_AUTH);
}

/* --- messages --- */

static void
test_server_many_subscriptions_are_all_confirmed_and_deliver(void **state)
{
    enum { SUBSCRIPTIONS = 1000, NAME_SIZE = 16 };
    struct fixture *f = *state;
    struct redis_subscription *all = calloc(SUBSCRIPTIONS, sizeof *all);
    char *names = calloc(SUBSCRIPTIONS, NAME_SIZE);
    for (size_t i = 0; i < SUBSCRIPTIONS; i++) {
        char *name = names + i * NAME_SIZE;
        (void)snprintf(name, NAME_SIZE, i % 2 == 0 ? "c%zu" : "c%zu.*", i);
        all[i] = (struct redis_subscription){name, i % 2 != 0};
    }
    f->rig.settings.subscriptions = all;
    f->rig.settings.subscriptions_length = SUBSCRIPTIONS;
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
    redis_server_do(f->server, "PUBLISH c0 a");
    redis_server_do(f->server, "PUBLISH c999.x b");
    client_rig_wait_messages(&f->rig, "c0:c0=a c999.*~c999.x=b ");
    free(all);
    free(names);
}

static void
test_server_subscribed_client_is_pinged_and_stays(void **state)
{
    struct fixture *f = *state;
    const struct redis_subscription one = {"c", false};
    f->rig.settings.subscriptions = &one;
    f->rig.settings.subscriptions_length = 1;
    f->rig.broker.idle_timeout_ms = 1000; /* far above what a busy machine delays a PONG */
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
    uint64_t begin = loop_now_ms(f->rig.loop);
    while (loop_now_ms(f->rig.loop) < begin + 3 * f->rig.broker.idle_timeout_ms) {
        redis_server_do(f->server, "PING"); /* time goes by, and the loop turns */
        client_rig_wait_ups(&f->rig, 1);
    }
    assert_int_equal(f->rig.downs, 0);
    redis_server_do(f->server, "PUBLISH c a");
    client_rig_wait_messages(&f->rig, "c:c=a ");
}

/* --- TLS --- */

static char tls_port[8];
static char tls_cert[PATH_SIZE];
static char tls_key[PATH_SIZE];
static char other_cert[PATH_SIZE];
static char other_key[PATH_SIZE];
static char *tls_folder;

/* A certificate that is its own authority, for localhost and 127.0.0.1. */
static void
make_certificate(const char *name, char *ret_cert, char *ret_key)
{
    (void)snprintf(ret_cert, PATH_SIZE, "%s/%s.crt", tls_folder, name);
    (void)snprintf(ret_key, PATH_SIZE, "%s/%s.key", tls_folder, name);
    const char *const argv[] = {"openssl",
                                "req",
                                "-x509",
                                "-newkey",
                                "ec",
                                "-pkeyopt",
                                "ec_paramgen_curve:prime256v1",
                                "-nodes",
                                "-days",
                                "2",
                                "-subj",
                                "/CN=runnel test",
                                "-addext",
                                "subjectAltName=DNS:localhost,IP:127.0.0.1",
                                "-keyout",
                                ret_key,
                                "-out",
                                ret_cert,
                                NULL};
    assert_int_equal(child_end(child_start(argv), 0), 0);
}

static int
setup_tls_group(void **state)
{
    (void)state;
    tls_folder = folder_make();
    make_certificate("server", tls_cert, tls_key);
    make_certificate("other", other_cert, other_key);
    return 0;
}

static int
teardown_tls_group(void **state)
{
    (void)state;
    folder_remove(tls_folder);
    return 0;
}

static const char *const tls_options[] = {"--tls-port",
                                          tls_port,
                                          "--tls-cert-file",
                                          tls_cert,
                                          "--tls-key-file",
                                          tls_key,
                                          "--tls-ca-cert-file",
                                          tls_cert,
                                          NULL};

static int
setup_tls(void **state)
{
    uint16_t port = free_port();
    (void)snprintf(tls_port, sizeof tls_port, "%u", (unsigned)port);
    struct fixture *f = fixture_new(tls_options);
    *state = f;
    f->rig.broker.port = port;
    f->rig.broker.tls.is_on = true;
    f->rig.broker.tls.ca_file = tls_cert;
    f->rig.broker.tls.cert_file =
        tls_cert; /* the server asks for a certificate that its authority made */
    f->rig.broker.tls.key_file = tls_key;
    return 0;
}

static void
test_server_tls_with_a_client_certificate_works(void **state)
{
    struct fixture *f = *state;
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
    send_more(f);
    client_rig_wait_answers(&f->rig, COMMANDS);
    assert_false(f->is_wrong);
}

static void
test_server_tls_name_is_verified(void **state)
{
    struct fixture *f = *state;
    f->rig.broker.tls.server_name = (char[]){"elsewhere.example"};
    client_rig_start(&f->rig);
    client_rig_wait_downs(&f->rig, 1);
    assert_int_equal(f->rig.status, ERR_TLS);
    assert_non_null(strstr(f->rig.why, "ostname"));
}

static void
test_server_tls_other_authority_is_not_trusted(void **state)
{
    struct fixture *f = *state;
    f->rig.broker.tls.ca_file = other_cert;
    client_rig_start(&f->rig);
    client_rig_wait_downs(&f->rig, 1);
    assert_int_equal(f->rig.status, ERR_TLS);
    assert_non_null(strstr(f->rig.why, "certificate"));
}

static void
test_server_tls_unverified_takes_any_certificate(void **state)
{
    struct fixture *f = *state;
    f->rig.broker.tls.ca_file = other_cert;
    f->rig.broker.tls.is_verified = false;
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
    assert_int_equal(f->rig.downs, 0);
}

static void
test_server_tls_without_a_client_certificate_is_refused(void **state)
{
    struct fixture *f = *state;
    f->rig.broker.tls.cert_file = (char[]){""};
    f->rig.broker.tls.key_file = (char[]){""};
    client_rig_start(&f->rig);
    client_rig_wait_downs(&f->rig, 1);
    assert_int_equal(f->rig.ups, 0);
}

static void
test_server_tls_to_a_plain_port_fails_as_tls(void **state)
{
    struct fixture *f = *state;
    f->rig.broker.port = redis_server_port(f->server);
    f->rig.broker.connect_timeout_ms =
        200; /* redis waits for the rest of what it takes for a command */
    client_rig_start(&f->rig);
    client_rig_wait_downs(&f->rig, 1);
    assert_int_equal(f->rig.ups, 0);
}

static void
test_server_tls_killed_and_started_again_is_found_again(void **state)
{
    struct fixture *f = *state;
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
    redis_server_kill(f->server);
    client_rig_wait_downs(&f->rig, 1);
    redis_server_start_again(f->server);
    client_rig_wait_ups(&f->rig, 2);
}

static void
test_server_tls_file_that_cannot_be_read_is_no_client(void **state)
{
    struct fixture *f = *state;
    f->rig.broker.tls.ca_file = (char[]){"/nowhere/ca.pem"};
    assert_int_equal(client_rig_try(&f->rig), ERR_TLS);
    f->rig.broker.tls.ca_file = tls_cert;
    f->rig.broker.tls.key_file = other_key; /* does not fit the certificate */
    assert_int_equal(client_rig_try(&f->rig), ERR_TLS);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name)       cmocka_unit_test_setup_teardown(test_server_##name, setup, teardown)
#define CASE_USERS(name) cmocka_unit_test_setup_teardown(test_server_##name, setup_users, teardown)
        CASE(many_pipelined_commands_come_back_in_order),
        CASE(large_values_go_and_come),
        CASE(killed_and_started_again_is_found_again),
        CASE(client_that_is_killed_comes_back),
        CASE_USERS(user_and_password_are_taken),
        CASE_USERS(wrong_password_is_an_auth_failure),
        CASE_USERS(no_password_is_an_auth_failure),
        CASE(many_subscriptions_are_all_confirmed_and_deliver),
        CASE(subscribed_client_is_pinged_and_stays),
#undef CASE
#undef CASE_USERS
    };
    const struct CMUnitTest tls_tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(test_server_tls_##name, setup_tls, teardown)
        CASE(with_a_client_certificate_works),         CASE(name_is_verified),
        CASE(other_authority_is_not_trusted),          CASE(unverified_takes_any_certificate),
        CASE(without_a_client_certificate_is_refused), CASE(to_a_plain_port_fails_as_tls),
        CASE(killed_and_started_again_is_found_again), CASE(file_that_cannot_be_read_is_no_client),
#undef CASE
    };
    (void)signal(SIGPIPE, SIG_IGN);
    int failed = cmocka_run_group_tests_name("redis.server", tests, NULL, NULL);
    return failed + cmocka_run_group_tests_name("redis.server.tls", tls_tests, setup_tls_group,
                                                teardown_tls_group);
}
