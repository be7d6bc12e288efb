#undef NDEBUG
/* Whose page is read when, and what of it counts as in use. */
#include "hub_rig.h"
#include "streaming/hub_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

enum { MANY = 470, GO_EARLY = 60, HISTORY = 500, TURNS = 100, PATIENCE = 20 };

static size_t
list_length(const struct list *head)
{
    size_t length = 0;
    for (const struct list *node = head->next; node != head; node = node->next) {
        length++;
    }
    return length;
}

/* Some of those whom a page is for go before their visit: it is not kept for them. */
static void
test_catchup_page_is_not_kept_for_who_has_gone(void **state)
{
    (void)state;
    static struct client *clients[MANY];
    world_begin();
    event_id first = publish("a");
    publish("a");
    run_turns(2);
    for (size_t i = 0; i < MANY; i++) {
        clients[i] = client_open("a", after(first));
    }
    const struct channel *c = channel_find(world.hub, STR("a"), map_hash(STR("a")));
    for (int i = 0; i < TURNS_MAX && c->fresh_length == 0; i++) {
        run_turns(1);
    }
    for (size_t i = MANY - GO_EARLY; i < MANY; i++) {
        close(clients[i]->fd);
        clients[i]->fd = -1;
    }
    while (!list_is_empty(&c->dirty)) {
        run_turns(1);
        assert_true(c->fresh_length <= list_length(&c->dirty));
    }
    assert_int_equal(c->fresh_length, 0);
    assert_int_equal(world.hub->catchup.fresh, 0);
    for (size_t i = 0; i < MANY; i++) {
        client_free(clients[i]);
    }
    world_end();
}

/*
 * Who has a cursor waits, and in every turn another one comes who wants the newest events, and more of them than the
 * read brings that is under way.
 */
static void
test_catchup_reads_for_cursors_and_for_the_newest_in_turns(void **state)
{
    (void)state;
    static struct client *newcomers[TURNS];
    struct hub_start newest = {.kind = HUB_START_NEWEST};
    size_t length = 0;
    struct config_stream config = stream_config();
    config.page_bytes = 4096;
    world_begin_with(config, replay_config());
    world_start();
    event_id first = publish("a");
    for (size_t i = 0; i < HISTORY; i++) {
        publish("a");
    }
    run_turns(2); /* nobody is there: they are in the log alone */
    struct client *c = client_open("a", after(first));
    while (c->lives == 0) {
        assert_true(length < TURNS);
        newest.newest++;
        newcomers[length++] = client_open("a", newest);
        run_turns(1);
        client_read(c);
        if (length > PATIENCE) {
            client_read(newcomers[length - PATIENCE]);
            assert_int_equal(newcomers[length - PATIENCE]->lives, 1);
        }
    }
    assert_int_equal(c->length, HISTORY);
    check_rising(c);
    client_free(c);
    for (size_t i = 0; i < length; i++) {
        client_free(newcomers[i]);
    }
    world_end();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_catchup_page_is_not_kept_for_who_has_gone),
        cmocka_unit_test(test_catchup_reads_for_cursors_and_for_the_newest_in_turns),
    };
    return cmocka_run_group_tests_name("streaming.catchup", tests, NULL, NULL);
}
