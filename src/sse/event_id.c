#include "sse/event_id.h"

#include <string.h>

#define MS_MAX  (EVENT_ID_MAX >> EVENT_ID_SEQ_BITS)
#define SEQ_MAX ((UINT64_C(1) << EVENT_ID_SEQ_BITS) - 1)

event_id
event_id_next(event_id last, uint64_t now_ms)
{
    if (event_id_ms(last) >= now_ms || event_id_ms(last) == MS_MAX) {
        return last + 1; /* a full ms carries into the next one */
    }
    return event_id_make(now_ms <= MS_MAX ? now_ms : MS_MAX, 0);
}

size_t
event_id_format(event_id id, char ret_text[static EVENT_ID_TEXT_SIZE_MAX])
{
    size_t size = str_put_u64(ret_text, event_id_ms(id));
    ret_text[size++] = '-';
    return size + str_put_u64(ret_text + size, event_id_seq(id));
}

int
event_id_parse(struct str text, event_id *ret_id)
{
    const char *dash = text.size > 0 ? memchr(text.data, '-', text.size) : NULL;
    if (dash == NULL) {
        return ERR_SYNTAX;
    }
    size_t ms_size = (size_t)(dash - text.data);
    uint64_t ms;
    uint64_t seq;
    int r = str_to_u64((struct str){text.data, ms_size}, MS_MAX, &ms);
    if (r == 0) {
        r = str_to_u64(str_after(text, ms_size + 1), SEQ_MAX, &seq);
    }
    if (r == 0) {
        *ret_id = event_id_make(ms, seq);
    }
    return r;
}
