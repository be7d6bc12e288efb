#undef NDEBUG
#include "problem_text.h"
#include "routing/pattern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { REDIS = PATTERN_REDIS, MQTT = PATTERN_MQTT, HTTP = PATTERN_HTTP };

static uint64_t rows[PATTERN_RUNS_MAX * PATTERN_SCRATCH_WORDS];

static struct pattern *
compile(int syntax, const char *text)
{
    struct problem_text problems;
    struct pattern *p = NULL;
    problem_text_init(&problems);
    int err = pattern_compile(str_from(text), (enum pattern_syntax)syntax, &problems.report, &p);
    if (err != 0) {
        fail_msg("%s: %s", text, problem_text_read(&problems));
    }
    problem_text_fini(&problems);
    return p;
}

/* "a=x b=y", the captures in order. */
static void
captures_text(const struct pattern *p, const struct pattern_captures *c, char *text, size_t size)
{
    size_t at = 0;
    text[0] = '\0';
    for (int i = 0; i < p->capture_count; i++) {
        at += (size_t)snprintf(text + at, size - at, "%s" STR_FMT "=" STR_FMT, i > 0 ? " " : "",
                               STR_ARG(p->names[i]), STR_ARG(c->value[i]));
    }
}

/* --- matching --------------------------------------------------------------------------------- */

struct match_case {
    int syntax;
    const char *pattern;
    const char *topic;
    const char *captures; /* NULL: no match */
};

