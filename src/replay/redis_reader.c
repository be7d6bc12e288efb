#include "replay/redis_reader.h"

#include "base/log.h"
#include "event/loop.h"
#include "redis/client.h"
#include "redis/script.h"
#include "replay/redis_keys.h"
#include "replay/redis_limits.h"
#include "replay/redis_page.h"

#include <stdlib.h>

/* EVALSHA, digest, 2, head, stream, then see read.lua. */
enum { READ_WORDS = 3 + 2 + 7, READS_WAITING_MAX = 65536 };

struct redis_reader {
    struct replay_reader reader;
    struct redis_reader_settings settings;
    struct redis_client *client; /* owned */
    struct list waiting;         /* reads not sent yet */
    size_t waiting_length;
    bool is_script_known; /* on this connection */
    bool has_failed;      /* before its first attempt the client also waits, but not for long */
    struct loop_task pump;
};

/* A read under way: in `waiting`, or the argument of a command. */
struct redis_read {
    struct list node;
    struct redis_reader *reader;
    struct replay_page_request request; /* its channel points into key */
    replay_on_page_fn on_page;
    void *arg;
    size_t key_size;
    char key[]; /* of the stream; ends with the channel */
};

static struct redis_reader *
reader_of(struct replay_reader *r)
{
    return (struct redis_reader *)(void *)r;
}

static void
read_wait(struct redis_reader *r, struct redis_read *read)
{
    list_push_back(&r->waiting, &read->node);
    r->waiting_length++;
}

static struct redis_read *
reader_pop_waiting(struct redis_reader *r)
{
    struct list *node = list_pop_front(&r->waiting);
    if (node == NULL) {
        return NULL;
    }
    r->waiting_length--;
    return LIST_ITEM(node, struct redis_read, node);
}

/* Ends the read; it is in no list. */
static void
read_finish(struct redis_read *read, int status, struct replay_page *page)
{
    read->on_page(read->arg, status, page);
    free(read);
}

static void
reader_fail_waiting(struct redis_reader *r, int status)
{
    struct list failed;
    struct list *node;
    list_init(&failed);
    list_splice_back(&failed, &r->waiting); /* a callback may ask again */
    r->waiting_length = 0;
    while ((node = list_pop_front(&failed)) != NULL) {
        read_finish(LIST_ITEM(node, struct redis_read, node), status, NULL);
    }
}

/* --- replies --- */

static int
read_make_page(struct redis_read *read,
               const struct redis_reply *reply,
               struct replay_page **ret_page)
{
    struct redis_reader *r = read->reader;
    uint64_t invalid = 0;
    if (reply->type == REDIS_TYPE_ERROR) {
        log_warn("replay.read", LOG_TEXT("address", redis_client_address(r->client)),
                 LOG_STR("error", reply->text));
        if (redis_reply_is_error(reply, "READONLY")) {
            redis_client_reconnect(r->client, ERR_REPLICA, err_text(ERR_REPLICA));
        }
        return ERR_REFUSED;
    }
    int err = redis_page_new(reply, &read->request, &invalid, ret_page);
    if (invalid > 0) {
        atomic_fetch_add_explicit(r->settings.invalid, invalid, memory_order_relaxed);
        log_warn("replay.invalid", LOG_STR("channel", read->request.channel),
                 LOG_U64("entries", invalid));
    }
    return err;
}

static void
read_on_reply(void *arg, int status, const struct redis_reply *reply)
{
    struct redis_read *read = arg;
    struct redis_reader *r = read->reader;
    struct replay_page *page = NULL;
    if (!list_is_empty(&r->waiting)) {
        loop_task_schedule(r->settings.loop, &r->pump);
    }
    if (status == 0 && redis_reply_is_error(reply, "NOSCRIPT")) {
        r->is_script_known = false;
        read_wait(r, read);
        loop_task_schedule(r->settings.loop, &r->pump);
        return;
    }
    if (status == 0) {
        status = read_make_page(read, reply, &page);
    }
    read_finish(read, status, page);
}

/* --- sending --- */

static struct str
read_number(char text[static STR_U64_SIZE_MAX], uint64_t value)
{
    return (struct str){text, str_put_u64(text, value)};
}

