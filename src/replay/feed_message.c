#include "replay/feed_message.h"

enum {
    FEED_HEAD_WORDS = 4,
    FEED_EVENT_WORDS = 6,
    FEED_LINE_SIZE_MAX = 224 /* six words of an id's size at most, and then some */
};

/* Takes a line of exactly `length` words, one blank between, off the front. ERR_SYNTAX. */
static int
feed_take_line(struct str *rest, size_t length, struct str *ret_words)
{
    size_t scan = rest->size < FEED_LINE_SIZE_MAX ? rest->size : FEED_LINE_SIZE_MAX;
    const char *end = scan > 0 ? memchr(rest->data, '\n', scan) : NULL;
    const char *word = rest->data;
    if (end == NULL) {
        return ERR_SYNTAX;
    }
    for (size_t i = 0; i < length; i++) {
        const char *stop = i + 1 < length ? memchr(word, ' ', (size_t)(end - word)) : end;
        if (stop == NULL) {
            return ERR_SYNTAX;
        }
        ret_words[i] = (struct str){word, (size_t)(stop - word)};
        word = stop + (stop < end);
    }
    *rest = str_after(*rest, (size_t)(end - rest->data) + 1);
    return 0;
}

int
feed_message_open(struct str bytes, struct feed_message *ret_message)
{
    struct feed_message m = {.rest = bytes};
    struct str words[FEED_HEAD_WORDS];
    int err = feed_take_line(&m.rest, FEED_HEAD_WORDS, words);
    if (err == 0 && !str_equal(words[0], STR("1"))) {
        err = ERR_SYNTAX;
    }
    if (err == 0) {
        err = event_id_parse(words[1], &m.before);
    }
    if (err == 0) {
        err = event_id_parse(words[2], &m.birth);
    }
    if (err == 0) {
        err = event_id_parse(words[3], &m.after);
    }
    if (err != 0 || m.before > m.after || m.birth > m.after) {
        return ERR_SYNTAX;
    }
    m.previous = m.before;
    *ret_message = m;
    return 0;
}

/* Takes `size` bytes off the front. ERR_SYNTAX. */
static int
feed_take_bytes(struct str *rest, struct str size_text, struct str *ret_bytes)
{
    uint64_t size;
    int err = str_to_u64(size_text, rest->size, &size);
    if (err == 0) {
        *ret_bytes = (struct str){rest->data, (size_t)size};
        *rest = str_after(*rest, (size_t)size);
    }
    return err;
}

int
feed_message_next(struct feed_message *m, struct feed_event *ret_event)
{
    struct feed_event event;
    struct str words[FEED_EVENT_WORDS];
    struct str rest = m->rest;
    if (rest.size == 0) {
        return FEED_MESSAGE_E_END;
    }
    int err = feed_take_line(&rest, FEED_EVENT_WORDS, words);
    if (err == 0) {
        err = event_id_parse(words[0], &event.id);
    }
    if (err == 0) {
        err = event_id_parse(words[1], &event.floor);
    }
    if (err == 0) {
        err = feed_take_bytes(&rest, words[2], &event.channel);
    }
    if (err == 0) {
        err = feed_take_bytes(&rest, words[3], &event.body);
    }
    if (err != 0 || event.id <= m->previous || event.id > m->after || event.floor >= event.id) {
        return ERR_SYNTAX;
    }
    event.traits = event_traits_read(words[4], words[5]);
    m->rest = rest;
    m->previous = event.id;
    *ret_event = event;
    return 0;
}
