#include "http/channel_pattern.h"

/* Each `*` takes as little as it can; where that does not work out, only the last one has to take more. */
bool
channel_pattern_matches(struct str pattern, struct str name)
{
    size_t at = 0;
    size_t in_name = 0;
    size_t behind_star = 0; /* 0: none yet */
    size_t star_end = 0;    /* what the last star has taken */
    while (in_name < name.size) {
        if (at < pattern.size && pattern.data[at] == '*') {
            behind_star = ++at;
            star_end = in_name;
        } else if (at < pattern.size && pattern.data[at] == name.data[in_name]) {
            at++;
            in_name++;
        } else if (behind_star > 0) {
            at = behind_star;
            in_name = ++star_end;
        } else {
            return false;
        }
    }
    while (at < pattern.size && pattern.data[at] == '*') {
        at++;
    }
    return at == pattern.size;
}
