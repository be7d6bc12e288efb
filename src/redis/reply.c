#include "redis/reply.h"

#include <hiredis/hiredis.h>

#include <stdlib.h>

/*
 * The memory of one reply: blocks that are filled from front to back and never move, because the
 * items of an array are reached by pointers. The first block stays for the next reply.
 */
struct block {
    struct block *next;
    size_t size; /* of bytes */
    size_t used;
    char bytes[];
};

enum {
    BLOCK_SIZE = 16 * 1024,        /* chosen: a pub/sub message with a usual payload fits */
    READER_SPARE_MAX = 256 * 1024, /* idle input buffer that the reader keeps */
    NESTING_MAX = 7, /* arrays around an item; hiredis 0.14 refuses 9, 1.x takes any */
    ALIGNMENT = 8
};

struct redis_parser {
    redisReader *reader;
    struct block *blocks; /* newest first */
    size_t limit;         /* bytes */
    size_t used;          /* bytes of the reply under way */
    int failure;          /* why an object could not be made; 0 */
    bool is_whole;        /* blocks hold a reply that was handed out */
};

static void *
parser_allocate(struct redis_parser *p, size_t size)
{
    size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (size > p->limit - p->used) {
        p->failure = ERR_LIMIT;
        return NULL;
    }
    struct block *b = p->blocks;
    if (b == NULL || size > b->size - b->used) {
        size_t block_size = size > BLOCK_SIZE ? size : BLOCK_SIZE;
        b = malloc(sizeof *b + block_size);
        if (b == NULL) {
            p->failure = ERR_MEMORY;
            return NULL;
        }
        *b = (struct block){.next = p->blocks, .size = block_size};
        p->blocks = b;
    }
    void *memory = b->bytes + b->used;
    b->used += size;
    p->used += size;
    return memory;
}

/* Frees all blocks, but keeps the first one made where it is of the usual size. */
static void
parser_forget_reply(struct redis_parser *p)
{
    struct block *b = p->blocks;
    while (b != NULL && (b->next != NULL || b->size > BLOCK_SIZE)) {
        struct block *next = b->next;
        free(b);
        b = next;
    }
    if (b != NULL) {
        b->used = 0;
    }
    p->blocks = b;
    p->used = 0;
    p->is_whole = false;
}

/* True for what RESP2 may say. hiredis 1.x knows RESP3 too, which is never asked for. */
static bool
parser_is_expected(const redisReadTask *task)
{
    int depth = 0;
    for (const redisReadTask *t = task->parent; t != NULL; t = t->parent) {
        depth++;
    }
    return depth <= NESTING_MAX && task->type <= REDIS_REPLY_ERROR;
}

/*
 * The place of a new object: the slot in its array, or memory of its own for the outermost. NULL:
 * there is none.
 */
static struct redis_reply *
parser_place(const redisReadTask *task)
{
    if (!parser_is_expected(task)) {
        ((struct redis_parser *)task->privdata)->failure = ERR_PROTOCOL;
        return NULL;
    }
    if (task->parent != NULL) {
        struct redis_reply *array = task->parent->obj;
        return &array->items[task->idx];
    }
    return parser_allocate(task->privdata, sizeof(struct redis_reply));
}

static enum redis_type
parser_text_type(int reader_type)
{
    if (reader_type == REDIS_REPLY_ERROR) {
        return REDIS_TYPE_ERROR;
    }
    return reader_type == REDIS_REPLY_STATUS ? REDIS_TYPE_STATUS : REDIS_TYPE_STRING;
}

static void *
parser_on_text(const redisReadTask *task, char *data, size_t size)
{
    struct redis_reply *reply = parser_place(task);
    char *copy = reply != NULL ? parser_allocate(task->privdata, size) : NULL;
    if (copy == NULL) {
        return NULL;
    }
    if (size > 0) {
        memcpy(copy, data, size);
    }
    *reply = (struct redis_reply){.type = parser_text_type(task->type), .text = {copy, size}};
    return reply;
}

#if HIREDIS_MAJOR >= 1
typedef size_t reader_length;
#else
typedef int reader_length;
#endif

