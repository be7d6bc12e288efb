#pragma once
/* What the Redis log's clients may hold. */

enum {
    /* The largest event: the reply or message that carries it must fit REDIS_LOG_REPLY_MAX with a
       page around it. */
    REDIS_LOG_EVENT_MAX = 32 * 1024 * 1024,
    REDIS_LOG_PAGE_MAX = 16 * 1024 * 1024,
    REDIS_LOG_REPLY_MAX = 64 * 1024 * 1024,
    REDIS_LOG_OUTPUT_MAX = 16 * 1024 * 1024, /* unsent commands; one larger command still passes */
    REDIS_LOG_COMMANDS_MAX = 64
};