static int
read_send(struct redis_reader *r, struct redis_read *read)
{
    char cursor[EVENT_ID_TEXT_SIZE_MAX];
    char newest[STR_U64_SIZE_MAX];
    char events[STR_U64_SIZE_MAX];
    char bytes[STR_U64_SIZE_MAX];
    char prefix[STR_U64_SIZE_MAX];
    const struct replay_page_request *request = &read->request;
    uint32_t limit_bytes =
        request->limit_bytes < REDIS_LOG_PAGE_MAX ? request->limit_bytes : REDIS_LOG_PAGE_MAX;
    struct str words[READ_WORDS] = {
        [2] = STR("2"),
        [3] = str_from(r->settings.keys->head),
        [4] = {read->key, read->key_size},
        [5] = STR("0"), /* a reader has seen nothing: clients choose their cursors */
        [6] = STR("0"),
        [7] = {cursor, event_id_format(request->after, cursor)},
        [8] = read_number(newest, request->newest),
        [9] = read_number(events, request->limit_events),
        [10] = read_number(bytes, limit_bytes),
        [11] = read_number(prefix, strlen(r->settings.keys->stream)),
    };
    redis_script_words(r->settings.script, r->is_script_known, words);
    return redis_client_command(r->client, words, READ_WORDS, read_on_reply, read);
}

static void
reader_pump(void *arg)
{
    struct redis_reader *r = arg;
    struct redis_read *read;
    while (redis_client_is_up(r->client) && (read = reader_pop_waiting(r)) != NULL) {
        int err = read_send(r, read);
        if (err == REDIS_E_FULL) {
            list_push_front(&r->waiting, &read->node);
            r->waiting_length++;
            return; /* until a reply makes room */
        }
        if (err != 0) {
            read_finish(read, err, NULL);
            continue;
        }
        r->is_script_known = true;
    }
}

static struct redis_read *
read_new(struct redis_reader *r,
         const struct replay_page_request *request,
         replay_on_page_fn on_page,
         void *arg)
{
    struct str stream = str_from(r->settings.keys->stream);
    size_t key_size = stream.size + request->channel.size;
    struct redis_read *read = malloc(sizeof *read + key_size);
    if (read == NULL) {
        return NULL;
    }
    *read = (struct redis_read){
        .reader = r, .request = *request, .on_page = on_page, .arg = arg, .key_size = key_size};
    memcpy(read->key, stream.data, stream.size);
    memcpy(read->key + stream.size, request->channel.data, request->channel.size);
    read->request.channel.data = read->key + stream.size;
    return read;
}

static int
reader_read(struct replay_reader *base,
            const struct replay_page_request *request,
            replay_on_page_fn on_page,
            void *arg)
{
    struct redis_reader *r = reader_of(base);
    if (redis_client_is_waiting(r->client) && r->has_failed) {
        return ERR_CONNECT;
    }
    if (r->waiting_length == READS_WAITING_MAX) {
        return ERR_LIMIT;
    }
    struct redis_read *read = read_new(r, request, on_page, arg);
    if (read == NULL) {
        return ERR_MEMORY;
    }
    read_wait(r, read);
    loop_task_schedule(r->settings.loop, &r->pump);
    return 0;
}

/* --- the connection --- */

static void
reader_on_up(void *arg)
{
    struct redis_reader *r = arg;
    r->is_script_known = false;
    reader_pump(r);
}

static void
reader_on_down(void *arg, int status, const char *why)
{
    struct redis_reader *r = arg;
    r->has_failed = true;
    log_debug("replay.reader", LOG_TEXT("address", redis_client_address(r->client)),
              LOG_TEXT("error", why));
    reader_fail_waiting(r, status);
}

static void
reader_free(struct replay_reader *base)
{
    struct redis_reader *r = reader_of(base);
    redis_client_free(r->client); /* answers what was sent */
    reader_fail_waiting(r, ERR_CLOSED);
    loop_task_cancel(&r->pump);
    free(r);
}

static int
reader_new_client(struct redis_reader *r)
{
    const struct redis_settings settings = {
        .broker = r->settings.broker,
        .listener = {.arg = r, .on_up = reader_on_up, .on_down = reader_on_down},
        .commands_limit = REDIS_LOG_COMMANDS_MAX,
        .output_limit_bytes = REDIS_LOG_OUTPUT_MAX,
        .reply_limit_bytes = REDIS_LOG_REPLY_MAX,
        .command_timeout_ms = r->settings.broker->connect_timeout_ms,
    };
    return redis_client_new(r->settings.loop, &settings, &r->client);
}

struct replay_reader *
redis_reader_new(const struct redis_reader_settings *settings)
{
    static const struct replay_reader_ops ops = {.free = reader_free, .read = reader_read};
    struct redis_reader *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return NULL;
    }
    r->reader.ops = &ops;
    r->settings = *settings;
    list_init(&r->waiting);
    loop_task_init(&r->pump, reader_pump, r);
    if (reader_new_client(r) != 0) {
        free(r);
        return NULL;
    }
    return &r->reader;
}
