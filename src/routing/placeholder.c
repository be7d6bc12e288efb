#include "routing/placeholder.h"

bool
placeholder_read(struct str text, struct str *ret_inside)
{
    for (size_t i = 1; i < text.size && text.data[i] != '{'; i++) {
        if (text.data[i] == '}') {
            *ret_inside = (struct str){text.data + 1, i - 1};
            return true;
        }
    }
    return false;
}

static bool
is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool
placeholder_name_is_valid(struct str name)
{
    if (name.size == 0 || !is_letter(name.data[0])) {
        return false;
    }
    for (size_t i = 1; i < name.size; i++) {
        char c = name.data[i];
        if (!is_letter(c) && !(c >= '0' && c <= '9') && c != '-') {
            return false;
        }
    }
    return true;
}

bool
placeholder_name_is_reserved(struct str name)
{
    return str_equal(name, STR("topic")) || str_equal(name, STR("source")) ||
           str_equal(name, STR("json"));
}
