/*
 * Any text is a config or a list of problems; a config has no NULL text and no index out of bounds, and a
 * problem is a line that a terminal can be shown.
 */
#include "config/config.h"
#include "config/problems.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(int is_true)
{
    if (!is_true) {
        abort();
    }
}

static void
check_broker(const struct config_broker *b)
{
    const char *const texts[] = {b->host,           b->username,      b->password,
                                 b->tls.ca_file,    b->tls.cert_file, b->tls.key_file,
                                 b->tls.server_name};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        check(texts[i] != NULL);
    }
    check(b->retry_min_ms <= b->retry_max_ms && b->connect_timeout_ms > 0);
}

static void
check_source(const struct config *c, const struct config_source *s)
{
    check(s->name != NULL && s->name[0] != '\0' && s->mark.line > 0);
    check_broker(&s->broker);
    check(s->type == SOURCE_HTTP || (s->broker.host[0] != '\0' && s->broker.port > 0));
    check(s->type != SOURCE_HTTP || c->admin.is_on);
    check(s->mqtt.client_id != NULL && s->mqtt.qos <= 1 && s->http.token != NULL);
}

static void
check_route(const struct config *c, const struct config_route *r)
{
    check(!r->is_broken && r->source < c->sources_length && r->max_bytes > 0);
    check(r->topic.value[0] != '\0' && r->channel.value[0] != '\0' && r->topic.mark.line > 0);
    check(r->event.value != NULL && r->data.value != NULL);
    for (size_t i = 0; i < r->when_length; i++) {
        const struct config_when *w = &r->when[i];
        check(w->is_json != (w->capture.value[0] != '\0') && w->json.value != NULL);
        check(w->values_length > 0);
        for (size_t v = 0; v < w->values_length; v++) {
            check(w->values[v].value != NULL && w->values[v].mark.line > 0);
        }
    }
}

static void
check_config(const struct config *c)
{
    check(c->http.workers > 0 && c->http.listen.host != NULL && c->replay.prefix[0] != '\0');
    check_broker(&c->replay.redis);
    check(c->replay.store == REPLAY_MEMORY || c->replay.redis.host[0] != '\0');
    for (size_t i = 0; i < c->http.cors_origins_length; i++) {
        check(c->http.cors_origins[i] != NULL);
    }
    for (size_t i = 0; i < c->http.allow_channels_length; i++) {
        check(c->http.allow_channels[i] != NULL);
    }
    for (size_t i = 0; i < c->sources_length; i++) {
        check_source(c, &c->sources[i]);
    }
    for (size_t i = 0; i < c->routes_length; i++) {
        check_route(c, &c->routes[i]);
    }
}

static void
check_problems(struct problems *problems)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    check(stream != NULL);
    problems_print(problems, stream);
    check(fclose(stream) == 0);
    for (size_t i = 0; i < size; i++) {
        check(text[i] == '\n' || ((unsigned char)text[i] >= ' ' && text[i] != 0x7f));
    }
    check(size > 0 && text[size - 1] == '\n');
    free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config *config = NULL;
    struct problems *problems = problems_new("fuzz");
    check(problems != NULL);
    int err = config_parse((struct str){(const char *)data, size}, "fuzz", problems, &config);
    check((err == 0) == (problems_length(problems) == 0) && (err == 0) == (config != NULL));
    if (err == 0) {
        check_config(config);
    } else {
        check_problems(problems);
    }
    config_free(config);
    problems_free(problems);
    return 0;
}
