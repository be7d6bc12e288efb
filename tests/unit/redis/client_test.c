#undef NDEBUG
#include "brokers.h"
#include "client_rig.h"
#include "fake_server.h"
#include "redis/client.h"
#include "waiting.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SHORT_MS = 30, PATIENT_MS = 300 }; /* above what a busy machine delays */

struct fixture {
    struct client_rig rig;
    struct fake_server *server;
    size_t failed;
    int failure;
    char replies[CLIENT_RIG_DIARY_SIZE]; /* texts of replies, a blank behind each */
    bool frees_in_reply;
};

static void
on_reply(void *arg, int status, const struct redis_reply *reply)
{
    struct fixture *f = arg;
    char text[256];
    f->rig.answered++;
    if (status != 0) {
        assert_null(reply);
        f->failed++;
        f->failure = status;
        return;
    }
    bool is_error = reply->type == REDIS_TYPE_ERROR;
    struct str shown = is_error ? reply->text : redis_reply_text(reply);
    (void)snprintf(text, sizeof text, "%s" STR_FMT, is_error ? "-" : "", STR_ARG(shown));
    client_rig_note(f->replies, text);
    if (f->frees_in_reply) {
        redis_client_free(f->rig.client);
        f->rig.client = NULL;
    }
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    *state = f;
    client_rig_init(&f->rig);
    f->server = fake_server_new(f->rig.loop);
    f->rig.broker = broker_on(fake_server_port(f->server));
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    fake_server_free(f->server);
    client_rig_fini(&f->rig);
    free(f);
    return 0;
}

static int
get(struct fixture *f, const char *key)
{
    const struct str words[] = {STR("GET"), str_from(key)};
    return redis_client_command(f->rig.client, words, 2, on_reply, f);
}

/* --- the greeting --- */

static void
test_client_new_greets_and_is_up(void **state)
{
    struct fixture *f = *state;
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
    assert_true(redis_client_is_up(f->rig.client));
    assert_string_equal(fake_server_words(f->server, "CLIENT"), "SETNAME runnel");
    assert_int_equal(fake_server_count(f->server, "AUTH"), 0);
    assert_int_equal(fake_server_count(f->server, "SELECT"), 0);
    assert_int_equal(f->rig.downs, 0);
}

static void
test_client_credentials_are_sent_before_the_database(void **state)
{
    struct fixture *f = *state;
    f->rig.broker.username = (char[]){"joe"};
    f->rig.broker.password = (char[]){"se cret"};
    f->rig.broker.database = 7;
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
    assert_string_equal(fake_server_words(f->server, "AUTH"), "joe se cret");
    assert_string_equal(fake_server_words(f->server, "SELECT"), "7");
}

static void
test_client_password_alone_is_sent_alone(void **state)
{
    struct fixture *f = *state;
    f->rig.broker.password = (char[]){"secret"};
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
    assert_string_equal(fake_server_words(f->server, "AUTH"), "secret");
}

static void
test_client_wrong_password_is_said_and_tried_again(void **state)
{
    struct fixture *f = *state;
    f->rig.broker.password = (char[]){"secret"};
    fake_server_answer(f->server, "AUTH", "-WRONGPASS invalid username-password pair\r\n");
    client_rig_start(&f->rig);
    client_rig_wait_downs(&f->rig, 1);
    assert_int_equal(f->rig.status, ERR_AUTH);
    assert_non_null(strstr(f->rig.why, "WRONGPASS invalid username-password pair"));
    assert_null(strstr(f->rig.why, "secret"));
    fake_server_answer(f->server, "AUTH", "+OK\r\n");
    client_rig_wait_ups(&f->rig, 1);
}

static void
test_client_no_password_where_one_is_asked_for_is_said(void **state)
{
    struct fixture *f = *state;
    fake_server_answer(f->server, "CLIENT", "-NOAUTH Authentication required.\r\n");
    client_rig_start(&f->rig);
    client_rig_wait_downs(&f->rig, 1);
    assert_int_equal(f->rig.status, ERR_AUTH);
}

