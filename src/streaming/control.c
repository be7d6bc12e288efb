#include "streaming/control.h"

#include <inttypes.h>
#include <stdio.h>

static size_t
control_with_id(char to[static CONTROL_SIZE_MAX], const char *name, event_id position)
{
    int size =
        snprintf(to, CONTROL_SIZE_MAX, "event: runnel.%s\nid: %" PRIu64 "-%" PRIu64 "\ndata:\n\n",
                 name, event_id_ms(position), event_id_seq(position));
    return (size_t)size;
}

size_t
control_live(char to[static CONTROL_SIZE_MAX], event_id position)
{
    return control_with_id(to, "live", position);
}

size_t
control_beat(char to[static CONTROL_SIZE_MAX], event_id position)
{
    if (position != 0) {
        return control_with_id(to, "beat", position);
    }
    return (size_t)snprintf(to, CONTROL_SIZE_MAX, "event: runnel.beat\ndata:\n\n");
}

size_t
control_retry(char to[static CONTROL_SIZE_MAX], uint64_t retry_ms)
{
    return (size_t)snprintf(to, CONTROL_SIZE_MAX, "retry: %" PRIu64 "\n\n", retry_ms);
}

/* A JSON string (RFC 8259). Channel names are UTF-8 without controls, so two escapes do. */
static int
control_append_json(struct buf *out, struct str text)
{
    int r = buf_append_char(out, '"');
    for (size_t i = 0; r == 0 && i < text.size; i++) {
        if (text.data[i] == '"' || text.data[i] == '\\') {
            r = buf_append_char(out, '\\');
        }
        if (r == 0) {
            r = buf_append_char(out, text.data[i]);
        }
    }
    return r < 0 ? r : buf_append_char(out, '"');
}

int
control_gap(
    struct buf *out, struct str channel, event_id after, event_id resumes, const char *reason)
{
    int r = buf_append_str(out, STR("event: runnel.gap\ndata: {\"channel\":"));
    if (r == 0) {
        r = control_append_json(out, channel);
    }
    if (r == 0) {
        r = buf_printf(out,
                       ",\"after\":\"%" PRIu64 "-%" PRIu64 "\",\"resumes\":\"%" PRIu64 "-%" PRIu64
                       "\",\"reason\":\"%s\"}\n\n",
                       event_id_ms(after), event_id_seq(after), event_id_ms(resumes),
                       event_id_seq(resumes), reason);
    }
    return r;
}