static const struct match_case match_cases[] = {
    /* Redis: names */
    {REDIS, "orders", "orders", ""},
    {REDIS, "orders", "order", NULL},
    {REDIS, "orders", "orders1", NULL},
    {REDIS, "orders", "Orders", NULL},
    {REDIS, "ž€", "ž€", ""},
    {REDIS, "a{{b}}c", "a{b}c", ""},
    {REDIS, "a\\{b\\}", "a{b}", ""},
    {REDIS, "a\\*b", "a*b", ""},
    {REDIS, "a\\*b", "axb", NULL},
    {REDIS, "a\\\\b", "a\\b", ""},
    {REDIS, "a\\", "a\\", ""},
    {REDIS, "a\\xb", "axb", ""},
    /* Redis: `*` */
    {REDIS, "*", "", NULL}, /* so it is in Redis */
    {REDIS, "*", "a", ""},
    {REDIS, "*", "a.b:c/d", ""},
    {REDIS, "***", "a", ""},
    {REDIS, "a*", "a", ""},
    {REDIS, "a*", "ab", ""},
    {REDIS, "a*", "ba", NULL},
    {REDIS, "*a", "ba", ""},
    {REDIS, "*a", "ab", NULL},
    {REDIS, "*a*", "bab", ""},
    {REDIS, "*a*", "bbb", NULL},
    {REDIS, "a*b*c", "abc", ""},
    {REDIS, "a*b*c", "aXbXc", ""},
    {REDIS, "a*b*c", "abcb", NULL},
    {REDIS, "a*b*c", "abcbc", ""},
    {REDIS, "a**b", "ab", ""},
    {REDIS, "*ab", "aab", ""},
    {REDIS, "*aab*", "aaab", ""},
    /* Redis: `?` */
    {REDIS, "?", "a", ""},
    {REDIS, "?", "", NULL},
    {REDIS, "?", "ab", NULL},
    {REDIS, "a?c", "a.c", ""},
    {REDIS, "a?c", "ac", NULL},
    {REDIS, "?*", "", NULL},
    {REDIS, "?*", "abc", ""},
    {REDIS, "*?", "a", ""},
    {REDIS, "??", "ž", ""}, /* by bytes */
    /* Redis: classes */
    {REDIS, "h[ae]llo", "hello", ""},
    {REDIS, "h[ae]llo", "hallo", ""},
    {REDIS, "h[ae]llo", "hillo", NULL},
    {REDIS, "h[^e]llo", "hallo", ""},
    {REDIS, "h[^e]llo", "hello", NULL},
    {REDIS, "h[a-c]llo", "hbllo", ""},
    {REDIS, "h[a-c]llo", "hdllo", NULL},
    {REDIS, "h[c-a]llo", "hbllo", ""}, /* Redis turns a range round */
    {REDIS, "[a-]x]", "bx]", NULL},    /* the range a..] : its end may be the bracket */
    {REDIS, "[a-]x]", "^", ""},
    {REDIS, "[a-]x]", "x", ""},
    {REDIS, "[a-]x]", "b", NULL},
    {REDIS, "[\\]]", "]", ""},
    {REDIS, "[\\a]", "a", ""},
    {REDIS, "[a^]", "^", ""},
    {REDIS, "[^^]", "^", NULL},
    {REDIS, "[^a]", "^", ""},
    {REDIS, "[^]", "x", ""},
    {REDIS, "[-a]", "-", ""},
    {REDIS, "[*?]", "*", ""},
    {REDIS, "[*?]", "x", NULL},
    {REDIS, "[{]x[}]", "{x}", ""},
    {REDIS, "[^a]", "\xc3", ""},
    {REDIS, "[!a]", "b", NULL}, /* not the shell's */
    /* Redis: captures */
    {REDIS, "orders.{shop}.{what}", "orders.berlin.paid", "shop=berlin what=paid"},
    {REDIS, "orders.{shop}.{what}", "orders.berlin", NULL},
    {REDIS, "orders.{shop}.{what}", "orders..paid", NULL},
    {REDIS, "orders.{shop}.{what}", "orders.berlin.", NULL},
    {REDIS, "orders.{shop}", "orders.eu.berlin", NULL},
    {REDIS, "orders.{shop}", "orders.eu:berlin", NULL},
    {REDIS, "orders.{shop}", "orders.eu/berlin", NULL},
    {REDIS, "orders.{shop}", "orders.eu-berlin_1", "shop=eu-berlin_1"},
    {REDIS, "{a}", "x", "a=x"},
    {REDIS, "{a}", "", NULL},
    {REDIS, "{a}", "x.y", NULL},
    {REDIS, "{a}-{b}", "x-y-z", "a=x b=y-z"},
    {REDIS, "{a}-{b}", "--y", "a=- b=y"},
    {REDIS, "{a}-{b}", "-y", NULL},
    {REDIS, "{a}-end", "x-end-end", "a=x-end"},
    {REDIS, "{a}-{b}-end", "x-end-end", "a=x b=end"},
    {REDIS, "{a}x{b}y", "axbxcy", "a=a b=bxc"},
    {REDIS, "user:{id}:*", "user:7:", "id=7"},
    {REDIS, "user:{id}:*", "user:7:a:b", "id=7"},
    {REDIS, "*:{id}:end", "a:b:c:end", "id=c"}, /* the star has to give way */
    {REDIS, "*:{id}:*", "a:b:c:d", "id=b"},
    {REDIS, "{a}?{b}", "xyz", "a=x b=z"},
    {REDIS, "{a}?{b}", "xy:z", "a=xy b=z"}, /* only this division fits */
    {REDIS, "{a}?{b}-q", "ab:c-q", "a=ab b=c"},
    {REDIS, "{a}[0-9]", "ab1", "a=ab"},
    {REDIS, "{a}[0-9]", "a12", "a=a1"},
    {REDIS, "[a-z]{x}", "abc", "x=bc"},
    {REDIS, "{path...}", "a.b:c/d", "path=a.b:c/d"},
    {REDIS, "{path...}", "", NULL},
    {REDIS, "log.{path...}.done", "log.a.b.done", "path=a.b"},
    {REDIS, "log.{path...}.{last}", "log.a.b.c", "path=a.b last=c"},
    {REDIS, "{first}.{rest...}", "a.b.c", "first=a rest=b.c"},
    {REDIS, "x{{{a}}}", "x{1}", "a=1"},
    {REDIS, "__keyevent@{db}__:expired", "__keyevent@0__:expired", "db=0"},
    /* MQTT: names and levels */
    {MQTT, "a/b", "a/b", ""},
    {MQTT, "a/b", "a/b/", NULL},
    {MQTT, "a/b", "a", NULL},
    {MQTT, "/a", "/a", ""},
    {MQTT, "/a", "a", NULL},
    {MQTT, "a//b", "a//b", ""},
    {MQTT, "a*?[b]", "a*?[b]", ""},
    {MQTT, "a*", "ab", NULL},
    {MQTT, "a{{b}}", "a{b}", ""},
    /* MQTT: + */
    {MQTT, "+", "a", ""},
    {MQTT, "+", "a/b", NULL},
    {MQTT, "+", "/a", NULL},
    {MQTT, "+/+", "/a", ""},
    {MQTT, "/+", "/a", ""},
    {MQTT, "a/+", "a/", ""},
    {MQTT, "a/+", "a", NULL},
    {MQTT, "a/+/c", "a/b/c", ""},
    {MQTT, "a/+/c", "a//c", ""},
    {MQTT, "a/+/c", "a/b/d/c", NULL},
    {MQTT, "a/+/c", "a/b:x.y/c", ""},
    {MQTT, "+/+/+", "a/b/c", ""},
    /* MQTT: # */
    {MQTT, "#", "a", ""},
    {MQTT, "#", "a/b/c", ""},
    {MQTT, "#", "/", ""},
    {MQTT, "a/#", "a", ""},
    {MQTT, "a/#", "a/", ""},
    {MQTT, "a/#", "a/b/c", ""},
    {MQTT, "a/#", "ab", NULL},
    {MQTT, "+/#", "a", ""},
    {MQTT, "+/#", "a/b/c", ""},
    {MQTT, "a/+/#", "a", NULL},
    {MQTT, "a/+/#", "a/b", ""},
    {MQTT, "a/+/#", "a/b/c/d", ""},
    /* MQTT: $ */
    {MQTT, "#", "$SYS/a", NULL},
    {MQTT, "+/a", "$SYS/a", NULL},
    {MQTT, "+/#", "$SYS/a", NULL},
    {MQTT, "{x}/a", "$SYS/a", NULL},
    {MQTT, "{x...}", "$SYS/a", NULL},
    {MQTT, "$SYS/#", "$SYS/a", ""},
    {MQTT, "$SYS/{x}", "$SYS/a", "x=a"},
    {MQTT, "a/+", "a/$b", ""},
    {MQTT, "a/#", "a/$b", ""},
    /* MQTT: captures */
    {MQTT, "plant/{line}/+/temp", "plant/7/oven/temp", "line=7"},
    {MQTT, "plant/{line}/temp", "plant/a.b:c/temp", "line=a.b:c"},
    {MQTT, "plant/{line}/temp", "plant//temp", NULL},
    {MQTT, "plant/{line}/temp", "plant/a/b/temp", NULL},
    {MQTT, "plant/{line}/#", "plant/a", "line=a"},
    {MQTT, "plant/{line}/#", "plant/a/b/c", "line=a"},
    {MQTT, "plant/{line}/#", "plant/", NULL},
    {MQTT, "sensor-{id}", "sensor-12", "id=12"},
    {MQTT, "sensor-{id}", "sensor-", NULL},
    {MQTT, "sensor-{id}", "sensor", NULL},
    {MQTT, "a/s-{id}-{unit}/x", "a/s-1-2-C/x", "id=1 unit=2-C"},
    {MQTT, "a/s-{id}/{id2}", "a/s-1/2", "id=1 id2=2"},
    {MQTT, "a/{rest...}", "a/b/c", "rest=b/c"},
    {MQTT, "a/{rest...}", "a/b", "rest=b"},
    {MQTT, "a/{rest...}", "a", NULL},
    {MQTT, "a/{rest...}", "a/", NULL},
    {MQTT, "{rest...}", "a/b", "rest=a/b"},
    {MQTT, "{a}/{b}/{rest...}", "1/2/3/4", "a=1 b=2 rest=3/4"},
    /* MQTT: shared */
    {MQTT, "$share/g/a/{x}", "a/1", "x=1"},
    {MQTT, "$share/g/a/{x}", "$share/g/a/1", NULL},
    {MQTT, "$share/g/#", "a", ""},
    {MQTT, "$share/g/#", "$SYS", NULL},
    {MQTT, "$share/g//a", "/a", ""},
    {MQTT, "$shared/a", "$shared/a", ""},
    /* http */
    {HTTP, "orders/{shop}", "orders/berlin", "shop=berlin"},
    {HTTP, "orders/{shop}", "orders/a/b", NULL},
    {HTTP, "orders/*", "orders/a/b", ""},
    {HTTP, "a?[b]\\", "a?[b]\\", ""},
    {HTTP, "a?", "ab", NULL},
    {HTTP, "a/+/#", "a/+/#", ""},
    {HTTP, "{path...}", "a/b", "path=a/b"},
    {HTTP, "{{x}}", "{x}", ""},
};

