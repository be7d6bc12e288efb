#include "http/refusal.h"

#include "base/backoff.h"
#include "base/log.h"
#include "sse/encoder.h"
#include "streaming/wire.h"

#include <inttypes.h>
#include <stdio.h>

enum { REFUSAL_EVENT_SIZE_MAX = 256, REFUSAL_RETRY_MAX_MS = 10 * 60 * 1000 };

void
refusal_count(struct metrics_slot *metrics, const struct address *client, enum metric_refused why)
{
    char address[ADDRESS_TEXT_SIZE_MAX];
    bool is_own = why == METRIC_REFUSED_ADDRESS || why == METRIC_REFUSED_ADDRESS_RATE ||
                  why == METRIC_REFUSED_PROXY_HEADER;
    metrics_add(metrics, METRIC_HTTP_REFUSED, why, 1);
    log_at(is_own ? LOG_INFO : LOG_DEBUG, "http.refused",
           LOG_TEXT("address", address_format(client, address)),
           LOG_TEXT("reason", metrics_label_text(METRIC_LABEL_REFUSED, why)), LOG_END);
}

/* One to five times as long, so that those who were refused together do not come back together. */
static uint64_t
refusal_retry_ms(uint64_t retry_ms)
{
    uint64_t least = retry_ms < REFUSAL_RETRY_MAX_MS ? retry_ms : REFUSAL_RETRY_MAX_MS;
    return least + backoff_random((uint32_t)(least * 4 + 1));
}

static int
refusal_render_event(enum metric_refused why, uint64_t retry_ms, struct buf *out)
{
    char text[REFUSAL_EVENT_SIZE_MAX];
    int size = snprintf(text, sizeof(text), "{\"reason\":\"%s\"}",
                        metrics_label_text(METRIC_LABEL_REFUSED, why));
    int rc = buf_printf(out, "retry: %" PRIu64 "\n", refusal_retry_ms(retry_ms));
    struct str data = {text, (size_t)size};
    return rc == 0 ? sse_encode_body(out, STR("runnel.unavailable"), data) : rc;
}

static int
refusal_render_body(struct str event, enum response_framing framing, struct buf *out)
{
    if (framing != RESPONSE_CHUNKED) {
        return buf_append_str(out, event);
    }
    int rc = buf_reserve(out, wire_chunk_size(event.size));
    if (rc == 0) {
        out->size += wire_put_chunk(out->data + out->size, event);
        rc = buf_append_str(out, WIRE_LAST_CHUNK);
    }
    return rc;
}

int
refusal_render(const struct response *head,
               enum metric_refused why,
               uint64_t retry_ms,
               struct buf *out)
{
    struct buf event;
    buf_init(&event, REFUSAL_EVENT_SIZE_MAX);
    int rc = response_render(head, out);
    rc = rc == 0 ? refusal_render_event(why, retry_ms, &event) : rc;
    rc = rc == 0 ? refusal_render_body(buf_str(&event), head->framing, out) : rc;
    buf_fini(&event);
    return rc;
}
