#include "http/start.h"

#include "config/value.h"
#include "http/target.h"

/* The parameters as they were sent; data is NULL where absent. */
struct start_query {
    struct str cursor;
    struct str since;
    struct str last;
    bool is_repeated; /* since or last stand twice */
};

static bool
start_is_cursor_name(struct str name)
{
    return str_equal(name, STR("lastEventId")) || str_equal(name, STR("last_event_id")) ||
           str_equal(name, STR("lastEventID"));
}

static void
start_set_once(struct start_query *q, struct str *parameter, struct str value)
{
    q->is_repeated = q->is_repeated || parameter->data != NULL;
    *parameter = value;
}

/* Of several cursors the last one counts: clients append theirs to the URL again and again. */
static void
start_read_query(struct str query, struct start_query *ret_query)
{
    struct str name;
    struct str value;
    *ret_query = (struct start_query){.cursor = STR_NULL};
    while (target_next_pair(&query, &name, &value)) {
        if (start_is_cursor_name(name)) {
            ret_query->cursor = value;
        } else if (str_equal(name, STR("since"))) {
            start_set_once(ret_query, &ret_query->since, value);
        } else if (str_equal(name, STR("last"))) {
            start_set_once(ret_query, &ret_query->last, value);
        }
    }
}

static int
start_parse_since(struct str text, uint64_t wall_ms, struct hub_start *ret_start)
{
    uint64_t ago_ms;
    struct hub_start start = {.kind = HUB_START_SINCE, .after = 0};
    if (str_equal(text, STR("earliest")) || event_id_parse(text, &start.after) == 0) {
        *ret_start = start;
        return 0;
    }
    if (value_duration(text, &ago_ms) != 0) {
        return ERR_SYNTAX;
    }
    /* `after` is exclusive; the first id of that millisecond is wanted too. */
    start.after = ago_ms < wall_ms ? event_id_make(wall_ms - ago_ms, 0) - 1 : 0;
    *ret_start = start;
    return 0;
}

static int
start_parse_last(struct str text, struct hub_start *ret_start)
{
    uint64_t count;
    int rc = str_to_u64(text, HUB_NEWEST_MAX, &count);
    if (rc == 0) {
        ret_start->kind = count > 0 ? HUB_START_NEWEST : HUB_START_NOW;
        ret_start->newest = (uint32_t)count;
    }
    return rc;
}

static const char *
start_parse_wish(const struct start_query *q, uint64_t wall_ms, struct hub_start *ret_start)
{
    if (q->is_repeated || (q->since.data != NULL && q->last.data != NULL)) {
        return "give since or last, once";
    }
    if (q->since.data != NULL && start_parse_since(q->since, wall_ms, ret_start) != 0) {
        return "since is none of: earliest, an event id, a duration such as 10m";
    }
    if (q->last.data != NULL && start_parse_last(q->last, ret_start) != 0) {
        _Static_assert(HUB_NEWEST_MAX == 1000, "as the sentence says");
        return "last is not a count of events up to 1000";
    }
    return NULL;
}

int
start_parse(const struct request *request,
            uint64_t wall_ms,
            struct hub_start *ret_start,
            const char **ret_problem)
{
    struct start_query query;
    struct hub_start start = {.kind = HUB_START_NOW};
    start_read_query(request->query, &query);
    const char *problem = start_parse_wish(&query, wall_ms, &start);
    if (problem != NULL) {
        *ret_problem = problem;
        return ERR_SYNTAX;
    }
    struct str cursor = request->fields[REQUEST_LAST_EVENT_ID];
    cursor = cursor.size > 0 ? cursor : query.cursor;
    if (cursor.size > 0) { /* an empty one is none: WHATWG HTML 9.2.3 */
        start = (struct hub_start){.kind = HUB_START_AFTER};
        if (event_id_parse(cursor, &start.after) != 0) {
            start.after = 0;
        }
    }
    *ret_start = start;
    return 0;
}
