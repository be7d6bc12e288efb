#include "http/subscription.h"

#include "base/channel_name.h"
#include "http/channel_pattern.h"
#include "http/start.h"
#include "http/target.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static int
subscription_refuse(struct subscription *s, const char *problem)
{
    (void)snprintf(s->problem, sizeof(s->problem), "%s", problem);
    return SUBSCRIPTION_E_REFUSED;
}

static int
subscription_add(struct subscription *s, struct str encoded, enum target_plus plus)
{
    size_t begin = s->names.size;
    int rc = target_decode(encoded, plus, &s->names);
    if (rc == ERR_SYNTAX) {
        return subscription_refuse(s, "a channel is not percent-encoded as it should be");
    }
    if (rc != 0) {
        return rc;
    }
    struct str name = str_after(buf_str(&s->names), begin);
    if (!channel_name_is_valid(name)) {
        _Static_assert(CHANNEL_NAME_SIZE_MAX == 255, "as the sentence says");
        return subscription_refuse(
            s, "a channel name has 1 to 255 bytes of UTF-8 and no control characters");
    }
    s->channels[s->channels_length++] = name;
    return 0;
}

static bool
subscription_next_channel(struct str *query, struct str *ret_value)
{
    struct str name;
    while (target_next_pair(query, &name, ret_value)) {
        if (str_equal(name, STR("channel"))) {
            return true;
        }
    }
    return false;
}

/* Room for every name at once, so that no slice moves. Bounded by the size of the head. */
static int
subscription_reserve(struct subscription *s, struct str query, struct str in_path)
{
    struct str value;
    size_t length = in_path.size > 0 ? 1 : 0;
    size_t size = in_path.size;
    while (subscription_next_channel(&query, &value)) {
        length++;
        size += value.size;
    }
    buf_init(&s->names, size);
    if (length == 0) {
        return subscription_refuse(s, "no channel: ask for /events/{channel} or /events?channel=");
    }
    /* A proxy that decides by the path would miss the others. */
    if (in_path.size > 0 && length > 1) {
        return subscription_refuse(
            s, "a channel in the path and one in the query: ask for all by ?channel=");
    }
    s->channels = calloc(length, sizeof(*s->channels));
    return s->channels == NULL ? ERR_MEMORY : buf_reserve(&s->names, size);
}

static int
subscription_compare(const void *a, const void *b)
{
    return str_compare(*(const struct str *)a, *(const struct str *)b);
}

/* Sorting costs less than n * n comparisons where somebody sends the same thousand names. */
static void
subscription_remove_doubles(struct subscription *s)
{
    size_t kept = 0;
    qsort(s->channels, s->channels_length, sizeof(*s->channels), subscription_compare);
    for (size_t i = 0; i < s->channels_length; i++) {
        if (kept == 0 || !str_equal(s->channels[i], s->channels[kept - 1])) {
            s->channels[kept++] = s->channels[i];
        }
    }
    s->channels_length = kept;
}

static int
subscription_read_channels(struct subscription *s, struct str query, struct str in_path)
{
    struct str value;
    int rc = subscription_reserve(s, query, in_path);
    if (rc == 0 && in_path.size > 0) {
        rc = subscription_add(s, in_path, TARGET_PLUS_IS_PLUS);
    }
    while (rc == 0 && subscription_next_channel(&query, &value)) {
        rc = subscription_add(s, value, TARGET_PLUS_IS_BLANK);
    }
    if (rc == 0) {
        subscription_remove_doubles(s);
    }
    return rc;
}

static bool
subscription_is_allowed(const struct config_http *config, struct str channel)
{
    for (size_t i = 0; i < config->allow_channels_length; i++) {
        if (channel_pattern_matches(str_from(config->allow_channels[i]), channel)) {
            return true;
        }
    }
    return config->allow_channels_length == 0;
}

static int
subscription_sift_channels(struct subscription *s, const struct config_http *config)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->channels_length; i++) {
        if (subscription_is_allowed(config, s->channels[i])) {
            s->channels[kept++] = s->channels[i];
        } else if (config->unknown_channels == UNKNOWN_REFUSE) {
            (void)snprintf(s->problem, sizeof(s->problem),
                           "there is no channel \"" STR_FMT "\" here", STR_ARG(s->channels[i]));
            return SUBSCRIPTION_E_FORBIDDEN;
        }
    }
    if (kept == 0) {
        s->channels[kept++] = STR("");
        s->start = (struct hub_start){.kind = HUB_START_NOW};
    }
    s->channels_length = kept;
    return 0;
}

int
subscription_parse(struct subscription *s,
                   const struct request *request,
                   struct str in_path,
                   const struct config_http *config,
                   uint64_t wall_ms)
{
    const char *problem;
    *s = (struct subscription){.channels = NULL};
    int rc = subscription_read_channels(s, request->query, in_path);
    if (rc != 0) {
        return rc;
    }
    if (s->channels_length > config->channels) {
        (void)snprintf(s->problem, sizeof(s->problem),
                       "%zu channels: a connection may have at most %" PRIu32, s->channels_length,
                       config->channels);
        return SUBSCRIPTION_E_REFUSED;
    }
    rc = start_parse(request, wall_ms, &s->start, &problem);
    if (rc != 0) {
        return rc == ERR_SYNTAX ? subscription_refuse(s, problem) : rc;
    }
    return subscription_sift_channels(s, config);
}

void
subscription_fini(struct subscription *s)
{
    free(s->channels);
    buf_fini(&s->names);
    *s = (struct subscription){.channels = NULL};
}
