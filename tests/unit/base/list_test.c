#undef NDEBUG
#include "base/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct item {
    int number;
    struct list node;
};

static void
items_init(struct list *head, struct item *items, int length)
{
    list_init(head);
    for (int i = 0; i < length; i++) {
        items[i].number = i;
        list_init(&items[i].node);
        list_push_back(head, &items[i].node);
    }
}

/* Takes all nodes out: their numbers must be `digits`, from front to back. */
static void
assert_holds(struct list *head, const char *digits)
{
    for (; *digits != '\0'; digits++) {
        struct list *node = list_pop_front(head);
        assert_non_null(node);
        assert_true(list_is_unlinked(node));
        assert_int_equal(LIST_ITEM(node, struct item, node)->number, *digits - '0');
    }
    assert_null(list_pop_front(head));
}

static void
test_list_pushes_keep_their_order(void **state)
{
    struct list head;
    struct item items[4];
    (void)state;
    items_init(&head, items, 4);
    list_remove(&items[3].node);
    list_push_front(&head, &items[3].node);
    assert_holds(&head, "3012");
}

static void
test_list_remove_of_any_place_leaves_the_others(void **state)
{
    static const char *const left[] = {"12", "02", "01"};
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct list head;
        struct item items[3];
        items_init(&head, items, 3);
        list_remove(&items[i].node);
        list_remove(&items[i].node); /* unlinked: harmless */
        assert_holds(&head, left[i]);
    }
}

static void
test_list_loop_survives_removal_of_the_current_node(void **state)
{
    struct list head;
    struct item items[5];
    (void)state;
    items_init(&head, items, 5);
    LIST_FOR_EACH_SAFE (node, next, &head) {
        if (LIST_ITEM(node, struct item, node)->number % 2 == 0) {
            list_remove(node);
        }
    }
    assert_holds(&head, "13");
}

static void
test_list_splice_moves_all_behind_the_last(void **state)
{
    struct list to;
    struct list from;
    struct item items[4];
    (void)state;
    items_init(&to, items, 4);
    list_init(&from);
    for (int i = 0; i < 2; i++) {
        list_push_back(&from, list_pop_front(&to));
    }
    list_splice_back(&to, &from);
    assert_true(list_is_empty(&from));
    assert_holds(&to, "2301");
}

static void
test_list_splice_until_leaves_the_rest(void **state)
{
    static const char *const moved[] = {"", "0", "01", "012"};
    static const char *const left[] = {"012", "12", "2", ""};
    (void)state;
    for (int i = 0; i <= 3; i++) {
        struct list to;
        struct list from;
        struct item items[3];
        list_init(&to);
        items_init(&from, items, 3);
        list_splice_back_until(&to, &from, i < 3 ? &items[i].node : &from);
        assert_holds(&to, moved[i]);
        assert_holds(&from, left[i]);
    }
}

static void
test_list_splice_with_an_empty_side(void **state)
{
    struct list to;
    struct list from;
    struct item items[2];
    (void)state;
    list_init(&to);
    items_init(&from, items, 2);
    list_splice_back(&to, &from);
    list_splice_back(&to, &from);
    assert_true(list_is_empty(&from));
    assert_holds(&to, "01");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list_pushes_keep_their_order),
        cmocka_unit_test(test_list_remove_of_any_place_leaves_the_others),
        cmocka_unit_test(test_list_loop_survives_removal_of_the_current_node),
        cmocka_unit_test(test_list_splice_moves_all_behind_the_last),
        cmocka_unit_test(test_list_splice_until_leaves_the_rest),
        cmocka_unit_test(test_list_splice_with_an_empty_side),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
