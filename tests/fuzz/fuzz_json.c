/*
 * A pointer over a document: the first line is the pointer, the rest the document. What is found
 * lies in the document and is JSON by itself; a string is UTF-8 once it is unescaped, and equals
 * itself only.
 */
#undef NDEBUG
#include "base/utf8.h"
#include "routing/json.h"
#include "routing/json_check.h"
#include "routing/json_string.h"
#include "routing/report.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_string(struct str raw)
{
    struct buf out;
    buf_init(&out, raw.size);
    int err = json_string_append(raw, &out);
    assert(err == 0 || err == ERR_SYNTAX);
    if (err == 0) {
        assert(utf8_is_valid(buf_str(&out)));
        assert(json_string_equals(raw, buf_str(&out)));
        buf_fini(&out);
        return;
    }
    assert(!json_string_equals(raw, buf_str(&out)));
    buf_fini(&out);
}

static void
check_value(const struct json_value *value, struct str document)
{
    size_t tokens;
    assert(value->text.data >= document.data);
    assert(value->text.data + value->text.size <= document.data + document.size);
    if (value->kind == JSON_STRING) {
        assert(value->text.data[-1] == '"' && value->text.data[value->text.size] == '"');
        check_string(value->text);
    } else {
        assert(json_check(value->text, JSON_TOKENS_MAX, &tokens) == 0);
    }
}

static void
check_document(const struct json_pointer *pointer, struct str document)
{
    static const struct json_pointer whole = {.length = 0};
    struct json *j = json_new();
    struct json_value value;
    assert(j != NULL);
    int err = utf8_is_valid(document) ? json_parse(j, document) : ERR_SYNTAX;
    assert(err == 0 || err == ERR_SYNTAX || err == ERR_LIMIT);
    assert(json_find(j, &whole, &value) == (err == 0 ? 0 : JSON_E_NONE));
    if (err == 0) {
        check_value(&value, document);
    }
    if (json_find(j, pointer, &value) == 0) {
        assert(err == 0);
        check_value(&value, document);
    }
    json_free(j);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    const char *line = size == 0 ? NULL : memchr(data, '\n', size);
    struct str document = line == NULL ? STR_NULL : str_after(text, (size_t)(line - text.data) + 1);
    text.size -= line == NULL ? 0 : document.size + 1;
    struct report report = {.problems = problems_new("fuzz"), .key_path = "json"};
    struct json_pointer pointer;
    assert(report.problems != NULL);
    int err = json_pointer_init(&pointer, text, &report);
    assert(err == 0 || (err == ERR_CONFIG && problems_length(report.problems) == 1));
    if (err == 0) {
        check_document(&pointer, document);
        json_pointer_fini(&pointer);
    }
    problems_free(report.problems);
    return 0;
}
