#include "main/source_set.h"

#include "base/list.h"
#include "base/log.h"
#include "config/difference.h"
#include "event/timer.h"
#include "http/admin.h"
#include "main/labels.h"
#include "main/pipeline.h"
#include "main/settings.h"
#include "observability/health.h"
#include "observability/metrics.h"
#include "routing/table.h"
#include "sources/http.h"
#include "sources/source.h"

#include <stdlib.h>
#include <string.h>

enum { REAP_EVERY_MS = 20 }; /* a broker's goodbye tells nobody */

/* By what messages are routed, or will be. */
struct routing {
    struct settings *settings; /* a reference; NULL: none */
    uint32_t index;
    struct source_subscription *subscriptions; /* owned; the texts are the table's */
    size_t length;
};

struct running {
    struct list node; /* in one of the set's lists */
    struct source_set *set;
    struct source *source;    /* owned */
    struct settings *made_of; /* a reference: the source's config */
    uint32_t index;           /* in those */
    struct intake intake;     /* as `routing` says */
    struct routing routing;
    struct routing planned;
};

struct source_set {
    struct source_set_parts parts;
    struct list planned; /* made, not to run before apply */
    struct list waiting; /* to be started, for those that end */
    struct list running;
    struct list ending;
    struct timer reap;         /* runs while there are some that end */
    struct settings *settings; /* of the plan; a reference, NULL: no plan */
    size_t changing;           /* sources, and one while apply is at work */
};

static const struct config_source *
running_config(const struct running *r)
{
    return &r->made_of->config->sources[r->index];
}

/* --- routing --- */

static void
routing_fini(struct routing *routing)
{
    settings_unref(routing->settings);
    free(routing->subscriptions);
    *routing = (struct routing){.settings = NULL};
}

/* The table's subscriptions in the words of the sources. */
static int
routing_init(struct routing *routing, struct settings *settings, uint32_t index)
{
    size_t length = 0;
    const struct table_subscription *from = table_subscriptions(settings->table, index, &length);
    struct source_subscription *to = calloc(length + 1, sizeof *to);
    if (to == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < length; i++) {
        to[i] = (struct source_subscription){from[i].filter, from[i].is_pattern};
    }
    *routing = (struct routing){settings_ref(settings), index, to, length};
    return 0;
}

static bool
running_is_first(void *arg, size_t subscription, struct str topic)
{
    const struct routing *routing = &((const struct running *)arg)->routing;
    return table_subscription_is_first(routing->settings->table, routing->index, subscription,
                                       topic);
}

static void
running_set_intake(struct running *r)
{
    r->intake = (struct intake){r->set->parts.pipeline, r->routing.settings, r->routing.index};
}

static void
set_note_changed(struct source_set *set)
{
    if (--set->changing == 0) {
        set->parts.on_applied(set->parts.arg);
    }
}

/* By topic: what the old and the new subscriptions both bring is routed right by the new table. */
static void
running_on_changing(void *arg)
{
    struct running *r = arg;
    routing_fini(&r->routing);
    r->routing = r->planned;
    r->planned = (struct routing){.settings = NULL};
    running_set_intake(r);
}

static void
running_on_resubscribed(void *arg)
{
    struct running *r = arg;
    if (r->planned.settings != NULL) {
        running_on_changing(r);
    }
    set_note_changed(r->set);
}

/* --- one source --- */

static void
running_free(struct running *r)
{
    list_remove(&r->node);
    source_free(r->source);
    routing_fini(&r->planned);
    routing_fini(&r->routing);
    settings_unref(r->made_of);
    free(r);
}

static int
running_make_source(struct running *r)
{
    const struct source_set_parts *parts = &r->set->parts;
    const struct source_settings settings = {
        .config = running_config(r),
        .subscriptions = r->routing.subscriptions,
        .subscriptions_length = r->routing.length,
        .loop = parts->loop,
        .sink = pipeline_sink(&r->intake),
        .dedup = {r, running_is_first},
        .owner = {r, running_on_resubscribed, running_on_changing},
        .series = labels_source(r->made_of->labels, r->index),
        .health = parts->health,
    };
    return source_new(&settings, &r->source);
}

static int
set_plan_new(struct source_set *set, uint32_t index)
{
    struct running *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return ERR_MEMORY;
    }
    r->set = set;
    r->made_of = settings_ref(set->settings);
    r->index = index;
    list_push_back(&set->planned, &r->node);
    int err = routing_init(&r->routing, set->settings, index);
    if (err == 0) {
        running_set_intake(r);
        err = running_make_source(r);
    }
    return err;
}

