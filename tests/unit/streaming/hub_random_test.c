#undef NDEBUG
/* The hub under random clients, losses and stalls: each client against the record of all. */

#include "base/backoff.h"
#include "event/mailbox.h"
#include "hub_rig.h"
#include "sse/parser.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* What a client of these channels should have after `cursor`, from the record of everything
 * published. */
struct record {
    event_id ids[RECORD_MAX];
    char channels[RECORD_MAX];
    size_t length;
};

static void
check_against_record(const struct client *c,
                     const char *channels,
                     event_id begin,
                     const struct record *all)
{
    size_t next = 0;
    for (size_t i = 0; i < all->length; i++) {
        if (all->ids[i] > begin && strchr(channels, all->channels[i]) != NULL) {
            assert_true(next < c->length);
            assert_int_equal(c->ids[next], all->ids[i]);
            next++;
        }
    }
    assert_int_equal(next, c->length);
    assert_int_equal(c->gaps, 0);
}

static size_t
count_record(const char *channels, event_id begin, const struct record *all)
{
    size_t length = 0;
    for (size_t i = 0; i < all->length; i++) {
        length += all->ids[i] > begin && strchr(channels, all->channels[i]) != NULL ? 1 : 0;
    }
    return length;
}

struct random_client {
    struct client *client;
    char names[4][2];
    char channels[5];
    size_t channels_length;
    event_id begin;
    bool is_reading;
};

static void
random_client_open(struct random_client *r, const struct record *all)
{
    const char *names[4];
    r->channels_length = 1 + backoff_random(4);
    for (size_t i = 0; i < r->channels_length; i++) {
        r->channels[i] = (char)('a' + i);
        r->names[i][0] = r->channels[i];
        r->names[i][1] = '\0';
        names[i] = r->names[i];
    }
    r->channels[r->channels_length] = '\0';
    r->begin = all->length > 0 ? all->ids[backoff_random((uint32_t)all->length)] : world.newest;
    r->is_reading = backoff_random(2) == 0;
    r->client = client_open_to(names, r->channels_length, after(r->begin), backoff_random(4) != 0);
}

static void
read_all(struct random_client *clients, size_t length)
{
    for (size_t k = 0; k < length; k++) {
        client_read(clients[k].client);
    }
}

static void
random_step(struct record *all)
{
    char channel[2] = {(char)('a' + backoff_random(5)), '\0'};
    all->channels[all->length] = channel[0];
    all->ids[all->length++] = publish(channel);
    if (backoff_random(50) == 0) {
        world.is_feed_lost = !world.is_feed_lost;
        if (!world.is_feed_lost && world.lost_until > 0) {
            post((struct mail){.type = HUB_MAIL_FEED_START, .number = world.lost_until});
        }
    }
}

/* Anything at any time: every client gets exactly its channels' events after its cursor, in order,
 * once. */
static void
test_hub_random_clients_losses_and_stalls_lose_nothing(void **state)
{
    (void)state;
    static struct record all;
    static struct random_client clients[40];
    struct config_stream config = stream_config();
    config.tail_bytes = 16 * 1024;
    world_begin_with(config, replay_config());
    world_start();
    memset(&all, 0, sizeof all);
    size_t opened = 0;
    for (int i = 0; i < 8000; i++) {
        random_step(&all);
        if (i % 200 == 100) {
            random_client_open(&clients[opened++], &all);
        }
        run_turns((int)backoff_random(3));
        for (size_t k = 0; k < opened; k++) {
            if (clients[k].is_reading && backoff_random(4) == 0) {
                client_read(clients[k].client);
            }
        }
    }
    world.is_feed_lost = false;
    post((struct mail){.type = HUB_MAIL_FEED_START, .number = world.newest});
    for (size_t k = 0; k < opened; k++) {
        size_t expected = count_record(clients[k].channels, clients[k].begin, &all);
        for (int i = 0; i < TURNS_MAX && clients[k].client->length < expected; i++) {
            run_turns(1);
            read_all(clients, opened);
        }
    }
    for (size_t k = 0; k < opened; k++) {
        check_against_record(clients[k].client, clients[k].channels, clients[k].begin, &all);
        client_free(clients[k].client);
    }
    world_end();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hub_random_clients_losses_and_stalls_lose_nothing),
    };
    return cmocka_run_group_tests_name("streaming.hub_random", tests, NULL, NULL);
}
