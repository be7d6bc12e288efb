#include "routing/condition.h"

#include "routing/capture.h"
#include "routing/decimal.h"
#include "routing/json_string.h"
#include "routing/report.h"

#include <stdlib.h>

struct operand {
    enum json_kind kind;
    struct str text; /* of the config */
    struct decimal number;
};

/* What is looked at; a capture is a string without escapes. */
struct subject {
    bool is_there;
    bool is_capture;
    struct json_value value;
};

static const char *
op_name(enum config_op op)
{
    static const char *const names[] = {
        [WHEN_EQUALS] = "equals", [WHEN_NOT_EQUALS] = "not_equals",
        [WHEN_IN] = "in",         [WHEN_NOT_IN] = "not_in",
        [WHEN_GT] = "gt",         [WHEN_GTE] = "gte",
        [WHEN_LT] = "lt",         [WHEN_LTE] = "lte",
        [WHEN_EXISTS] = "exists",
    };
    return names[op];
}

static bool
is_ordering(enum config_op op)
{
    return op == WHEN_GT || op == WHEN_GTE || op == WHEN_LT || op == WHEN_LTE;
}

static struct operand
operand_read(struct str text, bool is_plain)
{
    struct operand o = {.kind = JSON_STRING, .text = text};
    if (!is_plain) {
        return o;
    }
    if (decimal_read(text, &o.number)) {
        o.kind = JSON_NUMBER;
    } else if (str_equal(text, STR("true"))) {
        o.kind = JSON_TRUE;
    } else if (str_equal(text, STR("false"))) {
        o.kind = JSON_FALSE;
    } else if (str_equal(text, STR("null"))) {
        o.kind = JSON_NULL;
    }
    return o;
}

/* Reports an operand that its operator cannot have. */
static bool
operand_fits(const struct operand *o, bool is_plain, enum config_op op, const struct report *report)
{
    char shown[PROBLEMS_EXCERPT_SIZE];
    if (is_plain && o->text.size == 0) {
        report_add(report, "is empty: write null, or \"\" for the empty string");
        return false;
    }
    if (is_ordering(op) && o->kind != JSON_NUMBER) {
        report_add(report, "%s is no number%s", problems_excerpt(o->text, shown),
                   is_plain ? "" : ": leave the quotes out");
        return false;
    }
    if (op == WHEN_EXISTS && o->kind != JSON_TRUE && o->kind != JSON_FALSE) {
        report_add(report, "%s is neither true nor false", problems_excerpt(o->text, shown));
        return false;
    }
    return true;
}

static int
operands_init(struct condition *c, const struct config_when *when, const struct report *report)
{
    char key[16];
    snprintf(key, sizeof(key), ".%s", op_name(when->op));
    bool is_list = when->op == WHEN_IN || when->op == WHEN_NOT_IN;
    struct report here = report_below(report, report->mark, key);
    int ret = 0;
    if (when->values_length == 0) {
        report_add(&here, "needs a value");
        return ERR_CONFIG;
    }
    c->operands = calloc(when->values_length, sizeof(*c->operands));
    if (c->operands == NULL) {
        return ERR_MEMORY;
    }
    c->length = when->values_length;
    for (size_t i = 0; i < c->length; i++) {
        const struct config_text *value = &when->values[i];
        struct report item = is_list ? report_item(&here, "", i) : here;
        item.mark = value->mark.line != 0 ? value->mark : here.mark;
        c->operands[i] = operand_read(str_from(value->value), when->values_are_plain[i]);
        if (!operand_fits(&c->operands[i], when->values_are_plain[i], when->op, &item)) {
            ret = ERR_CONFIG;
        }
    }
    return ret;
}

