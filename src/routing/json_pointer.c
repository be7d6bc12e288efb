#include "routing/json_pointer.h"

#include "routing/report.h"

#include <stdlib.h>

/* Reports what is wrong with the text. */
static bool
is_text_good(struct str text, const struct report *report)
{
    char shown[PROBLEMS_EXCERPT_SIZE];
    if (text.size > 0 && text.data[0] != '/') {
        report_add(report,
                   "%s is no JSON pointer: it begins with a slash, as in /order/total, and "
                   "is empty for the whole payload",
                   problems_excerpt(text, shown));
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        char next = i + 1 < text.size ? text.data[i + 1] : '\0';
        if (text.data[i] == '~' && next != '0' && next != '1') {
            report_add(report,
                       "%s is no JSON pointer: write ~0 for a tilde, ~1 for a slash within a name",
                       problems_excerpt(text, shown));
            return false;
        }
    }
    return true;
}

static size_t
count_tokens(struct str text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.size; i++) {
        count += text.data[i] == '/';
    }
    return count;
}

/* Undoes the escapes in place. */
static void
token_unescape(struct str *key, char *bytes)
{
    size_t size = 0;
    for (size_t i = 0; i < key->size; i++) {
        char c = key->data[i];
        if (c == '~') {
            i++;
            c = key->data[i] == '0' ? '~' : '/';
        }
        bytes[size++] = c;
    }
    *key = (struct str){bytes, size};
}

static void
token_init(struct json_pointer_token *token, char *bytes, size_t size)
{
    uint64_t index = 0;
    token->key = (struct str){bytes, size};
    token->is_index = (size == 1 || (size > 1 && bytes[0] != '0')) &&
                      str_to_u64(token->key, SIZE_MAX, &index) == 0;
    token->index = index;
    token_unescape(&token->key, bytes);
}

int
json_pointer_init(struct json_pointer *p, struct str text, const struct report *report)
{
    if (!is_text_good(text, report)) {
        return ERR_CONFIG;
    }
    *p = (struct json_pointer){.length = count_tokens(text)};
    if (p->length == 0) {
        return 0;
    }
    p->bytes = str_dup(text);
    p->tokens = calloc(p->length, sizeof(*p->tokens));
    if (p->bytes == NULL || p->tokens == NULL) {
        json_pointer_fini(p);
        return ERR_MEMORY;
    }
    char *at = p->bytes;
    char *end = p->bytes + text.size;
    for (size_t i = 0; i < p->length; i++) {
        char *begin = at + 1;
        at = memchr(begin, '/', (size_t)(end - begin));
        at = at != NULL ? at : end;
        token_init(&p->tokens[i], begin, (size_t)(at - begin));
    }
    return 0;
}

void
json_pointer_fini(struct json_pointer *p)
{
    free(p->tokens);
    free(p->bytes);
    *p = (struct json_pointer){0};
}
