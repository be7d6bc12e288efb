/* An id that the parser takes survives being written and read again, and the next one is above. */
#include "sse/event_id.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(int is_true)
{
    if (!is_true) {
        abort();
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    event_id id;
    event_id again;
    if (event_id_parse((struct str){(const char *)data, size}, &id) != 0) {
        return 0;
    }
    char text[EVENT_ID_TEXT_SIZE_MAX];
    struct str formatted = {text, event_id_format(id, text)};
    check(event_id_parse(formatted, &again) == 0 && again == id);
    check(event_id_make(event_id_ms(id), event_id_seq(id)) == id);
    check(id == EVENT_ID_MAX || event_id_next(id, size) > id);
    return 0;
}