static void
test_client_server_that_loads_is_waited_for(void **state)
{
    struct fixture *f = *state;
    fake_server_answer(f->server, "PING", "-LOADING Redis is loading the dataset in memory\r\n");
    client_rig_start(&f->rig);
    client_rig_wait_downs(&f->rig, 2);
    assert_int_equal(f->rig.status, ERR_REFUSED);
    assert_non_null(strstr(f->rig.why, "LOADING"));
    fake_server_answer(f->server, "PING", "+PONG\r\n");
    client_rig_wait_ups(&f->rig, 1);
}

static void
test_client_name_that_is_not_allowed_is_no_matter(void **state)
{
    struct fixture *f = *state;
    fake_server_answer(f->server, "CLIENT", "-NOPERM this user has no permissions\r\n");
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
    assert_int_equal(f->rig.downs, 0);
}

static void
test_client_database_that_does_not_exist_is_refused(void **state)
{
    struct fixture *f = *state;
    f->rig.broker.database = 99;
    fake_server_answer(f->server, "SELECT", "-ERR DB index is out of range\r\n");
    client_rig_start(&f->rig);
    client_rig_wait_downs(&f->rig, 1);
    assert_int_equal(f->rig.status, ERR_REFUSED);
    assert_non_null(strstr(f->rig.why, "DB index is out of range"));
}

/* --- commands --- */

static void
test_client_pipelined_commands_are_answered_in_order(void **state)
{
    struct fixture *f = *state;
    fake_server_answer(f->server, "GET", "$3\r\none\r\n");
    fake_server_answer(f->server, "BAD", "-ERR no\r\n");
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
    const struct str bad[] = {STR("BAD")};
    assert_int_equal(get(f, "a"), 0);
    assert_int_equal(redis_client_command(f->rig.client, bad, 1, on_reply, f), 0);
    assert_int_equal(get(f, "b"), 0);
    assert_int_equal(f->rig.answered, 0);
    client_rig_wait_answers(&f->rig, 3);
    assert_string_equal(f->replies, "one -ERR no one ");
    assert_int_equal(f->rig.downs, 0);
}

static void
test_client_replies_one_byte_at_a_time_are_read(void **state)
{
    struct fixture *f = *state;
    fake_server_set_pace(f->server, FAKE_BYTE_A_TURN);
    fake_server_answer(f->server, "GET", "$5\r\na\r\nb\n\r\n");
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
    assert_int_equal(get(f, "a"), 0);
    client_rig_wait_answers(&f->rig, 1);
    assert_string_equal(f->replies, "a\r\nb\n ");
}

static void
test_client_command_before_it_is_up_is_not_taken(void **state)
{
    struct fixture *f = *state;
    client_rig_start(&f->rig);
    assert_int_equal(get(f, "a"), ERR_CONNECT);
    client_rig_wait_ups(&f->rig, 1);
    assert_int_equal(fake_server_count(f->server, "GET"), 0);
}

static void
test_client_more_commands_than_its_limit_are_not_taken(void **state)
{
    struct fixture *f = *state;
    size_t taken = 0;
    fake_server_answer(f->server, "GET", NULL);
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
    int outcome;
    while ((outcome = get(f, "a")) == 0) {
        taken++;
    }
    assert_int_equal(outcome, REDIS_E_FULL);
    assert_int_equal(taken, f->rig.settings.commands_limit);
    assert_int_equal(f->rig.answered, 0);
}

static void
test_client_more_output_than_its_limit_is_not_taken_but_one_large_command_is(void **state)
{
    struct fixture *f = *state;
    static char large[8192];
    memset(large, 'x', sizeof large - 1);
    fake_server_answer(f->server, "GET", "+OK\r\n");
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
    assert_int_equal(get(f, large), 0);
    assert_int_equal(get(f, "a"), REDIS_E_FULL);
    client_rig_wait_answers(&f->rig, 1);
    assert_int_equal(get(f, "a"), 0);
    client_rig_wait_answers(&f->rig, 2);
    assert_string_equal(f->replies, "OK OK ");
}

static void
test_client_freed_in_a_reply_calls_nothing_more(void **state)
{
    struct fixture *f = *state;
    fake_server_answer(f->server, "GET", "+OK\r\n");
    f->frees_in_reply = true;
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
    assert_int_equal(get(f, "a"), 0);
    assert_int_equal(get(f, "b"), 0);
    client_rig_wait_answers(&f->rig, 2);
    assert_string_equal(f->replies, "OK ");
    assert_int_equal(f->failed, 1);
    assert_int_equal(f->failure, ERR_CLOSED);
    assert_int_equal(f->rig.downs, 0);
}

