#undef NDEBUG
#include "brokers.h"
#include "fake_server.h"
#include "redis/client.h"
#include "scripted_rig.h"
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

/* --- the greeting --- */

static void
test_client_new_greets_and_is_up(void **state)
{
    struct scripted_rig *f = *state;
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
    struct scripted_rig *f = *state;
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
    struct scripted_rig *f = *state;
    f->rig.broker.password = (char[]){"secret"};
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
    assert_string_equal(fake_server_words(f->server, "AUTH"), "secret");
}

static void
test_client_wrong_password_is_said_and_tried_again(void **state)
{
    struct scripted_rig *f = *state;
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
    struct scripted_rig *f = *state;
    fake_server_answer(f->server, "CLIENT", "-NOAUTH Authentication required.\r\n");
    client_rig_start(&f->rig);
    client_rig_wait_downs(&f->rig, 1);
    assert_int_equal(f->rig.status, ERR_AUTH);
}

static void
test_client_server_that_loads_is_waited_for(void **state)
{
    struct scripted_rig *f = *state;
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
    struct scripted_rig *f = *state;
    fake_server_answer(f->server, "CLIENT", "-NOPERM this user has no permissions\r\n");
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
    assert_int_equal(f->rig.downs, 0);
}

static void
test_client_database_that_does_not_exist_is_refused(void **state)
{
    struct scripted_rig *f = *state;
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
    struct scripted_rig *f = *state;
    fake_server_answer(f->server, "GET", "$3\r\none\r\n");
    fake_server_answer(f->server, "BAD", "-ERR no\r\n");
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
    const struct str bad[] = {STR("BAD")};
    assert_int_equal(scripted_rig_get(f, "a"), 0);
    assert_int_equal(redis_client_command(f->rig.client, bad, 1, scripted_rig_on_reply, f), 0);
    assert_int_equal(scripted_rig_get(f, "b"), 0);
    assert_int_equal(f->rig.answered, 0);
    client_rig_wait_answers(&f->rig, 3);
    assert_string_equal(f->replies, "one -ERR no one ");
    assert_int_equal(f->rig.downs, 0);
}

static void
test_client_replies_one_byte_at_a_time_are_read(void **state)
{
    struct scripted_rig *f = *state;
    fake_server_set_pace(f->server, FAKE_BYTE_A_TURN);
    fake_server_answer(f->server, "GET", "$5\r\na\r\nb\n\r\n");
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
    assert_int_equal(scripted_rig_get(f, "a"), 0);
    client_rig_wait_answers(&f->rig, 1);
    assert_string_equal(f->replies, "a\r\nb\n ");
}

static void
test_client_command_before_it_is_up_is_not_taken(void **state)
{
    struct scripted_rig *f = *state;
    client_rig_start(&f->rig);
    assert_int_equal(scripted_rig_get(f, "a"), ERR_CONNECT);
    client_rig_wait_ups(&f->rig, 1);
    assert_int_equal(fake_server_count(f->server, "GET"), 0);
}

static void
test_client_more_commands_than_its_limit_are_not_taken(void **state)
{
    struct scripted_rig *f = *state;
    size_t taken = 0;
    fake_server_answer(f->server, "GET", NULL);
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
    int outcome;
    while ((outcome = scripted_rig_get(f, "a")) == 0) {
        taken++;
    }
    assert_int_equal(outcome, REDIS_E_FULL);
    assert_int_equal(taken, f->rig.settings.commands_limit);
    assert_int_equal(f->rig.answered, 0);
}

static void
test_client_more_output_than_its_limit_is_not_taken_but_one_large_command_is(void **state)
{
    struct scripted_rig *f = *state;
    static char large[8192];
    memset(large, 'x', sizeof large - 1);
    fake_server_answer(f->server, "GET", "+OK\r\n");
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
    assert_int_equal(scripted_rig_get(f, large), 0);
    assert_int_equal(scripted_rig_get(f, "a"), REDIS_E_FULL);
    client_rig_wait_answers(&f->rig, 1);
    assert_int_equal(scripted_rig_get(f, "a"), 0);
    client_rig_wait_answers(&f->rig, 2);
    assert_string_equal(f->replies, "OK OK ");
}

static void
test_client_freed_in_a_reply_calls_nothing_more(void **state)
{
    struct scripted_rig *f = *state;
    fake_server_answer(f->server, "GET", "+OK\r\n");
    f->frees_in_reply = true;
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
    assert_int_equal(scripted_rig_get(f, "a"), 0);
    assert_int_equal(scripted_rig_get(f, "b"), 0);
    client_rig_wait_answers(&f->rig, 2);
    assert_string_equal(f->replies, "OK ");
    assert_int_equal(f->failed, 1);
    assert_int_equal(f->failure, ERR_CLOSED);
    assert_int_equal(f->rig.downs, 0);
}

