#undef NDEBUG
#include "config/document.h"
#include "parsing.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A temporary folder, and files in it that go with it. */
struct folder {
    char *path;
    char *names[4];
    size_t length;
};

static int
folder_make(void **state)
{
    struct folder *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    f->path = strdup("/tmp/runnel-config-XXXXXX");
    assert_non_null(f->path);
    assert_non_null(mkdtemp(f->path));
    *state = f;
    return 0;
}

static int
folder_remove(void **state)
{
    struct folder *f = *state;
    for (size_t i = 0; i < f->length; i++) {
        assert_int_equal(unlink(f->names[i]), 0);
        free(f->names[i]);
    }
    assert_int_equal(rmdir(f->path), 0);
    free(f->path);
    free(f);
    return 0;
}

/* The path of a file that will be there; the same for the same name. */
static const char *
folder_name(struct folder *f, const char *name)
{
    char *path = NULL;
    assert_true(asprintf(&path, "%s/%s", f->path, name) > 0);
    for (size_t i = 0; i < f->length; i++) {
        if (strcmp(f->names[i], path) == 0) {
            free(path);
            return f->names[i];
        }
    }
    assert_in_range(f->length, 0, sizeof(f->names) / sizeof(f->names[0]) - 1);
    f->names[f->length++] = path;
    return path;
}

static const char *
folder_write(struct folder *f, const char *name, struct str content)
{
    const char *path = folder_name(f, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(content.data, 1, content.size, file), content.size);
    assert_int_equal(fclose(file), 0);
    return path;
}

/* Loads as file `path`; `said` is without the path in front of it. */
static void
assert_loads(const char *path, int expected, const char *said)
{
    struct config *config = NULL;
    struct problems *problems = problems_new("f");
    assert_int_equal(config_inspect(path, problems, &config), expected);
    char *actual = said_of(problems);
    assert_string_equal(actual, said);
    assert_int_equal(config != NULL, expected == 0);
    free(actual);
    config_free(config);
    problems_free(problems);
}

static void
test_load_of_a_good_file_keeps_its_path(void **state)
{
    struct config *config = NULL;
    struct problems *problems = problems_new("f");
    const char *path = folder_write(*state, "a.yaml", STR("http: {workers: 3}\n"));
    assert_int_equal(config_inspect(path, problems, &config), 0);
    assert_int_equal(config->http.workers, 3);
    assert_string_equal(config->path, path);
    config_free(config);
    problems_free(problems);
}

static void
test_load_of_what_cannot_be_read_says_why(void **state)
{
    struct folder *f = *state;
    char path[512];
    assert_loads("/nowhere/a.yaml", ERR_FILE, "f: does not exist\n");
    assert_loads(f->path, ERR_FILE, "f: is a directory\n");
    const char *file = folder_write(f, "file", STR(""));
    snprintf(path, sizeof(path), "%s/a.yaml", file);
    assert_loads(path, ERR_FILE, "f: lies below something that is no directory\n");
    const char *loop = folder_name(f, "loop");
    assert_int_equal(symlink(loop, loop), 0);
    assert_loads(loop, ERR_FILE, "f: is a symbolic link that leads in a circle\n");
    memset(path, 'x', sizeof(path));
    path[300] = '\0';
    assert_loads(path, ERR_FILE, "f: has a name that is too long\n");
    assert_loads("/proc/self/mem", ERR_FILE, "f: cannot be read\n");
}

static void
test_load_of_what_may_not_be_read_says_so(void **state)
{
    const char *path = folder_write(*state, "a.yaml", STR("http: {}\n"));
    assert_int_equal(chmod(path, 0), 0);
    if (access(path, R_OK) == 0) {
        skip(); /* root reads everything */
    }
    assert_loads(path, ERR_FILE, "f: may not be read (permission denied)\n");
}

static void
test_load_around_the_size_limit(void **state)
{
    struct folder *f = *state;
    const char *path = folder_write(f, "a.yaml", STR(""));
    for (int extra = -1; extra <= 1; extra++) {
        struct buf text;
        buf_init(&text, SIZE_MAX);
        assert_int_equal(buf_reserve(&text, DOCUMENT_SIZE_MAX + 1), 0);
        memset(text.data, '\n', DOCUMENT_SIZE_MAX + 1);
        folder_write(f, "a.yaml", (struct str){text.data, (size_t)(DOCUMENT_SIZE_MAX + extra)});
        assert_loads(path, extra <= 0 ? 0 : ERR_CONFIG, extra <= 0 ? "" : "f: larger than 8 MiB\n");
        buf_fini(&text);
    }
    assert_loads("/dev/zero", ERR_CONFIG, "f: larger than 8 MiB\n"); /* without end */
}

/* Reads an http source whose token is in a file with this content. */
static struct parsing
parse_token(struct folder *f, struct str content)
{
    char text[256];
    const char *path = folder_write(f, "token", content);
    snprintf(text, sizeof(text), "sources: {a: {type: http, token_file: %s}}\n", path);
    return parse_bytes(str_from(text));
}