static void *
parser_on_array(const redisReadTask *task, reader_length signed_length)
{
    struct redis_parser *p = task->privdata;
    size_t length = (size_t)signed_length;
    struct redis_reply *reply = parser_place(task);
    if (reply == NULL) {
        return NULL;
    }
    if (length > p->limit / sizeof *reply) {
        p->failure = ERR_LIMIT;
        return NULL;
    }
    struct redis_reply *items = parser_allocate(p, length * sizeof *items);
    if (items == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < length; i++) {
        items[i] = (struct redis_reply){.type = REDIS_TYPE_NIL};
    }
    *reply = (struct redis_reply){.type = REDIS_TYPE_ARRAY, .length = length, .items = items};
    return reply;
}

static void *
parser_on_integer(const redisReadTask *task, long long value)
{
    struct redis_reply *reply = parser_place(task);
    if (reply != NULL) {
        *reply = (struct redis_reply){.type = REDIS_TYPE_INTEGER, .integer = value};
    }
    return reply;
}

static void *
parser_on_nil(const redisReadTask *task)
{
    struct redis_reply *reply = parser_place(task);
    if (reply != NULL) {
        *reply = (struct redis_reply){.type = REDIS_TYPE_NIL};
    }
    return reply;
}

static void
parser_on_free(void *object)
{
    (void)object; /* objects die with their blocks */
}

#if HIREDIS_MAJOR >= 1
static void *
parser_on_double(const redisReadTask *task, double value, char *text, size_t size)
{
    (void)value, (void)text, (void)size;
    return parser_place(task);
}

static void *
parser_on_boolean(const redisReadTask *task, int value)
{
    (void)value;
    return parser_place(task);
}
#endif

/* hiredis wants it writable, and does not write. */
static redisReplyObjectFunctions parser_functions = {
    .createString = parser_on_text,
    .createArray = parser_on_array,
    .createInteger = parser_on_integer,
    .createNil = parser_on_nil,
#if HIREDIS_MAJOR >= 1
    .createDouble = parser_on_double,
    .createBool = parser_on_boolean,
#endif
    .freeObject = parser_on_free,
};

struct redis_parser *
redis_parser_new(size_t limit_bytes)
{
    struct redis_parser *p = calloc(1, sizeof *p);
    if (p == NULL) {
        return NULL;
    }
    p->limit = limit_bytes;
    p->reader = redisReaderCreateWithFunctions(&parser_functions);
    if (p->reader == NULL) {
        free(p);
        return NULL;
    }
    p->reader->privdata = p;
    p->reader->maxbuf = READER_SPARE_MAX;
    return p;
}

void
redis_parser_free(struct redis_parser *p)
{
    if (p == NULL) {
        return;
    }
    redisReaderFree(p->reader);
    while (p->blocks != NULL) {
        struct block *next = p->blocks->next;
        free(p->blocks);
        p->blocks = next;
    }
    free(p);
}

int
redis_parser_feed(struct redis_parser *p, struct str bytes)
{
    size_t waiting = p->reader->len - p->reader->pos;
    if (waiting > p->limit || bytes.size > p->limit - waiting) {
        return ERR_LIMIT;
    }
    if (redisReaderFeed(p->reader, bytes.data, bytes.size) != REDIS_OK) {
        return ERR_MEMORY;
    }
    return 0;
}

int
redis_parser_next(struct redis_parser *p, const struct redis_reply **ret_reply)
{
    void *object = NULL;
    if (p->is_whole) {
        parser_forget_reply(p);
    }
    if (redisReaderGetReply(p->reader, &object) != REDIS_OK) {
        return p->failure != 0 ? p->failure : ERR_PROTOCOL;
    }
    p->is_whole = object != NULL;
    *ret_reply = object;
    return 0;
}

const char *
redis_parser_why(const struct redis_parser *p)
{
    return p->failure != 0 ? "" : p->reader->errstr;
}

bool
redis_reply_is_error(const struct redis_reply *reply, const char *code)
{
    struct str word = str_from(code);
    return reply->type == REDIS_TYPE_ERROR && str_starts_with(reply->text, word) &&
           (reply->text.size == word.size || reply->text.data[word.size] == ' ');
}