static void
test_client_free_answers_what_is_under_way(void **state)
{
    struct fixture *f = *state;
    fake_server_answer(f->server, "GET", NULL);
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
    assert_int_equal(get(f, "a"), 0);
    redis_client_free(f->rig.client);
    f->rig.client = NULL;
    assert_int_equal(f->failed, 1);
    assert_int_equal(f->failure, ERR_CLOSED);
}

/* --- losses --- */

static void
test_client_close_in_the_middle_of_a_reply_fails_each_command_once(void **state)
{
    struct fixture *f = *state;
    fake_server_close_after(f->server, "GET", "$10\r\nhal");
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
    assert_int_equal(get(f, "a"), 0);
    assert_int_equal(get(f, "b"), 0);
    client_rig_wait_downs(&f->rig, 1);
    assert_int_equal(f->failed, 2);
    assert_int_equal(f->rig.answered, 2);
    assert_int_equal(f->failure, ERR_CONNECT);
    client_rig_wait_ups(&f->rig, 2);
    assert_int_equal(f->rig.answered, 2);
}

static void
test_client_garbage_is_an_error_and_a_new_connection(void **state)
{
    struct fixture *f = *state;
    fake_server_answer(f->server, "GET", "HTTP/1.1 400 Bad Request\r\n");
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
    assert_int_equal(get(f, "a"), 0);
    client_rig_wait_downs(&f->rig, 1);
    assert_int_equal(f->rig.status, ERR_PROTOCOL);
    assert_int_equal(f->failure, ERR_PROTOCOL);
    client_rig_wait_ups(&f->rig, 2);
}

static void
test_client_reply_to_nothing_is_an_error(void **state)
{
    struct fixture *f = *state;
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
    fake_server_send(f->server, "+OK\r\n");
    client_rig_wait_downs(&f->rig, 1);
    assert_int_equal(f->rig.status, ERR_PROTOCOL);
    client_rig_wait_ups(&f->rig, 2);
}

static void
test_client_error_that_nobody_asked_for_is_said(void **state)
{
    struct fixture *f = *state;
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
    fake_server_send(f->server, "-ERR max number of clients reached\r\n");
    client_rig_wait_downs(&f->rig, 1);
    assert_int_equal(f->rig.status, ERR_REFUSED);
    assert_non_null(strstr(f->rig.why, "max number of clients reached"));
}

static void
test_client_reply_over_its_limit_is_an_error(void **state)
{
    struct fixture *f = *state;
    char reply[64];
    (void)snprintf(reply, sizeof reply, "*%zu\r\n", f->rig.settings.reply_limit_bytes);
    fake_server_answer(f->server, "GET", reply);
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
    assert_int_equal(get(f, "a"), 0);
    client_rig_wait_downs(&f->rig, 1);
    assert_int_equal(f->rig.status, ERR_LIMIT);
}

static void
test_client_refused_connection_is_tried_until_it_works(void **state)
{
    struct fixture *f = *state;
    fake_server_stop_listening(f->server);
    client_rig_start(&f->rig);
    client_rig_wait_downs(&f->rig, 3);
    assert_int_equal(f->rig.status, ERR_CONNECT);
    assert_non_null(strstr(f->rig.why, "refused"));
    fake_server_listen_again(f->server);
    client_rig_wait_ups(&f->rig, 1);
}

static void
test_client_name_that_does_not_resolve_is_said(void **state)
{
    struct fixture *f = *state;
    char label[65] = ""; /* longer than DNS has: no server is asked */
    memset(label, 'x', sizeof label - 1);
    f->rig.broker.host = label;
    client_rig_start(&f->rig);
    client_rig_wait_downs(&f->rig, 1);
    assert_int_equal(f->rig.status, ERR_RESOLVE);
    assert_non_null(strstr(f->rig.why, label));
}

static void
test_client_name_of_the_hosts_file_is_resolved(void **state)
{
    struct fixture *f = *state;
    f->rig.broker.host = (char[]){"localhost"};
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
}

