#undef NDEBUG
#include "pointer_from_text.h"
#include "routing/payload.h"

static void
test_find_parses_a_payload_once(void **state)
{
    (void)state;
    struct payload p;
    struct json_value value;
    struct json_pointer pointer = pointer_from_text("/a");
    char text[] = "{\"a\":1}";
    assert_int_equal(payload_init(&p), 0);
    payload_set(&p, str_from(text));
    assert_int_equal(p.json_state, PAYLOAD_UNKNOWN);
    assert_int_equal(payload_find(&p, &pointer, &value), 0);
    text[0] = '['; /* a second look would not take this for JSON */
    assert_int_equal(payload_find(&p, &pointer, &value), 0);
    payload_set(&p, str_from(text));
    assert_int_equal(payload_find(&p, &pointer, &value), PAYLOAD_E_NONE);
    text[0] = '{';
    assert_int_equal(payload_find(&p, &pointer, &value), PAYLOAD_E_NONE);
    payload_set(&p, str_from(text));
    assert_int_equal(payload_find(&p, &pointer, &value), 0);
    json_pointer_fini(&pointer);
    payload_fini(&p);
}

static void
test_is_utf8_looks_once(void **state)
{
    (void)state;
    struct payload p;
    char text[] = "a\xff";
    assert_int_equal(payload_init(&p), 0);
    payload_set(&p, str_from(text));
    assert_false(payload_is_utf8(&p));
    text[1] = 'b';
    assert_false(payload_is_utf8(&p));
    payload_set(&p, str_from(text));
    assert_true(payload_is_utf8(&p));
    assert_int_equal(p.json_state, PAYLOAD_UNKNOWN);
    payload_fini(&p);
}

static void
test_find_in_what_is_no_utf8_finds_nothing(void **state)
{
    (void)state;
    struct payload p;
    struct json_value value;
    struct json_pointer pointer = pointer_from_text("/a");
    assert_int_equal(payload_init(&p), 0);
    payload_set(&p, STR("{\"a\":1,\"b\":\"\xc3\"}"));
    assert_int_equal(payload_find(&p, &pointer, &value), PAYLOAD_E_NONE);
    json_pointer_fini(&pointer);
    payload_fini(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find_parses_a_payload_once),
        cmocka_unit_test(test_is_utf8_looks_once),
        cmocka_unit_test(test_find_in_what_is_no_utf8_finds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
