#include "config/config.h"

#include "config/broker.h"
#include "config/channels.h"
#include "config/document.h"
#include "config/file.h"
#include "config/problems.h"
#include "config/route.h"
#include "config/section.h"
#include "config/source.h"

#include <stdlib.h>

/* What a config is for its owner: with the memory of all it points to. */
struct config_owner {
    struct config config; /* first: config_free() */
    struct arena arena;
};

static struct config_owner *
config_new(void)
{
    struct config_owner *owner = calloc(1, sizeof(*owner));
    if (owner != NULL) {
        arena_init(&owner->arena, READER_MEMORY_MAX);
    }
    return owner;
}

void
config_free(struct config *c)
{
    struct config_owner *owner = (struct config_owner *)(void *)c;
    if (owner != NULL) {
        arena_fini(&owner->arena);
        free(owner);
    }
}

static bool
is_same_listen(const struct config_listen *a, const struct config_listen *b)
{
    bool is_any = a->host[0] == '\0' || b->host[0] == '\0';
    return a->port != 0 && a->port == b->port && (is_any || strcmp(a->host, b->host) == 0);
}

static void
root_check_listen(struct reader *r, const struct section *s)
{
    const struct config *c = r->config;
    if (c->http.listen.host == NULL || c->admin.listen.host == NULL || !c->admin.is_on ||
        !is_same_listen(&c->http.listen, &c->admin.listen)) {
        return;
    }
    struct config_mark admin = section_given(s, "admin.", "listen");
    bool is_admin = admin.line != 0;
    problems_add(r->problems, is_admin ? admin : section_given(s, "http.", "listen"),
                 is_admin ? "admin.listen" : "http.listen", "the same port as %s",
                 is_admin ? "http.listen" : "admin.listen");
}

static void
root_check_proxies(struct reader *r, const struct section *s)
{
    if (r->config->http.proxy_protocol && r->config->http.trusted_proxies.length == 0) {
        problems_add(r->problems, section_given(s, "http.", "proxy_protocol"),
                     "http.proxy_protocol",
                     "nobody is trusted to speak it (expected "
                     "http.trusted_proxies beside it)");
    }
}

/* WHATWG Fetch: a browser would drop the answer. To name every origin instead would let any page in. */
static void
root_check_cors(struct reader *r, const struct section *s)
{
    const struct config_http *http = &r->config->http;
    for (size_t i = 0; i < http->cors_origins_length && http->cors_credentials; i++) {
        if (http->cors_origins[i] != NULL && strcmp(http->cors_origins[i], "*") == 0) {
            problems_add(r->problems, section_given(s, "http.", "cors_credentials"),
                         "http.cors_credentials",
                         "not with the origin \"*\" (expected a list of the origins)");
        }
    }
}

/* All but the sources and the routes. */
static void
root_read_keys(struct reader *r, const yaml_node_t *root)
{
    struct section s;
    section_init(&s, r, TABLE_ROOT, r->config);
    size_t problems = problems_length(r->problems);
    if (root != NULL) {
        section_read_first(&s, r, root, "replay", "store");
    }
    if (problems_length(r->problems) == problems) {
        s.only = r->config->replay.store == REPLAY_REDIS ? KEY_STORE_REDIS : KEY_STORE_MEMORY;
    }
    if (root != NULL) {
        section_read(&s, r, root, "");
    }
    if (r->failure == 0) {
        section_require(&s, r, section_given(&s, "replay.", "store"));
        broker_finish(r, &s, "replay.", &r->config->replay.redis);
        root_check_listen(r, &s);
        root_check_proxies(r, &s);
        root_check_cors(r, &s);
    }
}

static void
root_settle_keep(struct config *c)
{
    c->replay.keep_longest_ms = c->replay.keep.for_ms;
    for (size_t i = 0; i < c->routes_length; i++) {
        if (c->routes[i].keep.for_ms > c->replay.keep_longest_ms) {
            c->replay.keep_longest_ms = c->routes[i].keep.for_ms;
        }
    }
}

static void
root_read(struct reader *r)
{
    yaml_node_t *root = yaml_document_get_root_node(r->document);
    root_read_keys(r, root);
    if (r->failure == 0) {
        source_read_all(r);
    }
    if (r->failure == 0) {
        route_read_all(r);
    }
    if (r->failure == 0) {
        channels_add_routes(r);
    }
    root_settle_keep(r->config);
}

static int
config_read(struct config_owner *owner, yaml_document_t *document, struct problems *problems)
{
    struct reader reader = {.document = document,
                            .arena = &owner->arena,
                            .problems = problems,
                            .config = &owner->config,
                            .steps_left = READER_STEPS_MAX};
    buf_init(&reader.expanded, READER_VALUE_MAX);
    root_read(&reader);
    buf_fini(&reader.expanded);
    if (reader.failure == ERR_LIMIT) {
        problems_add(
            problems, (struct config_mark){0}, "",
            "too large with its aliases and variables filled in (expected at most %d values "
            "and %d MiB)",
            READER_STEPS_MAX, READER_MEMORY_MAX >> 20);
        return ERR_CONFIG;
    }
    return reader.failure;
}

/* As config_inspect(). */
static int
inspect_text(struct str text,
             const char *name,
             struct problems *problems,
             struct config **ret_config)
{
    yaml_document_t document;
    size_t before = problems_length(problems);
    struct config_owner *owner = config_new();
    if (owner == NULL) {
        return ERR_MEMORY;
    }
    int err = document_load(text, problems, &document);
    if (err == 0) {
        owner->config.path = arena_text(&owner->arena, str_from(name));
        err = owner->config.path == NULL ? ERR_MEMORY : config_read(owner, &document, problems);
        yaml_document_delete(&document);
    }
    if (err != 0) {
        config_free(&owner->config);
        return err;
    }
    *ret_config = &owner->config;
    return problems_length(problems) > before ? ERR_CONFIG : 0;
}

int
config_inspect(const char *path, struct problems *problems, struct config **ret_config)
{
    const char *problem = NULL;
    struct buf text;
    *ret_config = NULL;
    /* One more than fits: so what is too large is said by who knows the limit. */
    buf_init(&text, DOCUMENT_SIZE_MAX + 1);
    int err = file_read(path, &text, &problem);
    if (err == 0) {
        err = inspect_text(buf_str(&text), path, problems, ret_config);
    } else if (err == ERR_LIMIT) {
        problems_add(problems, (struct config_mark){0}, "", "larger than %d MiB",
                     DOCUMENT_SIZE_MAX >> 20);
        err = ERR_CONFIG;
    } else if (err == ERR_FILE) {
        problems_add(problems, (struct config_mark){0}, "", "%s", problem);
    }
    buf_fini(&text);
    return err;
}

int
config_parse(struct str text,
             const char *name,
             struct problems *problems,
             struct config **ret_config)
{
    struct config *config = NULL;
    int err = inspect_text(text, name, problems, &config);
    if (err == 0) {
        *ret_config = config;
    } else {
        config_free(config);
    }
    return err;
}

int
config_default(struct config **ret_config)
{
    /* Only for this machine: nobody has said who else may read and post. */
    static const char text[] = "http: {listen: '127.0.0.1:8080'}\n"
                               "sources: {http: {type: http}}\n"
                               "routes: [{source: http, topic: '*', channel: '{topic}'}]\n";
    struct problems *problems = problems_new("");
    if (problems == NULL) {
        return ERR_MEMORY;
    }
    int err = config_parse(STR(text), "", problems, ret_config);
    problems_free(problems);
    return err;
}
