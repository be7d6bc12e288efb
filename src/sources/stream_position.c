#include "sources/stream_position.h"

#include "base/map.h"
#include "redis/reply.h"

#include <inttypes.h>
#include <stdio.h>

/* --- texts --- */

/* Up to the sign, or all of it. */
static struct str
str_until(struct str text, char sign)
{
    const char *at = text.size > 0 ? memchr(text.data, sign, text.size) : NULL;
    return (struct str){text.data, at != NULL ? (size_t)(at - text.data) : text.size};
}

int
stream_id_parse(struct str text, struct stream_id *ret_id)
{
    struct stream_id id = {.seq = 0};
    struct str ms = str_until(text, '-');
    int err = str_to_u64(ms, UINT64_MAX, &id.ms);
    if (err == 0 && ms.size < text.size) {
        err = str_to_u64(str_after(text, ms.size + 1), UINT64_MAX, &id.seq);
    }
    if (err == 0) {
        *ret_id = id;
    }
    return err;
}

struct str
stream_id_format(struct stream_id id, char ret_text[static STREAM_ID_SIZE_MAX])
{
    int size = snprintf(ret_text, STREAM_ID_SIZE_MAX, "%" PRIu64 "-%" PRIu64, id.ms, id.seq);
    return (struct str){ret_text, (size_t)size};
}

bool
stream_id_is_later(struct stream_id a, struct stream_id b)
{
    return a.ms > b.ms || (a.ms == b.ms && a.seq > b.seq);
}

int
stream_position_parse(struct str text, struct stream_position *ret_position)
{
    struct stream_position p = {.is_counted = false};
    struct str id = str_until(text, '/');
    int err = stream_id_parse(id, &p.id);
    if (err == 0 && id.size < text.size) {
        err = str_to_u64(str_after(text, id.size + 1), UINT64_MAX, &p.count);
        p.is_counted = true;
    }
    if (err == 0) {
        *ret_position = p;
    }
    return err;
}

void
stream_position_format(const struct stream_position *p,
                       char ret_text[static STREAM_POSITION_SIZE_MAX])
{
    struct str id = stream_id_format(p->id, ret_text);
    if (p->is_counted) {
        (void)snprintf(ret_text + id.size, STREAM_POSITION_SIZE_MAX - id.size, "/%" PRIu64,
                       p->count);
    }
}

/* --- XINFO STREAM --- */

static int
info_read_number(const struct redis_reply *value, uint64_t *ret_number)
{
    if (value->type != REDIS_TYPE_INTEGER || value->integer < 0) {
        return ERR_PROTOCOL;
    }
    *ret_number = (uint64_t)value->integer;
    return 0;
}

static int
info_read_id(const struct redis_reply *value, struct stream_id *ret_id)
{
    return stream_id_parse(redis_reply_text(value), ret_id) == 0 ? 0 : ERR_PROTOCOL;
}

/* The same for equal texts in equal order; good for this process only. */
static uint64_t
reply_print(const struct redis_reply *reply)
{
    enum { SPREAD = 31 };
    uint64_t print = map_hash(redis_reply_text(reply));
    for (size_t i = 0; i < reply->length; i++) {
        print = print * SPREAD + reply_print(&reply->items[i]);
    }
    return print;
}

static int
info_read_field(struct stream_info *info, struct str name, const struct redis_reply *value)
{
    if (str_equal(name, STR("length"))) {
        return info_read_number(value, &info->length);
    }
    if (str_equal(name, STR("entries-added"))) {
        info->is_counted = true;
        return info_read_number(value, &info->added);
    }
    if (str_equal(name, STR("last-generated-id"))) {
        return info_read_id(value, &info->last);
    }
    if (str_equal(name, STR("first-entry")) && value->type == REDIS_TYPE_ARRAY &&
        value->length > 0) {
        info->first_print = reply_print(value);
        return info_read_id(&value->items[0], &info->first);
    }
    return 0;
}

int
stream_info_read(const struct redis_reply *reply, struct stream_info *ret_info)
{
    struct stream_info info = {.is_known = true};
    if (reply->type != REDIS_TYPE_ARRAY) {
        return ERR_PROTOCOL;
    }
    for (size_t i = 0; i + 1 < reply->length; i += 2) {
        struct str name = redis_reply_text(&reply->items[i]);
        int err = info_read_field(&info, name, &reply->items[i + 1]);
        if (err != 0) {
            return err;
        }
    }
    *ret_info = info;
    return 0;
}

