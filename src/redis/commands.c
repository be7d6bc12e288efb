#include "redis/commands.h"

#include <assert.h>
#include <stdlib.h>

int
commands_init(struct commands *c, size_t capacity)
{
    *c = (struct commands){.capacity = capacity};
    c->ring = calloc(capacity, sizeof *c->ring);
    return c->ring != NULL ? 0 : ERR_MEMORY;
}

void
commands_fini(struct commands *c)
{
    free(c->ring);
    *c = (struct commands){.ring = NULL};
}

void
commands_push(struct commands *c, const struct command *command)
{
    assert(c->length < c->capacity);
    c->ring[(c->first + c->length) % c->capacity] = *command;
    c->length++;
}

const struct command *
commands_oldest(const struct commands *c)
{
    return c->length > 0 ? &c->ring[c->first] : NULL;
}

bool
commands_pop(struct commands *c, struct command *ret_command)
{
    if (c->length == 0) {
        return false;
    }
    *ret_command = c->ring[c->first];
    c->first = (c->first + 1) % c->capacity;
    c->length--;
    return true;
}