static void
test_load_of_a_secret_file_strips_the_newline(void **state)
{
    static const char *const contents[] = {"t0k3n", "t0k3n\n", "t0k3n\r\n", "t0k3n\n\n"};
    for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
        struct parsing p = parse_token(*state, str_from(contents[i]));
        assert_string_equal(p.said, "");
        assert_string_equal(p.config->sources[0].http.token, "t0k3n");
        parsing_free(&p);
    }
    struct parsing p = parse_token(*state, STR("${HOME}\n"));
    assert_string_equal(p.config->sources[0].http.token, "${HOME}"); /* not YAML: no variables */
    parsing_free(&p);
}

static void
test_load_of_a_secret_file_without_a_secret_says_so(void **state)
{
    static const struct {
        struct str content;
        const char *problem;
    } cases[] = {
        {{"", 0}, "is empty"},
        {{"\r\n\n", 3}, "is empty"},
        {{"a\0b", 3}, "holds a NUL character"},
    };
    struct folder *f = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char expected[256];
        struct parsing p = parse_token(f, cases[i].content);
        snprintf(expected, sizeof(expected), "f:1:39: sources.a.token_file: \"%s/token\" %s\n",
                 f->path, cases[i].problem);
        assert_string_equal(p.said, expected);
        parsing_free(&p);
    }
    struct parsing p = parse_token(f, STR("hunter2 \n"));
    assert_string_equal(p.said,
                        "f:1:27: sources.a.token_file: the token has characters that no HTTP "
                        "header can carry (expected ASCII, without blanks at its ends)\n");
    parsing_free(&p);
    assert_says("sources: {a: {type: http, token_file: /nowhere/token}}\n",
                "f:1:39: sources.a.token_file: \"/nowhere/token\" does not exist\n");
    assert_says("sources: {a: {type: http, token_file: /tmp}}\n",
                "f:1:39: sources.a.token_file: \"/tmp\" is a directory\n");
}

static void
test_load_of_a_secret_file_around_the_size_limit(void **state)
{
    struct folder *f = *state;
    static char secret[(64 << 10) + 1];
    memset(secret, 's', sizeof(secret));
    for (size_t size = sizeof(secret) - 1; size <= sizeof(secret); size++) {
        char text[256];
        char said[256] = "";
        const char *path = folder_write(f, "password", (struct str){secret, size});
        snprintf(text, sizeof(text),
                 "sources: {a: {type: redis, url: redis://h, password_file: %s}}\n", path);
        if (size == sizeof(secret)) {
            snprintf(said, sizeof(said),
                     "f:1:59: sources.a.password_file: \"%s\" is larger than 64 KiB\n", path);
        }
        struct parsing p = parse_bytes(str_from(text));
        assert_string_equal(p.said, said);
        assert_true(p.err != 0 || strlen(p.config->sources[0].broker.password) == size);
        parsing_free(&p);
    }
}

static void
test_load_for_inspection_hands_out_what_could_be_read(void **state)
{
    static const char text[] = "sources: {a: {type: redis, url: redis://h}, b: {type: kafka}}\n"
                               "routes:\n"
                               "  - {source: a, topic: \"{\", channel: c, max_bytes: 0}\n"
                               "  - {source: a, topic: t, when: [{json: a, gt: x}, {gt: 1}]}\n"
                               "  - {source: b, topic: t, channel: c}\n"
                               "  - {source: c, topic: t, channel: c}\n"
                               "  - {source: a, topic: \"\", channel: c}\n";
    struct config *config = NULL;
    struct problems *problems = problems_new("f");
    const char *path = folder_write(*state, "a.yaml", STR(text));
    assert_int_equal(config_inspect(path, problems, &config), ERR_CONFIG);
    assert_int_equal(problems_length(problems), 6);
    assert_non_null(config);
    assert_int_equal(config->routes_length, 5); /* so that indexes stay */
    const struct config_route *r = config->routes;
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(r[i].is_broken, i >= 2);
    }
    assert_string_equal(r[0].topic.value, "{");
    assert_string_equal(r[1].channel.value, "x"); /* the missing one is not said twice */
    assert_string_equal(r[1].when[0].json.value, "a");
    assert_true(r[1].when[1].is_json);
    assert_int_equal(r[1].when[1].op, WHEN_EXISTS);
    assert_string_equal(r[1].when[1].values[0].value, "true");
    config_free(config);
    problems_free(problems);
}

static void
test_load_for_inspection_of_nothing_hands_out_nothing(void **state)
{
    (void)state;
    struct config *config = NULL;
    struct problems *problems = problems_new("f");
    assert_int_equal(config_inspect("/nowhere", problems, &config), ERR_FILE);
    assert_null(config);
    problems_free(problems);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_make, folder_remove)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_load_of_a_good_file_keeps_its_path),
        IN_FOLDER(test_load_of_what_cannot_be_read_says_why),
        IN_FOLDER(test_load_of_what_may_not_be_read_says_so),
        IN_FOLDER(test_load_around_the_size_limit),
        IN_FOLDER(test_load_of_a_secret_file_strips_the_newline),
        IN_FOLDER(test_load_of_a_secret_file_without_a_secret_says_so),
        IN_FOLDER(test_load_of_a_secret_file_around_the_size_limit),
        IN_FOLDER(test_load_for_inspection_hands_out_what_could_be_read),
        cmocka_unit_test(test_load_for_inspection_of_nothing_hands_out_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
