#undef NDEBUG
#include "http/page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static bool
holds(struct str text, struct str part)
{
    return memmem(text.data, text.size, part.data, part.size) != NULL;
}

static void
test_page_has_its_files_whole(void **state)
{
    (void)state;
    assert_true(str_starts_with(page_find(STR("/"))->body, STR("<!doctype html>")));
    assert_true(holds(page_find(STR("/"))->body, STR("</html>\n")));
    assert_true(str_starts_with(page_find(STR("/"))->content_type, STR("text/html")));
    assert_true(str_starts_with(page_find(STR("/runnel.css"))->content_type, STR("text/css")));
    assert_true(
        str_starts_with(page_find(STR("/runnel.js"))->content_type, STR("text/javascript")));
}

static void
test_page_has_no_other_files(void **state)
{
    static const char *const paths[] = {"", "//", "/x", "/index.html", "/runnel.jsx", "*"};
    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        assert_null(page_find(str_from(paths[i])));
    }
}

/* What an event says must never become markup. */
static void
test_page_script_writes_text_only(void **state)
{
    static const char *const unsafe[] = {"innerHTML",      "outerHTML", "insertAdjacentHTML",
                                         "document.write", "eval(",     "Function("};
    (void)state;
    for (size_t i = 0; i < sizeof(unsafe) / sizeof(unsafe[0]); i++) {
        assert_false(holds(page_find(STR("/runnel.js"))->body, str_from(unsafe[i])));
    }
}

static void
test_page_takes_nothing_from_elsewhere(void **state)
{
    static const char *const files[] = {"/", "/runnel.css", "/runnel.js"};
    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        assert_false(holds(page_find(str_from(files[i]))->body, STR("://")));
        assert_false(holds(page_find(str_from(files[i]))->body, STR("onclick=")));
    }
    assert_true(holds(page_fields(), STR("Content-Security-Policy: default-src 'none'; ")));
    assert_false(holds(page_fields(), STR("unsafe")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page_has_its_files_whole),
        cmocka_unit_test(test_page_has_no_other_files),
        cmocka_unit_test(test_page_script_writes_text_only),
        cmocka_unit_test(test_page_takes_nothing_from_elsewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
