#undef NDEBUG
#include "config/keys.h"
#include "config/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* What a bound or default of the key's type is as a number. */
static int
read_bound(const struct key *k, const char *text, uint64_t *ret_value)
{
    bool is_time = k->type == KEY_DURATION || k->type == KEY_SECONDS;
    int err = is_time               ? value_duration(str_from(text), ret_value)
              : k->type == KEY_SIZE ? value_size(str_from(text), ret_value)
                                    : value_number(str_from(text), ret_value);
    if (err == 0 && k->type == KEY_SECONDS) {
        assert_true(*ret_value % 1000 == 0);
        *ret_value /= 1000;
    }
    return err;
}

static bool
is_number(const struct key *k)
{
    return k->type == KEY_NUMBER || k->type == KEY_SIZE || k->type == KEY_DURATION ||
           k->type == KEY_SECONDS || k->type == KEY_WORKERS;
}

static void
test_keys_of_numbers_have_bounds_that_fit_their_fields(void **state)
{
    (void)state;
    for (size_t i = 0; i < KEYS_LENGTH; i++) {
        const struct key *k = &keys[i];
        uint64_t min;
        uint64_t max;
        uint64_t value;
        assert_int_equal(is_number(k), k->min != NULL && k->max != NULL);
        if (!is_number(k)) {
            continue;
        }
        assert_int_equal(read_bound(k, k->min, &min), 0);
        assert_int_equal(read_bound(k, k->max, &max), 0);
        assert_true(min < max);
        assert_true(k->size == 1 || k->size == 4 || k->size == 8);
        assert_true(k->size == 8 || max < UINT64_C(1) << 8 * k->size);
        if (k->default_text != NULL && k->type != KEY_WORKERS) {
            assert_int_equal(read_bound(k, k->default_text, &value), 0);
            assert_in_range(value, min, max);
        }
    }
}

static void
test_keys_of_words_fit_their_fields_and_know_their_default(void **state)
{
    (void)state;
    for (size_t i = 0; i < KEYS_LENGTH; i++) {
        const struct key *k = &keys[i];
        size_t length = 0;
        bool has_default = k->default_text == NULL;
        assert_int_equal(k->type == KEY_WORD, k->words != NULL);
        while (key_word(k->words, length).size > 0) {
            assert_true(key_word(k->words, length).size < 16);
            has_default =
                has_default || (k->default_text != NULL &&
                                str_equal(key_word(k->words, length), str_from(k->default_text)));
            length++;
        }
        if (k->type == KEY_WORD) {
            assert_true(has_default);
            assert_in_range(length, 2, 8);
            assert_true(k->size == sizeof(int) || (k->size == sizeof(bool) && length == 2));
        }
    }
}

static void
test_keys_are_each_there_once_and_below_a_group(void **state)
{
    (void)state;
    for (size_t i = 0; i < KEYS_LENGTH; i++) {
        const struct key *k = &keys[i];
        assert_ptr_equal(keys_find(k->table, str_from(k->path)), k);
        size_t group_size = (size_t)(key_name(k) - k->path);
        if (group_size > 0) {
            const struct key *group = keys_find(k->table, (struct str){k->path, group_size - 1});
            assert_non_null(group);
            assert_int_equal(group->type, KEY_GROUP);
        }
        size_t help_size = strlen(k->help);
        assert_in_range(help_size, 10, 200);
        assert_int_equal(k->help[help_size - 1], '.');
    }
    assert_null(keys_find(TABLE_ROOT, STR("http.")));
    assert_null(keys_find(TABLE_ROOT, STR("")));
    assert_null(keys_find(TABLE_ROUTE, STR("http.listen")));
}

static void
test_keys_list_group_gives_the_names_of_one_level(void **state)
{
    (void)state;
    const char *names[KEYS_LENGTH];
    char text[KEY_EXPECTED_SIZE];
    size_t length = keys_list_group(TABLE_ROOT, STR(""), 0, names);
    assert_string_equal(key_list(names, length, text),
                        "http, stream, admin, replay, log, sources or routes");
    length = keys_list_group(TABLE_ROOT, STR("replay.keep"), 0, names);
    assert_string_equal(key_list(names, length, text), "events or for");
    length = keys_list_group(TABLE_SOURCE, STR(""), KEY_HTTP, names);
    assert_string_equal(key_list(names, length, text), "type, token or token_file");
    length = keys_list_group(TABLE_ROOT, STR("replay"), KEY_STORE_MEMORY, names);
    assert_string_equal(key_list(names, length, text),
                        "store, keep, memory_bytes, channel_bytes or queue");
    assert_int_equal(keys_list_group(TABLE_ROOT, STR("repl"), 0, names), 0);
    assert_string_equal(key_list(names, 0, text), "");
}

static void
test_keys_expected_of_every_key_is_said(void **state)
{
    (void)state;
    for (size_t i = 0; i < KEYS_LENGTH; i++) {
        char text[KEY_EXPECTED_SIZE];
        assert_in_range(strlen(key_expected(&keys[i], 0, text)), 5, KEY_EXPECTED_SIZE - 2);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_of_numbers_have_bounds_that_fit_their_fields),
        cmocka_unit_test(test_keys_of_words_fit_their_fields_and_know_their_default),
        cmocka_unit_test(test_keys_are_each_there_once_and_below_a_group),
        cmocka_unit_test(test_keys_list_group_gives_the_names_of_one_level),
        cmocka_unit_test(test_keys_expected_of_every_key_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
