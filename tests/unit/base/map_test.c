#undef NDEBUG
#include "base/map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ITEMS = 1000 };

struct item {
    struct map_node node;
    char name[16];
    int visits;
};

static bool calloc_fails;

void *__real_calloc(size_t count, size_t size); /* the linker's names */
void *__wrap_calloc(size_t count, size_t size);

void *
__wrap_calloc(size_t count, size_t size)
{
    return calloc_fails ? NULL : __real_calloc(count, size);
}

static int
setup(void **state)
{
    struct item *items = calloc(ITEMS, sizeof *items);
    calloc_fails = false;
    for (int i = 0; i < ITEMS && items != NULL; i++) {
        (void)snprintf(items[i].name, sizeof items[i].name, "item %d", i);
        items[i].node.key = str_from(items[i].name);
    }
    *state = items;
    return items == NULL;
}

static int
teardown(void **state)
{
    free(*state);
    return 0;
}

static void
add_all(struct map *m, struct item *items, int length)
{
    map_init(m);
    for (int i = 0; i < length; i++) {
        assert_int_equal(map_add(m, &items[i].node), 0);
    }
}

static void
test_map_empty_finds_nothing(void **state)
{
    struct map m;
    (void)state;
    map_init(&m);
    assert_null(map_find(&m, STR("a")));
    assert_int_equal(m.length, 0);
    map_fini(&m);
}

static void
test_map_finds_what_was_added_and_only_that(void **state)
{
    struct item *items = *state;
    struct map m;
    add_all(&m, items, ITEMS);
    assert_int_equal(m.length, ITEMS);
    for (int i = 0; i < ITEMS; i++) {
        struct map_node *node = map_find(&m, str_from(items[i].name));
        assert_ptr_equal(MAP_ITEM(node, struct item, node), &items[i]);
    }
    assert_null(map_find(&m, STR("item")));
    assert_null(map_find(&m, STR("item 1000")));
    map_fini(&m);
}

static void
test_map_find_hashed_takes_the_hash_of_map_hash(void **state)
{
    struct item *items = *state;
    struct map m;
    add_all(&m, items, 10);
    struct str key = STR("item 7");
    assert_ptr_equal(map_find_hashed(&m, key, map_hash(key)), &items[7].node);
    assert_true(map_hash(key) == items[7].node.hash);
    map_fini(&m);
}

static void
test_map_holds_any_bytes_as_keys(void **state)
{
    struct item *items = *state;
    struct map m;
    static const struct str keys[] = {{NULL, 0}, {"\0", 1}, {"\0\0", 2}, {"\xFF\n", 2}};
    map_init(&m);
    for (size_t i = 0; i < 4; i++) {
        items[i].node.key = keys[i];
        assert_int_equal(map_add(&m, &items[i].node), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_ptr_equal(map_find(&m, keys[i]), &items[i].node);
    }
    map_fini(&m);
}

static void
test_map_remove_takes_one_and_leaves_the_others(void **state)
{
    struct item *items = *state;
    struct map m;
    add_all(&m, items, ITEMS);
    for (int i = 0; i < ITEMS; i += 2) {
        map_remove(&m, &items[i].node);
    }
    assert_int_equal(m.length, ITEMS / 2);
    for (int i = 0; i < ITEMS; i++) {
        struct map_node *expected = i % 2 == 0 ? NULL : &items[i].node;
        assert_ptr_equal(map_find(&m, str_from(items[i].name)), expected);
    }
    assert_int_equal(map_add(&m, &items[0].node), 0);
    assert_ptr_equal(map_find(&m, str_from(items[0].name)), &items[0].node);
    map_fini(&m);
}

static void
visit(void *arg, struct map_node *node)
{
    (void)arg;
    MAP_ITEM(node, struct item, node)->visits++;
}

static void
visit_and_remove(void *arg, struct map_node *node)
{
    visit(NULL, node);
    map_remove(arg, node);
}

static void
test_map_each_visits_every_node_once(void **state)
{
    struct item *items = *state;
    struct map m;
    add_all(&m, items, ITEMS);
    map_each(&m, visit, NULL);
    for (int i = 0; i < ITEMS; i++) {
        assert_int_equal(items[i].visits, 1);
    }
    map_fini(&m);
}

static void
test_map_each_may_remove_what_it_visits(void **state)
{
    struct item *items = *state;
    struct map m;
    add_all(&m, items, ITEMS);
    map_each(&m, visit_and_remove, &m);
    assert_int_equal(m.length, 0);
    for (int i = 0; i < ITEMS; i++) {
        assert_int_equal(items[i].visits, 1);
    }
    map_fini(&m);
}

static void
test_map_without_memory_refuses_the_first_and_takes_the_others(void **state)
{
    struct item *items = *state;
    struct map m;
    map_init(&m);
    calloc_fails = true;
    assert_int_equal(map_add(&m, &items[0].node), ERR_MEMORY);
    assert_int_equal(m.length, 0);
    calloc_fails = false;
    assert_int_equal(map_add(&m, &items[0].node), 0);
    calloc_fails = true;
    for (int i = 1; i < 100; i++) {
        assert_int_equal(map_add(&m, &items[i].node), 0);
    }
    for (int i = 0; i < 100; i++) {
        assert_ptr_equal(map_find(&m, str_from(items[i].name)), &items[i].node);
    }
    map_fini(&m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_map_empty_finds_nothing),
        cmocka_unit_test_setup_teardown(test_map_finds_what_was_added_and_only_that, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_map_find_hashed_takes_the_hash_of_map_hash, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_map_holds_any_bytes_as_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(test_map_remove_takes_one_and_leaves_the_others, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_map_each_visits_every_node_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_map_each_may_remove_what_it_visits, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_map_without_memory_refuses_the_first_and_takes_the_others, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
