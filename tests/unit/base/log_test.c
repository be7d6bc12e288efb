#undef NDEBUG
#include "base/log.h"
#include "base/log_limit.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* stderr goes into a pipe in packet mode: one read gives what one write gave. */
struct capture {
    int stderr_fd;
    int read_fd;
    char line[8192];
};

static int
setup(void **state)
{
    static struct capture c;
    int ends[2];
    if (pipe2(ends, O_DIRECT | O_NONBLOCK | O_CLOEXEC) != 0) {
        return -1;
    }
    c.stderr_fd = dup(STDERR_FILENO);
    c.read_fd = ends[0];
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    log_configure(LOG_INFO, LOG_LOGFMT);
    *state = &c;
    return 0;
}

static int
teardown(void **state)
{
    struct capture *c = *state;
    dup2(c->stderr_fd, STDERR_FILENO);
    close(c->stderr_fd);
    close(c->read_fd);
    return 0;
}

/* What the oldest write wrote, "" where there was none. */
static const char *
take_line(struct capture *c)
{
    ssize_t size = read(c->read_fd, c->line, sizeof c->line - 1);
    c->line[size < 0 ? 0 : size] = '\0';
    return c->line;
}

static void
test_log_line_is_one_write(void **state)
{
    log_info("log.one", LOG_TEXT("source", "the shop"), LOG_U64("count", 3));
    log_warn("log.two");
    const char *one = take_line(*state);
    assert_non_null(strstr(one, " level=info event=log.one source=\"the shop\" count=3\n"));
    assert_ptr_equal(strchr(one, '\n'), one + strlen(one) - 1);
    assert_non_null(strstr(take_line(*state), " level=warn event=log.two\n"));
    assert_string_equal(take_line(*state), "");
}

static void
test_log_below_its_level_writes_nothing_and_evaluates_nothing(void **state)
{
    int evaluated = 0;
    log_debug("log.off", LOG_U64("n", (uint64_t)++evaluated));
    assert_string_equal(take_line(*state), "");
    assert_int_equal(evaluated, 0);
    assert_false(log_is_on(LOG_DEBUG));
    assert_true(log_is_on(LOG_INFO));
}

static void
test_log_level_can_be_set(void **state)
{
    log_configure(LOG_ERROR, LOG_LOGFMT);
    log_warn("log.level");
    assert_string_equal(take_line(*state), "");
    log_error("log.level");
    assert_non_null(strstr(take_line(*state), " level=error event=log.level\n"));
    log_configure(LOG_DEBUG, LOG_LOGFMT);
    log_debug("log.level");
    assert_non_null(strstr(take_line(*state), " level=debug event=log.level\n"));
}

static void
test_log_format_json_writes_one_object(void **state)
{
    log_configure(LOG_INFO, LOG_JSON);
    log_info("log.json", LOG_TEXT("k", "v"));
    const char *line = take_line(*state);
    assert_int_equal(line[0], '{');
    assert_non_null(strstr(line, "\"level\":\"info\",\"event\":\"log.json\",\"k\":\"v\"}\n"));
}

static void
test_log_flood_is_held_back_and_counted(void **state)
{
    /* Seconds may pass in here, but not as many as would let all lines through. */
    int written = 0;
    for (int i = 0; i < 10 * LOG_LIMIT_PER_SECOND; i++) {
        log_info("log.flood");
        written += take_line(*state)[0] != '\0';
    }
    assert_in_range(written, LOG_LIMIT_PER_SECOND, 10 * LOG_LIMIT_PER_SECOND - 1);
    const char *line = "";
    while (strstr(line, "event=log.flood suppressed=") == NULL) {
        log_info("log.flood");
        line = take_line(*state);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_log_line_is_one_write, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_log_below_its_level_writes_nothing_and_evaluates_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_log_level_can_be_set, setup, teardown),
        cmocka_unit_test_setup_teardown(test_log_format_json_writes_one_object, setup, teardown),
        cmocka_unit_test_setup_teardown(test_log_flood_is_held_back_and_counted, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