static void
test_client_reconnect_makes_a_new_connection(void **state)
{
    struct fixture *f = *state;
    fake_server_answer(f->server, "GET", NULL);
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
    assert_int_equal(get(f, "a"), 0);
    redis_client_reconnect(f->rig.client, ERR_REFUSED, "a replica");
    assert_int_equal(f->rig.downs, 1);
    assert_string_equal(f->rig.why, "a replica");
    assert_int_equal(f->failure, ERR_REFUSED);
    client_rig_wait_ups(&f->rig, 2);
    assert_int_equal(fake_server_accepted(f->server), 2);
}

/* --- silence --- */

static void
test_client_command_without_an_answer_times_out(void **state)
{
    struct fixture *f = *state;
    f->rig.settings.command_timeout_ms = SHORT_MS;
    fake_server_answer(f->server, "GET", NULL);
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
    assert_int_equal(get(f, "a"), 0);
    client_rig_wait_downs(&f->rig, 1);
    assert_int_equal(f->rig.status, ERR_TIMEOUT);
    assert_int_equal(f->failure, ERR_TIMEOUT);
    client_rig_wait_ups(&f->rig, 2);
}

static void
test_client_greeting_without_an_answer_times_out(void **state)
{
    struct fixture *f = *state;
    f->rig.broker.connect_timeout_ms = SHORT_MS;
    fake_server_answer(f->server, "PING", NULL);
    client_rig_start(&f->rig);
    client_rig_wait_downs(&f->rig, 1);
    assert_int_equal(f->rig.status, ERR_TIMEOUT);
}

static bool
is_greeted(void *arg)
{
    const struct fixture *f = arg;
    return fake_server_count(f->server, "PING") > 0;
}

/* All together take longer than one may. */
static void
test_client_greeting_whose_answers_come_slowly_is_waited_for(void **state)
{
    static const char *const commands[] = {"AUTH", "SELECT", "CLIENT", "PING"};
    struct fixture *f = *state;
    f->rig.broker.connect_timeout_ms = PATIENT_MS;
    f->rig.broker.password = (char[]){"secret"};
    f->rig.broker.database = 1;
    for (size_t i = 0; i < 4; i++) {
        fake_server_answer(f->server, commands[i], NULL);
    }
    client_rig_start(&f->rig);
    wait_until(f->rig.loop, is_greeted, f);
    for (size_t i = 0; i < 4; i++) {
        client_rig_let_pass(&f->rig, PATIENT_MS / 2);
        fake_server_send(f->server, i < 3 ? "+OK\r\n" : "+PONG\r\n");
    }
    client_rig_wait_ups(&f->rig, 1);
    assert_int_equal(f->rig.downs, 0);
}

static bool
is_pinged(void *arg)
{
    const struct fixture *f = arg;
    return fake_server_count(f->server, "PING") >= f->rig.wanted;
}

static void
test_client_idle_connection_is_pinged_and_stays(void **state)
{
    struct fixture *f = *state;
    f->rig.broker.idle_timeout_ms = PATIENT_MS;
    client_rig_start(&f->rig);
    f->rig.wanted = 4; /* the greeting's, and three */
    wait_until(f->rig.loop, is_pinged, f);
    assert_int_equal(f->rig.ups, 1);
    assert_int_equal(f->rig.downs, 0);
}

static void
test_client_idle_connection_that_is_dead_is_given_up(void **state)
{
    struct fixture *f = *state;
    f->rig.broker.idle_timeout_ms = SHORT_MS;
    f->rig.settings.command_timeout_ms = SHORT_MS;
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
    fake_server_answer(f->server, "PING", NULL);
    client_rig_wait_downs(&f->rig, 1);
    assert_int_equal(f->rig.status, ERR_TIMEOUT);
}

/* --- subscriptions --- */

static const struct redis_subscription two_filters[] = {{"news", false}, {"news.*", true}};

static void
subscribe(struct fixture *f)
{
    f->rig.settings.subscriptions = two_filters;
    f->rig.settings.subscriptions_length = 2;
    fake_server_answer(f->server, "SUBSCRIBE", "*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n");
    fake_server_answer(f->server, "PSUBSCRIBE",
                       "*3\r\n$10\r\npsubscribe\r\n$6\r\nnews.*\r\n:2\r\n");
    client_rig_start(&f->rig);
}