static int
subject_init(struct condition *c,
             const struct config_when *when,
             const struct pattern *pattern,
             const struct report *report)
{
    if (when->is_json) {
        struct report here = report_below(report, when->json.mark, ".json");
        return json_pointer_init(&c->pointer, str_from(when->json.value), &here);
    }
    struct report here = report_below(report, when->capture.mark, ".capture");
    c->capture = capture_find(pattern, str_from(when->capture.value), false, &here);
    return c->capture < 0 ? ERR_CONFIG : 0;
}

int
condition_init(struct condition *c,
               const struct config_when *when,
               const struct pattern *pattern,
               const struct report *report)
{
    *c = (struct condition){.op = when->op, .is_json = when->is_json};
    int err = subject_init(c, when, pattern, report);
    if (err == 0 || err == ERR_CONFIG) {
        int other = operands_init(c, when, report);
        err = err != 0 && other != ERR_MEMORY ? err : other;
    }
    if (err != 0) {
        condition_fini(c);
    }
    return err;
}

void
condition_fini(struct condition *c)
{
    json_pointer_fini(&c->pointer);
    free(c->operands);
    c->operands = NULL;
}

static int
subject_find(const struct condition *c, const struct scope *scope, struct subject *ret_subject)
{
    struct subject s = {.is_there = true};
    if (!c->is_json) {
        s.is_capture = true;
        s.value = (struct json_value){JSON_STRING, scope->captures->value[c->capture]};
        *ret_subject = s;
        return 0;
    }
    int err = payload_find(scope->payload, &c->pointer, &s.value);
    s.is_there = err == 0;
    *ret_subject = s;
    return err == PAYLOAD_E_NONE ? 0 : err;
}

static bool
subject_number(const struct subject *s, struct decimal *ret_number)
{
    return s->is_there && (s->is_capture || s->value.kind == JSON_NUMBER) &&
           decimal_read(s->value.text, ret_number);
}

static bool
subject_equals(const struct subject *s, const struct operand *o)
{
    struct decimal number;
    if (!s->is_there) {
        return false;
    }
    if (o->kind == JSON_NUMBER && subject_number(s, &number)) {
        return decimal_compare(&number, &o->number) == 0;
    }
    if (s->is_capture) {
        return o->kind != JSON_NUMBER && str_equal(s->value.text, o->text);
    }
    if (s->value.kind != o->kind) {
        return false;
    }
    return o->kind != JSON_STRING || json_string_equals(s->value.text, o->text);
}

static bool
subject_equals_any(const struct subject *s, const struct condition *c)
{
    for (size_t i = 0; i < c->length; i++) {
        if (subject_equals(s, &c->operands[i])) {
            return true;
        }
    }
    return false;
}

static bool
subject_is_ordered(const struct subject *s, const struct condition *c)
{
    struct decimal number;
    if (!subject_number(s, &number)) {
        return false;
    }
    int order = decimal_compare(&number, &c->operands[0].number);
    bool is_equal_enough = order == 0 && (c->op == WHEN_GTE || c->op == WHEN_LTE);
    bool is_greater_wanted = c->op == WHEN_GT || c->op == WHEN_GTE;
    return is_equal_enough || (is_greater_wanted ? order > 0 : order < 0);
}

static bool
subject_satisfies(const struct subject *s, const struct condition *c)
{
    switch (c->op) {
    case WHEN_EQUALS:
    case WHEN_IN:
        return subject_equals_any(s, c);
    case WHEN_NOT_EQUALS:
    case WHEN_NOT_IN:
        return !subject_equals_any(s, c);
    case WHEN_GT:
    case WHEN_GTE:
    case WHEN_LT:
    case WHEN_LTE:
        return subject_is_ordered(s, c);
    case WHEN_EXISTS:
        return s->is_there == (c->operands[0].kind == JSON_TRUE);
    }
    return false;
}

int
condition_holds(const struct condition *c, const struct scope *scope, bool *ret_holds)
{
    struct subject subject;
    int err = subject_find(c, scope, &subject);
    if (err == 0) {
        *ret_holds = subject_satisfies(&subject, c);
    }
    return err;
}