/* How many entries the stream has had and has no more; of those that are there none is counted. */
static uint64_t
info_gone(const struct stream_info *info)
{
    return info->added > info->length ? info->added - info->length : 0;
}

struct stream_position
stream_info_end(const struct stream_info *info)
{
    return (struct stream_position){
        .id = info->last, .count = info->added, .is_counted = info->is_counted};
}

struct stream_position
stream_info_begin(const struct stream_info *info)
{
    return (struct stream_position){.count = info_gone(info), .is_counted = info->is_counted};
}

/* --- the comparison --- */

/*
 * How many entries the stream had had up to the one of this id: known where everything, or nothing,
 * that it has is behind that.
 */
static bool
info_count_at(const struct stream_info *info, struct stream_id id, uint64_t *ret_count)
{
    if (!stream_id_is_later(info->last, id)) {
        *ret_count = info->added;
        return true;
    }
    *ret_count = info_gone(info);
    return info->length == 0 || stream_id_is_later(info->first, id);
}

/* They begin with one and the same entry. */
static bool
info_begins_as(const struct stream_info *info, const struct stream_info *seen)
{
    return seen->is_known && seen->length > 0 && info->length > 0 &&
           !stream_id_is_later(info->first, seen->first) &&
           !stream_id_is_later(seen->first, info->first) && info->first_print == seen->first_print;
}

/* The first entry was not there when the stream was seen, and could not be added since. */
static bool
info_begins_before(const struct stream_info *info, const struct stream_info *seen)
{
    if (info->length == 0 || info_begins_as(info, seen)) {
        return false;
    }
    return seen->length > 0 ? !stream_id_is_later(info->first, seen->first)
                            : !stream_id_is_later(info->first, seen->last);
}

/* Nothing of this goes back in a stream that was only added to, trimmed, or deleted from. */
static bool
info_is_behind(const struct stream_info *info, const struct stream_info *seen)
{
    bool is_counted = info->is_counted && seen->is_counted;
    return seen->is_known &&
           (stream_id_is_later(seen->last, info->last) || info_begins_before(info, seen) ||
            (is_counted && (info->added < seen->added || info_gone(info) < info_gone(seen))));
}

/* What was read cannot be of this stream. */
static bool
position_is_of_another(const struct stream_position *p, const struct stream_info *info)
{
    uint64_t count = 0;
    if (!p->is_counted || !info->is_counted) {
        return false;
    }
    if (stream_id_is_later(p->id, info->last) || info->added < p->count) {
        return true;
    }
    return info_count_at(info, p->id, &count) && count < p->count;
}

/* What it still has was read. */
static void
position_set_back(struct stream_position *p, const struct stream_info *info)
{
    if (stream_id_is_later(p->id, info->last)) {
        *p = stream_info_end(info);
    } else {
        p->is_counted = info->is_counted && info_count_at(info, p->id, &p->count);
    }
}

enum stream_change
stream_position_check(struct stream_position *p,
                      const struct stream_info *seen,
                      const struct stream_info *info,
                      uint64_t *ret_lost)
{
    const struct stream_position before = *p;
    *ret_lost = 0;
    if (info_is_behind(info, seen) || position_is_of_another(p, info)) {
        if (info_begins_as(info, seen)) {
            position_set_back(p, info);
            return STREAM_IS_ANOTHER;
        }
        *p = stream_info_begin(info);
        bool is_counted = seen->is_counted && before.is_counted && seen->added > before.count;
        *ret_lost = is_counted ? seen->added - before.count : 0;
        return STREAM_IS_ANOTHER;
    }
    if (!info->is_counted || stream_id_is_later(p->id, info->last)) {
        p->is_counted = false;
        return STREAM_IS_WHOLE;
    }
    if (!info_count_at(info, p->id, &p->count)) {
        p->count = before.count;
        return STREAM_IS_WHOLE;
    }
    p->is_counted = true;
    *ret_lost = before.is_counted ? p->count - before.count : 0;
    return *ret_lost > 0 ? STREAM_HAS_LOST : STREAM_IS_WHOLE;
}