static void
test_client_messages_come_with_their_filter(void **state)
{
    struct fixture *f = *state;
    subscribe(f);
    client_rig_wait_ups(&f->rig, 1);
    assert_string_equal(fake_server_words(f->server, "SUBSCRIBE"), "news");
    assert_string_equal(fake_server_words(f->server, "PSUBSCRIBE"), "news.*");
    fake_server_send(f->server,
                     "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$2\r\nhi\r\n"
                     "*4\r\n$8\r\npmessage\r\n$6\r\nnews.*\r\n$6\r\nnews.x\r\n$0\r\n\r\n");
    client_rig_wait_messages(&f->rig, "news:news=hi news.*~news.x= ");
}

static void
test_client_messages_one_byte_at_a_time_are_read(void **state)
{
    struct fixture *f = *state;
    fake_server_set_pace(f->server, FAKE_BYTE_A_TURN);
    subscribe(f);
    client_rig_wait_ups(&f->rig, 1);
    fake_server_send(f->server, "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$4\r\n\r\n\r\n\r\n");
    client_rig_wait_messages(&f->rig, "news:news=\r\n\r\n ");
}

static void
test_client_is_up_only_when_every_subscription_is_confirmed(void **state)
{
    struct fixture *f = *state;
    f->rig.broker.connect_timeout_ms = SHORT_MS;
    subscribe(f);
    fake_server_answer(f->server, "PSUBSCRIBE", NULL);
    client_rig_wait_downs(&f->rig, 1);
    assert_int_equal(f->rig.ups, 0);
    assert_int_equal(f->rig.status, ERR_TIMEOUT);
}

static bool
is_asked_for_patterns(void *arg)
{
    const struct fixture *f = arg;
    return fake_server_count(f->server, "PSUBSCRIBE") > 0;
}

static void
test_client_confirmations_that_come_slowly_are_waited_for(void **state)
{
    struct fixture *f = *state;
    f->rig.broker.connect_timeout_ms = PATIENT_MS;
    subscribe(f);
    fake_server_answer(f->server, "SUBSCRIBE", NULL);
    fake_server_answer(f->server, "PSUBSCRIBE", NULL);
    wait_until(f->rig.loop, is_asked_for_patterns, f);
    client_rig_let_pass(&f->rig, PATIENT_MS * 2 / 3);
    fake_server_send(f->server, "*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n");
    client_rig_let_pass(&f->rig, PATIENT_MS * 2 / 3);
    fake_server_send(f->server, "*3\r\n$10\r\npsubscribe\r\n$6\r\nnews.*\r\n:2\r\n");
    client_rig_wait_ups(&f->rig, 1);
    assert_int_equal(f->rig.downs, 0);
}

/* What is subscribed already may be busy for ever. */
static void
test_client_messages_are_no_confirmation(void **state)
{
    struct fixture *f = *state;
    f->rig.broker.connect_timeout_ms = PATIENT_MS;
    subscribe(f);
    fake_server_answer(f->server, "PSUBSCRIBE", NULL);
    while (f->rig.downs == 0) {
        fake_server_send(f->server, "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$0\r\n\r\n");
        client_rig_let_pass(&f->rig, SHORT_MS);
    }
    assert_int_equal(f->rig.status, ERR_TIMEOUT);
    assert_int_equal(f->rig.ups, 0);
}

static void
test_client_subscribes_again_on_each_connection(void **state)
{
    struct fixture *f = *state;
    subscribe(f);
    client_rig_wait_ups(&f->rig, 1);
    fake_server_close_all(f->server);
    client_rig_wait_ups(&f->rig, 2);
    assert_int_equal(fake_server_count(f->server, "SUBSCRIBE"), 2);
    assert_int_equal(fake_server_count(f->server, "PSUBSCRIBE"), 2);
    assert_int_equal(f->rig.downs, 1);
}

static void
test_client_subscription_that_is_not_allowed_is_said(void **state)
{
    struct fixture *f = *state;
    subscribe(f);
    fake_server_answer(f->server, "SUBSCRIBE",
                       "-NOPERM this user has no permissions to access one of the channels\r\n");
    client_rig_wait_downs(&f->rig, 1);
    assert_int_equal(f->rig.status, ERR_REFUSED);
    assert_non_null(strstr(f->rig.why, "NOPERM"));
}