static void
test_match_of_each_case_matches_and_captures(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(match_cases) / sizeof(match_cases[0]); i++) {
        const struct match_case *c = &match_cases[i];
        struct pattern *p = compile(c->syntax, c->pattern);
        struct pattern_captures captures;
        char text[256] = "";
        bool matches = pattern_match(p, str_from(c->topic), rows, &captures);
        if (matches != (c->captures != NULL)) {
            fail_msg("%s on %s: %d", c->pattern, c->topic, matches);
        }
        if (matches) {
            captures_text(p, &captures, text, sizeof(text));
            assert_string_equal(text, c->captures);
        }
        pattern_free(p);
    }
}

static void
test_match_of_each_case_is_found_by_its_filter(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(match_cases) / sizeof(match_cases[0]); i++) {
        const struct match_case *c = &match_cases[i];
        if (c->captures == NULL || c->syntax == HTTP) {
            continue;
        }
        struct pattern *p = compile(c->syntax, c->pattern);
        struct pattern *filter;
        assert_int_equal(pattern_compile_filter(p, &filter), 0);
        assert_string_equal(filter->filter, p->filter);
        assert_int_equal(filter->capture_count, 0);
        if (!pattern_match(filter, str_from(c->topic), rows, NULL)) {
            fail_msg("%s does not take %s", filter->filter, c->topic);
        }
        pattern_free(filter);
        pattern_free(p);
    }
}

