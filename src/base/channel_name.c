#include "base/channel_name.h"

#include "base/utf8.h"

static bool
channel_name_may_hold(uint32_t code_point)
{
    bool is_control = code_point < 0x20 || (code_point >= 0x7F && code_point <= 0x9F);
    return !is_control && code_point != 0x2028 && code_point != 0x2029;
}

bool
channel_name_is_valid(struct str name)
{
    if (name.size == 0 || name.size > CHANNEL_NAME_SIZE_MAX) {
        return false;
    }
    while (name.size > 0) {
        uint32_t code_point;
        size_t size = utf8_decode(name, &code_point);
        if (size == 0 || !channel_name_may_hold(code_point)) {
            return false;
        }
        name = str_after(name, size);
    }
    return true;
}