static void
test_client_free_answers_what_is_under_way(void **state)
{
    struct scripted_rig *f = *state;
    fake_server_answer(f->server, "GET", NULL);
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
    assert_int_equal(scripted_rig_get(f, "a"), 0);
    redis_client_free(f->rig.client);
    f->rig.client = NULL;
    assert_int_equal(f->failed, 1);
    assert_int_equal(f->failure, ERR_CLOSED);
}

/* --- losses --- */

static void
test_client_close_in_the_middle_of_a_reply_fails_each_command_once(void **state)
{
    struct scripted_rig *f = *state;
    fake_server_close_after(f->server, "GET", "$10\r\nhal");
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
    assert_int_equal(scripted_rig_get(f, "a"), 0);
    assert_int_equal(scripted_rig_get(f, "b"), 0);
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
    struct scripted_rig *f = *state;
    fake_server_answer(f->server, "GET", "HTTP/1.1 400 Bad Request\r\n");
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
    assert_int_equal(scripted_rig_get(f, "a"), 0);
    client_rig_wait_downs(&f->rig, 1);
    assert_int_equal(f->rig.status, ERR_PROTOCOL);
    assert_int_equal(f->failure, ERR_PROTOCOL);
    client_rig_wait_ups(&f->rig, 2);
}

static void
test_client_reply_to_nothing_is_an_error(void **state)
{
    struct scripted_rig *f = *state;
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
    struct scripted_rig *f = *state;
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
    struct scripted_rig *f = *state;
    char reply[64];
    (void)snprintf(reply, sizeof reply, "*%zu\r\n", f->rig.settings.reply_limit_bytes);
    fake_server_answer(f->server, "GET", reply);
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
    assert_int_equal(scripted_rig_get(f, "a"), 0);
    client_rig_wait_downs(&f->rig, 1);
    assert_int_equal(f->rig.status, ERR_LIMIT);
}

static void
test_client_refused_connection_is_tried_until_it_works(void **state)
{
    struct scripted_rig *f = *state;
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
    struct scripted_rig *f = *state;
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
    struct scripted_rig *f = *state;
    f->rig.broker.host = (char[]){"localhost"};
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
}

static void
test_client_reconnect_makes_a_new_connection(void **state)
{
    struct scripted_rig *f = *state;
    fake_server_answer(f->server, "GET", NULL);
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
    assert_int_equal(scripted_rig_get(f, "a"), 0);
    redis_client_reconnect(f->rig.client, ERR_REFUSED, "a replica");
    assert_int_equal(f->rig.downs, 1);
    assert_string_equal(f->rig.why, "a replica");
    assert_int_equal(f->failure, ERR_REFUSED);
    client_rig_wait_ups(&f->rig, 2);
    assert_int_equal(fake_server_accepted(f->server), 2);
}

/* --- silence --- */

/* --- subscriptions --- */

static void
test_client_messages_come_with_their_filter(void **state)
{
    struct scripted_rig *f = *state;
    scripted_rig_subscribe(f);
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
    struct scripted_rig *f = *state;
    fake_server_set_pace(f->server, FAKE_BYTE_A_TURN);
    scripted_rig_subscribe(f);
    client_rig_wait_ups(&f->rig, 1);
    fake_server_send(f->server, "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$4\r\n\r\n\r\n\r\n");
    client_rig_wait_messages(&f->rig, "news:news=\r\n\r\n ");
}

static void
test_client_is_up_only_when_every_subscription_is_confirmed(void **state)
{
    struct scripted_rig *f = *state;
    f->rig.broker.connect_timeout_ms = SHORT_MS;
    scripted_rig_subscribe(f);
    fake_server_answer(f->server, "PSUBSCRIBE", NULL);
    client_rig_wait_downs(&f->rig, 1);
    assert_int_equal(f->rig.ups, 0);
    assert_int_equal(f->rig.status, ERR_TIMEOUT);
}

static void
test_client_subscribes_again_on_each_connection(void **state)
{
    struct scripted_rig *f = *state;
    scripted_rig_subscribe(f);
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
    struct scripted_rig *f = *state;
    scripted_rig_subscribe(f);
    fake_server_answer(f->server, "SUBSCRIBE",
                       "-NOPERM this user has no permissions to access one of the channels\r\n");
    client_rig_wait_downs(&f->rig, 1);
    assert_int_equal(f->rig.status, ERR_REFUSED);
    assert_non_null(strstr(f->rig.why, "NOPERM"));
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
    struct scripted_rig *f = *state;
    scripted_rig_subscribe(f);
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
#define CASE(name)                                                                                 \
    cmocka_unit_test_setup_teardown(test_client_##name, scripted_rig_setup, scripted_rig_teardown)
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
        CASE(messages_come_with_their_filter),
        CASE(messages_one_byte_at_a_time_are_read),
        CASE(is_up_only_when_every_subscription_is_confirmed),
        CASE(subscribes_again_on_each_connection),
        CASE(subscription_that_is_not_allowed_is_said),
        CASE(push_that_nobody_knows_is_an_error),
#undef CASE
    };
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("redis.client", tests, NULL, NULL);
}
