#include "replay/redis_scripts.h"

int
redis_scripts_init(struct redis_scripts *s)
{
    int err = redis_script_init(&s->head, (struct str){redis_text_head, redis_text_head_size});
    if (err == 0) {
        err =
            redis_script_init(&s->append, (struct str){redis_text_append, redis_text_append_size});
    }
    if (err == 0) {
        err = redis_script_init(&s->read, (struct str){redis_text_read, redis_text_read_size});
    }
    return err;
}
