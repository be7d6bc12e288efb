#undef NDEBUG
/* Chunks: what is put in comes out, and the sizes are told in advance. */

#include "streaming/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void
check_round_trip(size_t size)
{
    char *payload = malloc(size + 1);
    assert_non_null(payload);
    memset(payload, 'x', size);
    size_t chunk_size = wire_chunk_size(size);
    char *chunk = malloc(chunk_size);
    assert_non_null(chunk);
    assert_int_equal(wire_put_chunk(chunk, (struct str){payload, size}), chunk_size);
    assert_int_equal(strtoul(chunk, NULL, 16), size);
    struct str back = wire_chunk_payload((struct str){chunk, chunk_size});
    assert_true(str_equal(back, (struct str){payload, size}));
    assert_memory_equal(chunk + chunk_size - 2, "\r\n", 2);
    free(chunk);
    free(payload);
}

static void
test_wire_chunk_every_digit_count_round_trips(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 15, 16, 17, 255, 256, 4095, 4096, 65535, 65536, 1048576};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        check_round_trip(sizes[i]);
    }
}

static void
test_wire_chunk_known_bytes(void **state)
{
    (void)state;
    char chunk[32];
    size_t size = wire_put_chunk(chunk, STR("data: 0123456789\n\n"));
    assert_int_equal(size, 24);
    assert_memory_equal(chunk, "12\r\ndata: 0123456789\n\n\r\n", 24);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wire_chunk_every_digit_count_round_trips),
        cmocka_unit_test(test_wire_chunk_known_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
