#include "routing/payload.h"

#include "base/utf8.h"

int
payload_init(struct payload *p)
{
    *p = (struct payload){.json = json_new()};
    return p->json != NULL ? 0 : ERR_MEMORY;
}

void
payload_fini(struct payload *p)
{
    json_free(p->json);
    p->json = NULL;
}

void
payload_set(struct payload *p, struct str bytes)
{
    p->bytes = bytes;
    p->utf8_state = PAYLOAD_UNKNOWN;
    p->json_state = PAYLOAD_UNKNOWN;
}

bool
payload_is_utf8(struct payload *p)
{
    if (p->utf8_state == PAYLOAD_UNKNOWN) {
        p->utf8_state = utf8_is_valid(p->bytes) ? PAYLOAD_YES : PAYLOAD_NO;
    }
    return p->utf8_state == PAYLOAD_YES;
}

static int
payload_parse(struct payload *p)
{
    int err = payload_is_utf8(p) ? json_parse(p->json, p->bytes) : ERR_SYNTAX;
    if (err != ERR_MEMORY) {
        p->json_state = err == 0 ? PAYLOAD_YES : PAYLOAD_NO;
    }
    return err;
}

int
payload_find(struct payload *p, const struct json_pointer *pointer, struct json_value *ret_value)
{
    if (p->json_state == PAYLOAD_UNKNOWN && payload_parse(p) == ERR_MEMORY) {
        return ERR_MEMORY;
    }
    if (p->json_state == PAYLOAD_NO) {
        return PAYLOAD_E_NONE;
    }
    return json_find(p->json, pointer, ret_value) == 0 ? 0 : PAYLOAD_E_NONE;
}
