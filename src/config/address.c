/* Setters of addresses: where to listen, and where a broker is. */

#include "config/assignment.h"
#include "config/value.h"

static void
set_listen(const struct assignment *a, struct config_listen *listen)
{
    char host[VALUE_HOST_SIZE_MAX];
    uint16_t port;
    if (value_listen(a->text, host, &port) != 0) {
        assignment_problem(a, "is no address");
        return;
    }
    *listen = (struct config_listen){reader_text(a->r, str_from(host)), port};
}

void
assignment_set_listen(struct assignment *a)
{
    set_listen(a, assignment_field(a));
}

void
assignment_set_listen_or_off(struct assignment *a)
{
    struct config_admin *admin = assignment_field(a);
    admin->is_on = !str_equal(a->text, STR("off"));
    if (admin->is_on) {
        set_listen(a, &admin->listen);
    }
}

/* Only parsed here: the keys beside it have a say in the broker (broker.c). */
void
assignment_set_url(struct assignment *a)
{
    const char *problem = NULL;
    struct url url;
    unsigned only = a->s->only;
    int err = url_parse(a->text, a->r->arena, &url, &problem);
    if (err == ERR_MEMORY) {
        a->r->failure = a->r->arena->is_full ? ERR_LIMIT : err;
    } else if (err != 0) {
        assignment_problem(a, problem);
    } else if (only != 0 && url.is_mqtt != ((only & KEY_MQTT) != 0)) {
        assignment_problem(a, "is for another kind of broker");
    } else {
        a->s->url = url;
        a->s->has_url = true;
    }
}
