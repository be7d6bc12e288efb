#undef NDEBUG
#include "base/clock.h"
#include "brokers.h"
#include "fake_server.h"
#include "scripted_rig.h"
#include "waiting.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SLOW_BYTES_PER_MS = 500, LARGE_SIZE = 12 * 1024 * 1024 };

static void
test_silence_command_without_an_answer_times_out(void **state)
{
    struct scripted_rig *f = *state;
    f->rig.settings.command_timeout_ms = SHORT_MS;
    fake_server_answer(f->server, "GET", NULL);
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
    assert_int_equal(scripted_rig_get(f, "a"), 0);
    client_rig_wait_downs(&f->rig, 1);
    assert_int_equal(f->rig.status, ERR_TIMEOUT);
    assert_int_equal(f->failure, ERR_TIMEOUT);
    client_rig_wait_ups(&f->rig, 2);
}

static char *
new_large(size_t size)
{
    char *text = calloc(1, size + 1);
    assert_non_null(text);
    memset(text, 'x', size);
    return text;
}

/* Sending it takes several times as long as an answer may. */
static void
test_silence_large_command_on_a_slow_line_is_sent_to_its_end(void **state)
{
    struct scripted_rig *f = *state;
    char *large = new_large(PATIENT_MS * 4 * (size_t)SLOW_BYTES_PER_MS);
    f->rig.settings.command_timeout_ms = PATIENT_MS;
    fake_server_read_slowly(f->server, SLOW_BYTES_PER_MS * 1000);
    fake_server_answer(f->server, "GET", "+OK\r\n");
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
    assert_int_equal(scripted_rig_get(f, large), 0);
    free(large);
    client_rig_wait_answers(&f->rig, 1);
    assert_int_equal(f->rig.downs, 0);
    assert_string_equal(f->replies, "OK ");
}

/* The kernel takes a part of it, and nothing more. */
static void
test_silence_large_command_that_stands_times_out(void **state)
{
    struct scripted_rig *f = *state;
    char *large = new_large(LARGE_SIZE);
    f->rig.settings.command_timeout_ms = PATIENT_MS;
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
    fake_server_stop_reading(f->server);
    assert_int_equal(scripted_rig_get(f, large), 0);
    free(large);
    client_rig_wait_downs(&f->rig, 1);
    assert_int_equal(f->rig.status, ERR_TIMEOUT);
}

static void
test_silence_greeting_without_an_answer_times_out(void **state)
{
    struct scripted_rig *f = *state;
    f->rig.broker.connect_timeout_ms = SHORT_MS;
    fake_server_answer(f->server, "PING", NULL);
    client_rig_start(&f->rig);
    client_rig_wait_downs(&f->rig, 1);
    assert_int_equal(f->rig.status, ERR_TIMEOUT);
}

static bool
is_greeted(void *arg)
{
    const struct scripted_rig *f = arg;
    return fake_server_count(f->server, "PING") > 0;
}

/* All together take longer than one may. */
static void
test_silence_greeting_whose_answers_come_slowly_is_waited_for(void **state)
{
    static const char *const commands[] = {"AUTH", "SELECT", "CLIENT", "PING"};
    struct scripted_rig *f = *state;
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
    const struct scripted_rig *f = arg;
    return fake_server_count(f->server, "PING") >= f->rig.wanted;
}

static void
test_silence_idle_connection_is_pinged_and_stays(void **state)
{
    struct scripted_rig *f = *state;
    f->rig.broker.idle_timeout_ms = PATIENT_MS;
    client_rig_start(&f->rig);
    f->rig.wanted = 4; /* the greeting's, and three */
    wait_until(f->rig.loop, is_pinged, f);
    assert_int_equal(f->rig.ups, 1);
    assert_int_equal(f->rig.downs, 0);
}

static void
test_silence_idle_connection_that_is_dead_is_given_up(void **state)
{
    struct scripted_rig *f = *state;
    f->rig.broker.idle_timeout_ms = SHORT_MS;
    f->rig.settings.command_timeout_ms = SHORT_MS;
    client_rig_start(&f->rig);
    client_rig_wait_ups(&f->rig, 1);
    fake_server_answer(f->server, "PING", NULL);
    client_rig_wait_downs(&f->rig, 1);
    assert_int_equal(f->rig.status, ERR_TIMEOUT);
}

