#undef NDEBUG
#include "routing/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* RFC 4648, section 10. */
static const char *const vectors[][2] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
    {"\xff\xfe\xfd", "//79"},
};

static void
test_append_of_the_rfc_vectors_gives_their_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        struct buf out;
        buf_init(&out, 64);
        assert_int_equal(buf_append_char(&out, '>'), 0);
        assert_int_equal(base64_append(str_from(vectors[i][0]), &out), 0);
        assert_int_equal(out.size, strlen(vectors[i][1]) + 1);
        assert_memory_equal(out.data + 1, vectors[i][1], out.size - 1);
        buf_fini(&out);
    }
}

static void
test_append_of_more_than_a_chunk_is_seamless(void **state)
{
    (void)state;
    size_t size = (3 << 20) + 4;
    char *zeros = calloc(size, 1);
    struct buf out;
    assert_non_null(zeros);
    buf_init(&out, size * 2);
    assert_int_equal(base64_append((struct str){zeros, size}, &out), 0);
    assert_int_equal(out.size, (size + 2) / 3 * 4);
    for (size_t i = 0; i < out.size - 2; i++) {
        assert_int_equal(out.data[i], 'A');
    }
    assert_memory_equal(out.data + out.size - 2, "==", 2);
    buf_fini(&out);
    free(zeros);
}

static void
test_append_beyond_the_limit_appends_nothing(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 8);
    assert_int_equal(base64_append(STR("foob"), &out), ERR_LIMIT); /* 8 and a terminator */
    assert_int_equal(out.size, 0);
    buf_fini(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_append_of_the_rfc_vectors_gives_their_text),
        cmocka_unit_test(test_append_of_more_than_a_chunk_is_seamless),
        cmocka_unit_test(test_append_beyond_the_limit_appends_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