static void
test_match_of_a_topic_at_the_limit_matches_and_beyond_does_not(void **state)
{
    (void)state;
    struct pattern *p = compile(REDIS, "{a}.*z");
    struct pattern_captures captures;
    static char topic[PATTERN_TOPIC_SIZE_MAX + 1];
    memset(topic, 'z', sizeof(topic));
    topic[1] = '.';
    assert_true(pattern_match(p, (struct str){topic, sizeof(topic) - 2}, rows, &captures));
    assert_true(pattern_match(p, (struct str){topic, sizeof(topic) - 1}, rows, &captures));
    assert_int_equal(captures.value[0].size, 1);
    assert_false(pattern_match(p, (struct str){topic, sizeof(topic)}, rows, &captures));
    pattern_free(p);
}

/* Each would take a backtracking matcher longer than the age of the universe. */
static void
test_match_of_a_hostile_topic_ends(void **state)
{
    (void)state;
    static const char *const patterns[] = {
        "{a}-{b}-{c}-{d}-{e}-{f}-{g}-{h}-{i}-{j}-{k}-{l}!",
        "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*!",
        "{a}?{b}?{c}?{d}?{e}?{f}?{g}?{h}?{i}?{j}?{k}!",
    };
    char topic[4096];
    for (size_t i = 0; i < sizeof(topic); i++) {
        topic[i] = i % 2 == 0 ? '-' : 'a';
    }
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        struct pattern *p = compile(REDIS, patterns[i]);
        assert_false(pattern_match(p, (struct str){topic, sizeof(topic)}, rows, NULL));
        topic[sizeof(topic) - 1] = '!';
        assert_true(pattern_match(p, (struct str){topic, sizeof(topic)}, rows, NULL));
        topic[sizeof(topic) - 1] = 'a';
        pattern_free(p);
    }
}

/* --- against a slow, plain matcher ------------------------------------------------------------ */

/*
 * Redis's glob with captures, straight from the header's words: tries every length, the shortest
 * first. For patterns of literals, `*`, `?`, {x}, {x...} only.
 */