static bool
is_asked_for_patterns(void *arg)
{
    const struct scripted_rig *f = arg;
    return fake_server_count(f->server, "PSUBSCRIBE") > 0;
}

static void
test_silence_confirmations_that_come_slowly_are_waited_for(void **state)
{
    struct scripted_rig *f = *state;
    f->rig.broker.connect_timeout_ms = PATIENT_MS;
    scripted_rig_subscribe(f);
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
test_silence_messages_are_no_confirmation(void **state)
{
    struct scripted_rig *f = *state;
    f->rig.broker.connect_timeout_ms = PATIENT_MS;
    scripted_rig_subscribe(f);
    fake_server_answer(f->server, "PSUBSCRIBE", NULL);
    while (f->rig.downs == 0) {
        fake_server_send(f->server, "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$0\r\n\r\n");
        client_rig_let_pass(&f->rig, SHORT_MS);
    }
    assert_int_equal(f->rig.status, ERR_TIMEOUT);
    assert_int_equal(f->rig.ups, 0);
}

static void
test_silence_subscribed_and_idle_is_pinged_and_stays(void **state)
{
    struct scripted_rig *f = *state;
    f->rig.broker.idle_timeout_ms = PATIENT_MS;
    scripted_rig_subscribe(f);
    client_rig_wait_ups(&f->rig, 1);
    fake_server_answer(f->server, "PING", "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
    f->rig.wanted = 4;
    wait_until(f->rig.loop, is_pinged, f);
    assert_int_equal(f->rig.downs, 0);
}

/* As SIGSTOP does to the process. */
static void
stand_still_ms(uint64_t ms)
{
    uint64_t until_ns = clock_mono_ns() + ms * 1000000;
    while (clock_mono_ns() < until_ns) {
        /* the loop's thread is busy */
    }
}

static void
test_silence_subscribed_and_stopped_for_long_stays(void **state)
{
    struct scripted_rig *f = *state;
    f->rig.broker.idle_timeout_ms = PATIENT_MS;
    scripted_rig_subscribe(f);
    client_rig_wait_ups(&f->rig, 1);
    fake_server_answer(f->server, "PING", "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
    stand_still_ms(3 * PATIENT_MS);
    f->rig.wanted = 3; /* the greeting's, and two: the first of them was answered */
    wait_until(f->rig.loop, is_pinged, f);
    assert_int_equal(f->rig.downs, 0);
}

static void
test_silence_subscribed_to_a_dead_peer_gives_it_up(void **state)
{
    struct scripted_rig *f = *state;
    f->rig.broker.idle_timeout_ms = SHORT_MS;
    f->rig.broker.retry_min_ms = TEST_LONG_MS; /* no other connection's greeting is counted */
    f->rig.broker.retry_max_ms = TEST_LONG_MS;
    scripted_rig_subscribe(f);
    client_rig_wait_ups(&f->rig, 1);
    fake_server_answer(f->server, "PING", NULL);
    /* The greeting's; more on a slow machine. */
    size_t answered = fake_server_count(f->server, "PING");
    client_rig_wait_downs(&f->rig, 1);
    assert_int_equal(f->rig.status, ERR_TIMEOUT);
    assert_int_equal(fake_server_count(f->server, "PING"), answered + 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name)                                                                                 \
    cmocka_unit_test_setup_teardown(test_silence_##name, scripted_rig_setup, scripted_rig_teardown)
        CASE(command_without_an_answer_times_out),
        CASE(large_command_on_a_slow_line_is_sent_to_its_end),
        CASE(large_command_that_stands_times_out),
        CASE(greeting_without_an_answer_times_out),
        CASE(greeting_whose_answers_come_slowly_is_waited_for),
        CASE(idle_connection_is_pinged_and_stays),
        CASE(idle_connection_that_is_dead_is_given_up),
        CASE(confirmations_that_come_slowly_are_waited_for),
        CASE(messages_are_no_confirmation),
        CASE(subscribed_and_idle_is_pinged_and_stays),
        CASE(subscribed_and_stopped_for_long_stays),
        CASE(subscribed_to_a_dead_peer_gives_it_up),
#undef CASE
    };
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("redis.silence", tests, NULL, NULL);
}
