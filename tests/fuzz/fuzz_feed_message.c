/* Whatever is published: events lie inside the message, in the order of ids, behind their floors. */
#include "replay/feed_message.h"

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
check_inside(struct str part, struct str whole)
{
    check(part.data >= whole.data && part.data + part.size <= whole.data + whole.size);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = {(const char *)data, size};
    struct feed_message m;
    struct feed_event event;
    if (feed_message_open(bytes, &m) != 0) {
        return 0;
    }
    check(m.before <= m.after && m.birth <= m.after);
    event_id last = m.before;
    while (feed_message_next(&m, &event) == 0) {
        check(event.id > last && event.id <= m.after && event.floor < event.id);
        check_inside(event.channel, bytes);
        check_inside(event.body, bytes);
        check(event.body.size == 0 || event.channel.data + event.channel.size == event.body.data);
        last = event.id;
    }
    return 0;
}
