#undef NDEBUG
#include "http/admission.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ALICE = 1, BOB, CAROL };

static void
test_admission_refused_for_all_costs_nothing_of_ones_own(void **state)
{
    (void)state;
    const struct config_http config = {
        .connections = 100, .connect_rate = 2, .connect_rate_per_address = 1};
    struct admission *a = admission_new(&config);
    assert_non_null(a);
    assert_int_equal(admission_refusal(a, &config, ALICE, 0), METRIC_REFUSED_COUNT);
    assert_int_equal(admission_refusal(a, &config, BOB, 0), METRIC_REFUSED_COUNT);
    assert_int_equal(admission_refusal(a, &config, CAROL, 0), METRIC_REFUSED_RATE);
    assert_int_equal(admission_refusal(a, &config, ALICE, 500), METRIC_REFUSED_ADDRESS_RATE);
    assert_int_equal(admission_refusal(a, &config, CAROL, 500), METRIC_REFUSED_COUNT);
    admission_free(a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_admission_refused_for_all_costs_nothing_of_ones_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