static bool
naive_match(const char *pattern, struct str topic, struct str *captures)
{
    if (*pattern == '\0') {
        return topic.size == 0;
    }
    bool is_capture = *pattern == '{';
    if (*pattern != '*' && !is_capture) {
        return topic.size > 0 && (*pattern == '?' || *pattern == topic.data[0]) &&
               naive_match(pattern + 1, str_after(topic, 1), captures);
    }
    const char *behind = is_capture ? strchr(pattern, '}') + 1 : pattern + 1;
    bool is_crossing = !is_capture || behind[-2] == '.';
    for (size_t size = 0; size <= topic.size; size++) {
        if (size > 0 && !is_crossing && strchr(".:/", topic.data[size - 1]) != NULL) {
            return false;
        }
        if (size < (is_capture ? 1 : 0)) {
            continue;
        }
        if (naive_match(behind, str_after(topic, size), captures + is_capture)) {
            if (is_capture) {
                captures[0] = (struct str){topic.data, size};
            }
            return true;
        }
    }
    return false;
}

static uint32_t
next_random(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 16;
}

static void
random_pattern(uint32_t *seed, char *text)
{
    static const char *const pieces[] = {"a", "b", ".", ":", "?", "*", "{%c}", "{%c...}", "-"};
    unsigned pieces_count = 1 + next_random(seed) % 7;
    char name = 'k';
    bool is_behind_run = false;
    *text = '\0';
    for (unsigned i = 0; i < pieces_count; i++) {
        unsigned piece = next_random(seed) % 9;
        bool is_run = piece >= 5 && piece <= 7;
        if (is_run && is_behind_run) {
            piece = 8;
            is_run = false;
        }
        const char *format = pieces[piece];
        if (format[0] == '{') {
            text += snprintf(text, 16, piece == 6 ? "{%c}" : "{%c...}", name++);
        } else {
            text += snprintf(text, 16, "%s", format);
        }
        is_behind_run = is_run;
    }
}

static void
test_match_of_random_topics_is_that_of_the_naive_matcher(void **state)
{
    (void)state;
    uint32_t seed = 20260917;
    unsigned matched = 0;
    for (int round = 0; round < 60000; round++) {
        char text[128];
        char topic[16];
        random_pattern(&seed, text);
        size_t size = 1 + next_random(&seed) % 9;
        for (size_t i = 0; i < size; i++) {
            topic[i] = "aab-.:"[next_random(&seed) % 6];
        }
        struct pattern *p = compile(REDIS, text);
        struct pattern_captures got = {.value = {{NULL, 0}}};
        struct str wanted[PATTERN_RUNS_MAX] = {{NULL, 0}};
        struct str whole = {topic, size};
        bool is_wanted = naive_match(text, whole, wanted);
        if (pattern_match(p, whole, rows, &got) != is_wanted) {
            fail_msg("%s on " STR_FMT ": %d", text, STR_ARG(whole), !is_wanted);
        }
        for (int i = 0; is_wanted && i < p->capture_count; i++) {
            assert_true(str_equal(got.value[i], wanted[i]));
        }
        matched += is_wanted;
        pattern_free(p);
    }
    assert_in_range(matched, 3000, 60000);
}

/* --- filters ---------------------------------------------------------------------------------- */

struct filter_case {
    int syntax;
    const char *pattern;
    const char *filter;
    bool is_glob;
};

static const struct filter_case filter_cases[] = {
    {REDIS, "orders", "orders", false},
    {REDIS, "a\\*b", "a*b", false},
    {REDIS, "a\\\\", "a\\", false},
    {REDIS, "a{{b}}", "a{b}", false},
    {REDIS, "a\\*b*", "a\\*b*", true},
    {REDIS, "a?", "a?", true},
    {REDIS, "[ab]", "[ab]", true},
    {REDIS, "a{{b}}*", "a{b}*", true},
    {REDIS, "orders.{shop}.{what}", "orders.*.*", true},
    {REDIS, "a**b", "a*b", true},
    {REDIS, "{rest...}", "*", true},
    {REDIS, "{a}-\\?", "*-\\?", true},
    {MQTT, "a/b", "a/b", false},
    {MQTT, "plant/{line}/+/temp", "plant/+/+/temp", false},
    {MQTT, "a/sensor-{id}-x/b", "a/+/b", false},
    {MQTT, "a/{{b}}", "a/{b}", false},
    {MQTT, "a/{{b}}-{c}", "a/+", false},
    {MQTT, "a/{rest...}", "a/#", false},
    {MQTT, "{rest...}", "#", false},
    {MQTT, "a/#", "a/#", false},
    {MQTT, "#", "#", false},
    {MQTT, "/", "/", false},
    {MQTT, "$share/g/a/{x}/#", "$share/g/a/+/#", false},
    {HTTP, "orders/{shop}", "", false},
};

