/* Whatever the store answers to a read: no page, or one that keeps its promises to the engine. */
#include "replay/redis_page.h"

#include <stdlib.h>

enum { REPLY_LIMIT = 64 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(int is_true)
{
    if (!is_true) {
        abort();
    }
}

static void
check_page(const struct replay_page *page, const struct replay_page_request *request)
{
    event_id last = page->after;
    for (size_t i = 0; i < page->length; i++) {
        check(page->frames[i]->id > page->frames[i]->floor);
        check(request->newest == 0 || i > 0 || page->frames[i]->id == page->after + 1);
        check(i == 0 || page->frames[i]->id > last);
        check(page->frames[i]->id <= page->upto);
        last = page->frames[i]->id;
    }
    check(page->length == 0 || page->floor >= page->frames[0]->floor);
    check(page->is_end || page->upto > page->after);
}

static void
read_page(const struct redis_reply *reply, const struct replay_page_request *request)
{
    struct replay_page *page = NULL;
    uint64_t invalid = 0;
    if (redis_page_new(reply, request, &invalid, &page) == 0) {
        check_page(page, request);
        replay_page_free(page);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct replay_page_request after = {.channel = {"c", 1}, .after = 5 << 20};
    static const struct replay_page_request newest = {.channel = {"c", 1}, .newest = 3};
    struct redis_parser *p = redis_parser_new(REPLY_LIMIT);
    const struct redis_reply *reply = NULL;
    check(p != NULL);
    if (size <= REPLY_LIMIT && redis_parser_feed(p, (struct str){(const char *)data, size}) == 0) {
        while (redis_parser_next(p, &reply) == 0 && reply != NULL) {
            read_page(reply, &after);
            read_page(reply, &newest);
        }
    }
    redis_parser_free(p);
    return 0;
}
