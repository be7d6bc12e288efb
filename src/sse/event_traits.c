#include "sse/event_traits.h"

static int32_t
delay_read(struct str text)
{
    bool is_negative = str_starts_with(text, STR("-"));
    uint64_t value;
    if (str_to_u64(str_after(text, is_negative ? 1 : 0), INT32_MAX, &value) != 0) {
        return 0;
    }
    return is_negative ? -(int32_t)value : (int32_t)value;
}

struct event_traits
event_traits_read(struct str delay, struct str slow)
{
    uint64_t rule = 0;
    if (str_to_u64(slow, UINT32_MAX, &rule) != 0) {
        rule = 0;
    }
    return (struct event_traits){.slow = (uint32_t)rule, .delay_ms = delay_read(delay)};
}

int32_t
event_delay_ms(event_id id, uint64_t received_ms)
{
    int64_t delay_ms = (int64_t)(event_id_ms(id) - received_ms);
    bool is_known = received_ms > 0 && delay_ms >= -INT32_MAX && delay_ms <= INT32_MAX;
    return is_known ? (int32_t)delay_ms : 0;
}
