/* "Did you mean": the nearest known word by edits (insert, delete, replace, swap), blind to case. */

#include "config/problems.h"

enum { WORD_SIZE_MAX = 64, EDITS_MAX = 3 };

static unsigned
smaller(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static bool
is_same(char a, char b)
{
    return str_equal_nocase((struct str){&a, 1}, (struct str){&b, 1});
}

/* Optimal string alignment distance; both at most WORD_SIZE_MAX. Three rows of the matrix are
 * enough. */
static unsigned
edits(struct str a, struct str b)
{
    unsigned rows[3][WORD_SIZE_MAX + 1];
    for (size_t j = 0; j <= b.size; j++) {
        rows[0][j] = (unsigned)j;
    }
    for (size_t i = 1; i <= a.size; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *above = rows[(i + 2) % 3];
        const unsigned *twice_above = rows[(i + 1) % 3];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b.size; j++) {
            unsigned replace = above[j - 1] + (is_same(a.data[i - 1], b.data[j - 1]) ? 0 : 1);
            row[j] = smaller(replace, smaller(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && is_same(a.data[i - 1], b.data[j - 2]) &&
                is_same(a.data[i - 2], b.data[j - 1])) {
                row[j] = smaller(row[j], twice_above[j - 2] + 1);
            }
        }
    }
    return rows[a.size % 3][b.size];
}

/* A third of the word may be wrong, so that "a" is not near to "b". */
static unsigned
edits_allowed(size_t size)
{
    return size < 3 ? 1 : smaller(EDITS_MAX, (unsigned)(size + 2) / 3);
}

const char *
problems_suggest(struct str word, const char *const *known, size_t known_length)
{
    const char *nearest = NULL;
    unsigned best = edits_allowed(word.size) + 1;
    for (size_t i = 0; i < known_length && word.size <= WORD_SIZE_MAX; i++) {
        struct str candidate = str_from(known[i]);
        size_t longer = candidate.size > word.size ? candidate.size : word.size;
        if (longer > WORD_SIZE_MAX || longer - word.size >= best ||
            candidate.size + best <= word.size) {
            continue;
        }
        unsigned distance = edits(word, candidate);
        if (distance < best && distance < longer) {
            best = distance;
            nearest = known[i];
        }
    }
    return nearest;
}