static void
test_client_subscribed_and_idle_is_pinged_and_stays(void **state)
{
    struct fixture *f = *state;
    f->rig.broker.idle_timeout_ms = PATIENT_MS;
    subscribe(f);
    client_rig_wait_ups(&f->rig, 1);
    fake_server_answer(f->server, "PING", "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
    f->rig.wanted = 4;
    wait_until(f->rig.loop, is_pinged, f);
    assert_int_equal(f->rig.downs, 0);
}

static void
test_client_subscribed_to_a_dead_peer_gives_it_up(void **state)
{
    struct fixture *f = *state;
    f->rig.broker.idle_timeout_ms = SHORT_MS;
    subscribe(f);
    client_rig_wait_ups(&f->rig, 1);
    fake_server_answer(f->server, "PING", NULL);
    /* The greeting's; more on a slow machine. */
    size_t answered = fake_server_count(f->server, "PING");
    client_rig_wait_downs(&f->rig, 1);
    assert_int_equal(f->rig.status, ERR_TIMEOUT);
    assert_int_equal(fake_server_count(f->server, "PING"), answered + 1);
}

static void
test_client_push_that_nobody_knows_is_an_error(void **state)
{
    static const char *const pushes[] = {"*0\r\n",
                                         "*-1\r\n",
                                         ":1\r\n",
                                         "*1\r\n:1\r\n",
                                         "*3\r\n$11\r\nunsubscribe\r\n$1\r\nx\r\n:0\r\n",
                                         "*2\r\n$7\r\nmessage\r\n$1\r\nx\r\n",
                                         "*3\r\n*0\r\n*0\r\n*0\r\n",
                                         "$-1\r\n"};
    struct fixture *f = *state;
    subscribe(f);
    for (size_t i = 0; i < sizeof pushes / sizeof pushes[0]; i++) {
        client_rig_wait_ups(&f->rig, i + 1);
        fake_server_send(f->server, pushes[i]);
        client_rig_wait_downs(&f->rig, i + 1);
        assert_int_equal(f->rig.status, ERR_PROTOCOL);
    }
    assert_string_equal(f->rig.messages, "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(test_client_##name, setup, teardown)
        CASE(new_greets_and_is_up),
        CASE(credentials_are_sent_before_the_database),
        CASE(password_alone_is_sent_alone),
        CASE(wrong_password_is_said_and_tried_again),
        CASE(no_password_where_one_is_asked_for_is_said),
        CASE(server_that_loads_is_waited_for),
        CASE(name_that_is_not_allowed_is_no_matter),
        CASE(database_that_does_not_exist_is_refused),
        CASE(pipelined_commands_are_answered_in_order),
        CASE(replies_one_byte_at_a_time_are_read),
        CASE(command_before_it_is_up_is_not_taken),
        CASE(more_commands_than_its_limit_are_not_taken),
        CASE(more_output_than_its_limit_is_not_taken_but_one_large_command_is),
        CASE(freed_in_a_reply_calls_nothing_more),
        CASE(free_answers_what_is_under_way),
        CASE(close_in_the_middle_of_a_reply_fails_each_command_once),
        CASE(garbage_is_an_error_and_a_new_connection),
        CASE(reply_to_nothing_is_an_error),
        CASE(error_that_nobody_asked_for_is_said),
        CASE(reply_over_its_limit_is_an_error),
        CASE(refused_connection_is_tried_until_it_works),
        CASE(name_that_does_not_resolve_is_said),
        CASE(name_of_the_hosts_file_is_resolved),
        CASE(reconnect_makes_a_new_connection),
        CASE(command_without_an_answer_times_out),
        CASE(greeting_without_an_answer_times_out),
        CASE(greeting_whose_answers_come_slowly_is_waited_for),
        CASE(idle_connection_is_pinged_and_stays),
        CASE(idle_connection_that_is_dead_is_given_up),
        CASE(messages_come_with_their_filter),
        CASE(messages_one_byte_at_a_time_are_read),
        CASE(is_up_only_when_every_subscription_is_confirmed),
        CASE(confirmations_that_come_slowly_are_waited_for),
        CASE(messages_are_no_confirmation),
        CASE(subscribes_again_on_each_connection),
        CASE(subscription_that_is_not_allowed_is_said),
        CASE(subscribed_and_idle_is_pinged_and_stays),
        CASE(subscribed_to_a_dead_peer_gives_it_up),
        CASE(push_that_nobody_knows_is_an_error),
#undef CASE
    };
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("redis.client", tests, NULL, NULL);
}
