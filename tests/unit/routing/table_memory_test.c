#undef NDEBUG
/*
 * Each allocation of the table fails once, in turn (the linker's --wrap): nothing is leaked (asan sees to that),
 * ERR_MEMORY comes out, and the table goes on with the next message.
 */
#include "table_from_yaml.h"

static const char rich_routes[] =
    "  - { source: shop, topic: \"a.{x}.[ab]\", channel: \"c/{x}\", event: \"{json:/e/f}\",\n"
    "      data: \"{json:/d}{topic}{x}{source}{json:}\",\n"
    "      when: [ { json: /n, in: [1, 2] }, { capture: x, equals: 1 } ] }\n"
    "  - { source: shop, topic: \"a.*\", channel: d, not_utf8: base64 }\n"
    "  - { source: shop, topic: a.b, channel: d }\n"
    "  - { source: plant, topic: \"a/{x}/#\", channel: d }\n"
    "  - { source: plant, topic: \"a/+\", channel: d }\n";

static bool is_failing; /* from the allocation on that `spared` leaves */
static unsigned long spared;

static bool
allocation_fails(void)
{
    if (!is_failing) {
        return false;
    }
    if (spared == 0) {
        return true;
    }
    spared--;
    return false;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t length, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t length, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t length, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t length, size_t size);

void *
__wrap_malloc(size_t size)
{
    return allocation_fails() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t length, size_t size)
{
    return allocation_fails() ? NULL : __real_calloc(length, size);
}

void *
__wrap_realloc(void *old, size_t size)
{
    return allocation_fails() ? NULL : __real_realloc(old, size);
}

void *
__wrap_reallocarray(void *old, size_t length, size_t size)
{
    return allocation_fails() ? NULL : __real_reallocarray(old, length, size);
}

static void
fail_after(unsigned long count)
{
    spared = count;
    is_failing = true;
}

static void
test_new_without_memory_fails_and_leaves_nothing(void **state)
{
    (void)state;
    struct yaml_table y;
    struct problems *problems = problems_new("t.yaml");
    unsigned long count = 0;
    int err = ERR_MEMORY;
    assert_non_null(problems);
    yaml_table_init(&y, rich_routes);
    for (; err != 0; count++) {
        struct table *table = NULL;
        fail_after(count);
        err = table_new(y.config, problems, &table);
        is_failing = false;
        assert_true(err == 0 || (err == ERR_MEMORY && table == NULL));
        table_free(table);
    }
    assert_true(count > 50);
    assert_int_equal(problems_length(problems), 0);
    problems_free(problems);
    yaml_table_fini(&y);
}

/* A new table has no scratch memory yet, so each of its allocations is met. */
static unsigned long
route_until_it_works(struct str topic, struct str payload, const char *wanted)
{
    unsigned long count = 0;
    struct outcome outcome = {.matched = ERR_MEMORY};
    for (; outcome.matched < 0; count++) {
        struct yaml_table y;
        yaml_table_init(&y, rich_routes);
        fail_after(count);
        yaml_table_route(&y, SHOP, topic, payload, &outcome);
        is_failing = false;
        assert_true(outcome.matched > 0 || outcome.matched == ERR_MEMORY);
        struct outcome again;
        yaml_table_route(&y, SHOP, topic, payload, &again);
        assert_string_equal(again.text, wanted);
        yaml_table_fini(&y);
    }
    assert_string_equal(outcome.text, wanted);
    return count - 1;
}

static void
test_route_without_memory_fails_and_the_next_message_does_not(void **state)
{
    (void)state;
    assert_true(
        route_until_it_works(STR("a.1.b"), STR("{\"n\":2,\"e\":{\"f\":\"x\"},\"d\":[1]}"),
                             "0 c/1|x|[1]a.1.b1shop{\"n\":2,\"e\":{\"f\":\"x\"},\"d\":[1]}\n"
                             "1 d||{\"n\":2,\"e\":{\"f\":\"x\"},\"d\":[1]}\n") >= 4);
    assert_true(route_until_it_works(STR("a.z"), STR("\xff\xff"), "1 d||//8=\n") >= 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_without_memory_fails_and_leaves_nothing),
        cmocka_unit_test(test_route_without_memory_fails_and_the_next_message_does_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