static void
test_compile_of_each_case_has_its_filter(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(filter_cases) / sizeof(filter_cases[0]); i++) {
        const struct filter_case *c = &filter_cases[i];
        struct pattern *p = compile(c->syntax, c->pattern);
        assert_string_equal(p->filter, c->filter);
        assert_int_equal(p->is_glob, c->is_glob);
        pattern_free(p);
    }
}

/* --- problems --------------------------------------------------------------------------------- */

struct problem_case {
    int syntax;
    const char *pattern;
    const char *lines[4];
};

static const struct problem_case problem_cases[] = {
    {REDIS, "", {"at: is empty: name a topic, or a pattern such as \"orders.{shop}.*\""}},
    {MQTT, "", {"at: is empty: name a topic, or a pattern such as \"plant/{line}/+\""}},
    {REDIS, "a{b", {"a { is never closed: write {{ for the brace itself"}},
    {REDIS, "a{b{c}", {"a { is never closed"}},
    {REDIS, "a}b", {"a } closes nothing: write }} for the brace itself"}},
    {REDIS, "{}", {"\"\" is no name for a capture"}},
    {REDIS, "{...}", {"\"...\" is no name for a capture"}},
    {REDIS, "{ a }", {"\" a \" is no name for a capture"}},
    {REDIS, "{1a}", {"\"1a\" is no name for a capture"}},
    {REDIS, "{a}.{a}", {"{a} is captured twice: give one of them another name"}},
    {REDIS, "{topic}", {"{topic} is no name for a capture"}},
    {REDIS, "{source}", {"{source} is no name for a capture"}},
    {REDIS, "{json:/a}", {"{json:…} looks into the payload, and a topic has none"}},
    {REDIS, "{a}{b}", {"directly beside another one"}},
    {REDIS, "{a}*", {"directly beside another one or a wildcard"}},
    {REDIS, "*{a}", {"directly beside another one or a wildcard"}},
    {REDIS, "a[bc", {"a [ is never closed: write \\[ for the bracket itself"}},
    {REDIS, "a[b\\]", {"a [ is never closed"}},
    {REDIS, "[a-]", {"a [ is never closed"}},
    {REDIS, "[]a", {"[] matches nothing"}},
    {REDIS, "[ä]", {"only ASCII characters can stand in it"}},
    {REDIS, "{a}.}.{a}.[", {"} closes nothing", "{a} is captured twice", "a [ is never closed"}},
    {MQTT, "a/#/b", {"# must be the last level"}},
    {MQTT, "#/b", {"# must be the last level"}},
    {MQTT, "a#", {"# must be a whole level"}},
    {MQTT, "a/b+", {"+ must be a whole level: use {name} for a part of one"}},
    {MQTT, "a/+b/c#", {"+ must be a whole level", "# must be a whole level"}},
    {MQTT, "{a}+", {"+ must be a whole level"}},
    {MQTT, "{a}{b}", {"directly beside another one"}},
    {MQTT, "a/{rest...}/b", {"{name...} must be the last level, alone"}},
    {MQTT, "a/x{rest...}", {"{name...} must be the last level, alone"}},
    {MQTT, "a/{rest...}x", {"{name...} must be the last level, alone"}},
    {MQTT, "a/{b}-{rest...}", {"{name...} must be the last level, alone"}},
    {MQTT, "$x-{id}/a", {"a first level that begins with $ must be written out"}},
    {MQTT, "$share/g/$x{id}/a", {"a first level that begins with $ must be written out"}},
    {MQTT, "a/{json:/b/c}/d", {"{json:…} looks into the payload"}},
    {MQTT, "a/{b/c", {"a { is never closed"}},
    {MQTT, "a/b}/c", {"a } closes nothing"}},
    {MQTT, "$share/g", {"a shared subscription is $share/<group>/<topic>"}},
    {MQTT, "$share/g/", {"a shared subscription is $share/<group>/<topic>"}},
    {MQTT, "$share//a", {"a shared subscription is $share/<group>/<topic>"}},
    {MQTT, "$share/+/a", {"the group of a shared subscription is a plain name"}},
    {MQTT, "a/\xff", {"an MQTT topic is UTF-8"}},
    {HTTP, "a/{b", {"a { is never closed"}},
};

