#include "replay/redis_append_command.h"

#include "redis/script.h"
#include "replay/redis_keys.h"

#include <assert.h>

#define DRAFT_OF(list_node) LIST_ITEM(list_node, struct draft, node)

static void
command_add(struct append_command *c, struct str word)
{
    assert(c->length < APPEND_WORDS_MAX);
    c->words[c->length++] = word;
}

static void
command_add_number(struct append_command *c, uint64_t value)
{
    assert(c->numbers_length < APPEND_NUMBERS_MAX);
    char *text = c->numbers[c->numbers_length++];
    command_add(c, (struct str){text, str_put_u64(text, value)});
}

/* --- marks --- */

static void
command_note_mark(struct append_command *c, struct mark mark, size_t events_before)
{
    struct append_mark *last = c->marks_length > 0 ? &c->marks[c->marks_length - 1] : NULL;
    if (last != NULL && last->first + last->events == events_before + 1 &&
        str_equal(last->mark.name, mark.name) && str_equal(last->mark.position, mark.before)) {
        last->mark.position = mark.position;
        return;
    }
    assert(c->marks_length < APPEND_MARKS_MAX);
    c->marks[c->marks_length++] = (struct append_mark){.mark = mark, .first = events_before + 1};
}

static void
command_collect_marks(struct append_command *c, const struct batch *batch)
{
    size_t events = 0;
    c->marks_length = 0;
    LIST_FOR_EACH_SAFE (node, following, &batch->drafts) {
        const struct draft *d = DRAFT_OF(node);
        if (d->is_mark) {
            command_note_mark(c, draft_mark(d), events);
            continue;
        }
        events++;
        if (d->is_joined) {
            c->marks[c->marks_length - 1].events++;
        }
    }
}

/* --- words --- */

static void
command_add_keys(struct append_command *c, const struct append_request *r)
{
    command_add(c, str_from(r->keys->head));
    command_add(c, str_from(r->keys->appender));
    LIST_FOR_EACH_SAFE (node, following, &r->batch->drafts) {
        const struct draft *d = DRAFT_OF(node);
        if (!d->is_mark) {
            command_add(c, draft_key(d));
        }
    }
}

static void
command_add_state(struct append_command *c, const struct append_request *r)
{
    command_add_number(c, event_id_ms(r->seen));
    command_add_number(c, event_id_seq(r->seen));
    command_add(c, str_from(r->keys->feed));
    command_add_number(c, r->batch->number);
    command_add_number(c, r->confirmed);
    command_add_number(c, r->batch->loss);
    command_add_number(c, strlen(r->keys->stream));
    command_add_number(c, r->span_ms);
    command_add_number(c, c->marks_length);
}

static void
command_add_marks(struct append_command *c)
{
    for (size_t i = 0; i < c->marks_length; i++) {
        const struct append_mark *m = &c->marks[i];
        command_add(c, m->mark.name);
        command_add(c, m->mark.before);
        command_add(c, m->mark.position);
        command_add_number(c, m->first);
        command_add_number(c, m->events);
    }
}

static void
command_add_events(struct append_command *c, const struct batch *batch)
{
    LIST_FOR_EACH_SAFE (node, following, &batch->drafts) {
        const struct draft *d = DRAFT_OF(node);
        if (!d->is_mark) {
            command_add_number(c, d->keep.events);
            command_add_number(c, d->keep.for_ms);
            command_add_number(c, d->received_ms);
            command_add_number(c, d->slow);
            command_add(c, draft_body(d));
        }
    }
}

void
append_command_build(struct append_command *c, const struct append_request *request)
{
    c->length = 2;
    c->numbers_length = 0;
    redis_script_words(request->script, request->is_script_known, c->words);
    command_add_number(c, request->batch->events + 2);
    command_add_keys(c, request);
    command_collect_marks(c, request->batch);
    command_add_state(c, request);
    command_add_marks(c);
    command_add_events(c, request->batch);
}