static void
running_leave_health(const struct running *r)
{
    char component[SOURCE_COMPONENT_SIZE_MAX];
    source_component(running_config(r), component);
    health_remove(r->set->parts.health, component);
}

static bool
running_has_port(const struct running *r)
{
    return running_config(r)->type == SOURCE_HTTP && r->set->parts.admin != NULL;
}

static void
running_start(struct running *r)
{
    source_on_stored(r->source, pipeline_stored(r->set->parts.pipeline));
    source_start(r->source);
    int err = running_has_port(r) ? admin_add_prefix(r->set->parts.admin, HTTP_SOURCE_PREFIX,
                                                     http_source_on_request, r->source)
                                  : 0;
    if (err != 0) {
        log_error("source.unusable", LOG_TEXT("source", running_config(r)->name),
                  LOG_TEXT("why", err_text(err)));
    }
}

/* Its name may be another's from here on. */
static void
running_end(struct running *r)
{
    if (running_has_port(r)) {
        admin_remove_prefix(r->set->parts.admin, HTTP_SOURCE_PREFIX);
    }
    source_stop(r->source);
    running_leave_health(r);
    metrics_series_set(labels_source(r->made_of->labels, r->index), METRIC_SOURCE_UP, 0, 0);
    log_info("source.ended", LOG_TEXT("source", running_config(r)->name));
    list_remove(&r->node);
    list_push_back(&r->set->ending, &r->node);
}

/* --- the plan --- */

static void
set_free_all(struct list *list)
{
    LIST_FOR_EACH_SAFE (node, following, list) {
        running_free(LIST_ITEM(node, struct running, node));
    }
}

static void
set_forget_plan(struct source_set *set)
{
    set_free_all(&set->planned);
    LIST_FOR_EACH_SAFE (node, following, &set->running) {
        routing_fini(&LIST_ITEM(node, struct running, node)->planned);
    }
    settings_unref(set->settings);
    set->settings = NULL;
}

/* The one that runs and may stay for a source of the plan; NULL where none may. */
static struct running *
set_find_same(const struct source_set *set, const struct config_source *config)
{
    LIST_FOR_EACH_SAFE (node, following, &set->running) {
        struct running *r = LIST_ITEM(node, struct running, node);
        if (difference_is_same_source(running_config(r), config)) {
            return r;
        }
    }
    return NULL;
}

static int
set_plan_source(struct source_set *set, uint32_t index)
{
    struct running *r = set_find_same(set, &set->settings->config->sources[index]);
    if (r == NULL) {
        return set_plan_new(set, index);
    }
    int err = routing_init(&r->planned, set->settings, index);
    return err != 0 ? err : source_plan(r->source, r->planned.subscriptions, r->planned.length);
}

int
source_set_plan(struct source_set *set, struct settings *settings)
{
    int err = 0;
    set_forget_plan(set);
    set->settings = settings_ref(settings);
    for (uint32_t i = 0; i < settings->config->sources_length && err == 0; i++) {
        err = set_plan_source(set, i);
    }
    if (err != 0) {
        set_forget_plan(set);
    }
    return err;
}

/* --- carrying it out --- */

/* Whatever its address: one broker may have several. */
static bool
config_is_same_session(const struct config_source *a, const struct config_source *b)
{
    return a->type == SOURCE_MQTT && b->type == SOURCE_MQTT && a->mqtt.client_id[0] != '\0' &&
           strcmp(a->mqtt.client_id, b->mqtt.client_id) == 0;
}

static bool
set_must_wait(const struct source_set *set, const struct running *r)
{
    LIST_FOR_EACH_SAFE (node, following, &set->ending) {
        const struct running *ending = LIST_ITEM(node, struct running, node);
        if (config_is_same_session(running_config(ending), running_config(r))) {
            return true;
        }
    }
    return false;
}

static bool
config_is_same_broker(const struct config_broker *a, const struct config_broker *b)
{
    return a->port == b->port && strcmp(a->host, b->host) == 0;
}

/* At another address may be another broker, where packet ids mean other messages. */
static void
set_bequeath(const struct source_set *set, const struct running *from)
{
    const struct config_source *config = running_config(from);
    LIST_FOR_EACH_SAFE (node, following, &set->waiting) {
        struct running *r = LIST_ITEM(node, struct running, node);
        if (config_is_same_session(config, running_config(r)) &&
            config_is_same_broker(&config->broker, &running_config(r)->broker)) {
            source_inherit(r->source, from->source);
        }
    }
}