static void
test_compile_of_each_bad_pattern_reports_all_its_problems(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(problem_cases) / sizeof(problem_cases[0]); i++) {
        const struct problem_case *c = &problem_cases[i];
        struct problem_text problems;
        struct pattern *p = NULL;
        problem_text_init(&problems);
        int err = pattern_compile(str_from(c->pattern), (enum pattern_syntax)c->syntax,
                                  &problems.report, &p);
        if (err != ERR_CONFIG) {
            fail_msg("%s: %d", c->pattern, err);
        }
        assert_null(p);
        problem_text_expect(&problems, c->lines);
        problem_text_fini(&problems);
    }
}

static void
expect_size(size_t size, int wanted)
{
    struct problem_text problems;
    struct pattern *p = NULL;
    char text[PATTERN_SIZE_MAX + 1];
    memset(text, 'a', sizeof(text));
    problem_text_init(&problems);
    assert_int_equal(pattern_compile((struct str){text, size}, PATTERN_REDIS, &problems.report, &p),
                     wanted);
    problem_text_expect(&problems, wanted == 0
                                       ? (const char *[]){NULL}
                                       : (const char *[]){"is longer than 1024 bytes", NULL});
    pattern_free(p);
    problem_text_fini(&problems);
}

static void
test_compile_of_a_text_at_the_limit_is_done_and_beyond_reported(void **state)
{
    (void)state;
    expect_size(PATTERN_SIZE_MAX - 1, 0);
    expect_size(PATTERN_SIZE_MAX, 0);
    expect_size(PATTERN_SIZE_MAX + 1, ERR_CONFIG);
}

static void
expect_runs(int runs, int wanted)
{
    struct problem_text problems;
    struct pattern *p = NULL;
    char text[3 * PATTERN_RUNS_MAX] = "";
    for (int i = 0; i < runs; i++) {
        memcpy(text + (size_t)2 * i, "*a", 3);
    }
    problem_text_init(&problems);
    assert_int_equal(pattern_compile(str_from(text), PATTERN_REDIS, &problems.report, &p), wanted);
    pattern_free(p);
    problem_text_fini(&problems);
}

static void
test_compile_with_as_many_runs_as_allowed_is_done_and_with_more_reported(void **state)
{
    (void)state;
    expect_runs(PATTERN_RUNS_MAX - 1, 0);
    expect_runs(PATTERN_RUNS_MAX, 0);
    expect_runs(PATTERN_RUNS_MAX + 1, ERR_CONFIG);
}

static void
test_compile_of_a_nul_byte_is_reported(void **state)
{
    (void)state;
    struct problem_text problems;
    struct pattern *p = NULL;
    problem_text_init(&problems);
    assert_int_equal(pattern_compile(STR("a\0b"), PATTERN_REDIS, &problems.report, &p), ERR_CONFIG);
    problem_text_expect(&problems, (const char *[]){"holds a NUL byte", NULL});
    problem_text_fini(&problems);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_match_of_each_case_matches_and_captures),
        cmocka_unit_test(test_match_of_each_case_is_found_by_its_filter),
        cmocka_unit_test(test_match_of_a_topic_at_the_limit_matches_and_beyond_does_not),
        cmocka_unit_test(test_match_of_a_hostile_topic_ends),
        cmocka_unit_test(test_match_of_random_topics_is_that_of_the_naive_matcher),
        cmocka_unit_test(test_compile_of_each_case_has_its_filter),
        cmocka_unit_test(test_compile_of_each_bad_pattern_reports_all_its_problems),
        cmocka_unit_test(test_compile_of_a_text_at_the_limit_is_done_and_beyond_reported),
        cmocka_unit_test(test_compile_with_as_many_runs_as_allowed_is_done_and_with_more_reported),
        cmocka_unit_test(test_compile_of_a_nul_byte_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
