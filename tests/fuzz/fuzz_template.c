/*
 * Templates: the first line is the template, the rest the payload. What is rendered fits its
 * buffer, is UTF-8 where the template is, and a template that is lenient never fails to extract.
 */
#undef NDEBUG
#include "base/utf8.h"
#include "routing/report.h"
#include "routing/template.h"

#include <assert.h>

enum { OUT_BYTES_MAX = 512 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_render(const struct template *t, struct str text, struct scope *scope)
{
    struct buf out;
    struct str constant;
    buf_init(&out, OUT_BYTES_MAX);
    int err = template_render(t, scope, &out);
    assert(err == 0 || err == ERR_LIMIT || (err == TEMPLATE_E_EXTRACT && !scope->is_lenient));
    assert(out.size <= OUT_BYTES_MAX);
    if (err == 0) {
        assert(utf8_is_valid(buf_str(&out)) || !utf8_is_valid(text));
        assert(!template_is_constant(t, &constant) || str_equal(constant, buf_str(&out)));
    }
    buf_fini(&out);
}

static void
check_template(const struct template *t, struct str text, struct str bytes)
{
    struct payload payload;
    const struct pattern_captures captures = {{STR("one"), STR("two")}};
    struct scope scope = {&captures, STR("one.two"), STR("shop"), &payload, false};
    assert(payload_init(&payload) == 0);
    payload_set(&payload, bytes);
    check_render(t, text, &scope);
    scope.is_lenient = true;
    check_render(t, text, &scope);
    payload_fini(&payload);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    const char *line = size == 0 ? NULL : memchr(data, '\n', size);
    struct str payload = line == NULL ? STR_NULL : str_after(text, (size_t)(line - text.data) + 1);
    text.size -= line == NULL ? 0 : payload.size + 1;
    struct report report = {.problems = problems_new("fuzz"), .key_path = "data"};
    struct pattern *pattern;
    struct template t;
    assert(report.problems != NULL);
    assert(pattern_compile(STR("{a}.{b-2}"), PATTERN_REDIS, &report, &pattern) == 0);
    int err = template_init(&t, text, pattern, &report);
    assert(err == 0 || (err == ERR_CONFIG && problems_length(report.problems) > 0));
    if (err == 0) {
        check_template(&t, text, payload);
        template_fini(&t);
    }
    pattern_free(pattern);
    problems_free(report.problems);
    return 0;
}