static void
running_tell_waiting(const struct running *r)
{
    char component[SOURCE_COMPONENT_SIZE_MAX];
    source_component(running_config(r), component);
    health_set(r->set->parts.health, component, false, "waits for the end of the one before it");
}

static void
set_start_waiting(struct source_set *set)
{
    LIST_FOR_EACH_SAFE (node, following, &set->waiting) {
        struct running *r = LIST_ITEM(node, struct running, node);
        if (set_must_wait(set, r)) {
            running_tell_waiting(r);
        } else {
            list_remove(&r->node);
            list_push_back(&set->running, &r->node);
            running_start(r);
        }
    }
}

/* Never started. */
static void
set_forget_waiting(struct source_set *set)
{
    LIST_FOR_EACH_SAFE (node, following, &set->waiting) {
        struct running *r = LIST_ITEM(node, struct running, node);
        running_leave_health(r);
        running_free(r);
    }
}

static void
set_reap(void *arg)
{
    struct source_set *set = arg;
    LIST_FOR_EACH_SAFE (node, following, &set->ending) {
        struct running *r = LIST_ITEM(node, struct running, node);
        if (source_is_idle(r->source)) {
            set_bequeath(set, r);
            running_free(r);
        }
    }
    set_start_waiting(set);
    if (!list_is_empty(&set->ending)) {
        timer_start(&set->reap, REAP_EVERY_MS);
    }
}

static void
set_change_running(struct source_set *set)
{
    LIST_FOR_EACH_SAFE (node, following, &set->running) {
        struct running *r = LIST_ITEM(node, struct running, node);
        if (r->planned.settings == NULL) {
            running_end(r);
        } else {
            set->changing++;
        }
    }
    LIST_FOR_EACH_SAFE (node, following, &set->running) {
        source_resubscribe(LIST_ITEM(node, struct running, node)->source);
    }
}

void
source_set_apply(struct source_set *set)
{
    set->changing = 1;
    set_forget_waiting(set); /* of an earlier plan: this one has them anew */
    set_change_running(set);
    list_splice_back(&set->waiting, &set->planned);
    settings_unref(set->settings);
    set->settings = NULL;
    set_reap(set);
    set_note_changed(set);
}

void
source_set_stop(struct source_set *set)
{
    set_forget_waiting(set);
    LIST_FOR_EACH_SAFE (node, following, &set->running) {
        source_stop(LIST_ITEM(node, struct running, node)->source);
    }
}

static bool
list_is_idle(const struct list *list)
{
    LIST_FOR_EACH_SAFE (node, following, list) {
        if (!source_is_idle(LIST_ITEM(node, struct running, node)->source)) {
            return false;
        }
    }
    return true;
}

bool
source_set_is_idle(const struct source_set *set)
{
    return list_is_idle(&set->running) && list_is_idle(&set->ending);
}

/* --- from the log --- */

void
source_set_on_stored(struct source_set *set, uint64_t ticket)
{
    LIST_FOR_EACH_SAFE (node, following, &set->running) {
        source_on_stored(LIST_ITEM(node, struct running, node)->source, ticket);
    }
    LIST_FOR_EACH_SAFE (node, following, &set->ending) {
        source_on_stored(LIST_ITEM(node, struct running, node)->source, ticket);
    }
}

void
source_set_on_dropped(struct source_set *set, uint64_t ticket)
{
    LIST_FOR_EACH_SAFE (node, following, &set->running) {
        source_on_dropped(LIST_ITEM(node, struct running, node)->source, ticket);
    }
    LIST_FOR_EACH_SAFE (node, following, &set->ending) {
        source_on_dropped(LIST_ITEM(node, struct running, node)->source, ticket);
    }
}

void
source_set_on_mark(struct source_set *set, const struct mark *mark, bool is_refused)
{
    LIST_FOR_EACH_SAFE (node, following, &set->running) {
        source_on_mark(LIST_ITEM(node, struct running, node)->source, mark, is_refused);
    }
}

/* --- the set --- */

struct source_set *
source_set_new(const struct source_set_parts *parts)
{
    struct source_set *set = calloc(1, sizeof *set);
    if (set != NULL) {
        set->parts = *parts;
        list_init(&set->planned);
        list_init(&set->waiting);
        list_init(&set->running);
        list_init(&set->ending);
        timer_init(&set->reap, parts->loop, set_reap, set);
    }
    return set;
}

void
source_set_free(struct source_set *set)
{
    if (set == NULL) {
        return;
    }
    timer_stop(&set->reap);
    set_forget_plan(set);
    set_free_all(&set->waiting);
    set_free_all(&set->running);
    set_free_all(&set->ending);
    free(set);
}
