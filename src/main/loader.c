#include "main/loader.h"

#include "config/file.h"
#include "config/problems.h"
#include "event/loop.h"
#include "event/mailbox.h"
#include "main/settings.h"
#include "main/thread.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>

struct loader {
    const char *path;
    loader_on_done_fn on_done;
    void *arg;
    struct mailbox *done; /* one mail each */
    pthread_t thread;
    bool is_running;
    /* The thread's while it runs. */
    struct settings *settings;
    struct problems *problems;
    int err;
};

/* An empty file would be a good one, without sources; but it is one that somebody is about to write. */
static const char *
loader_find_problem(const char *path)
{
    struct stat s;
    const char *problem = file_problem(path);
    bool is_empty = problem == NULL && stat(path, &s) == 0 && s.st_size == 0;
    return is_empty ? "is empty" : problem;
}

static int
loader_load(struct loader *l)
{
    if (l->problems == NULL) {
        return ERR_MEMORY;
    }
    const char *problem = loader_find_problem(l->path);
    if (problem != NULL) {
        problems_add(l->problems, (struct config_mark){0}, "", "%s", problem);
        return ERR_CONFIG;
    }
    return settings_load(l->path, l->problems, &l->settings);
}

static void *
loader_run(void *arg)
{
    struct loader *l = arg;
    struct mail mail = {.type = 0};
    l->problems = problems_new(l->path);
    l->err = loader_load(l);
    if (mailbox_post_urgent(l->done, &mail) < 0) {
        abort(); /* a few bytes: the process cannot be saved */
    }
    return NULL;
}

static void
loader_join(struct loader *l)
{
    if (l->is_running) {
        pthread_join(l->thread, NULL);
        l->is_running = false;
    }
}

static void
loader_on_mail(void *arg, const struct mail *mails, size_t length)
{
    struct loader *l = arg;
    (void)mails;
    (void)length;
    if (l->on_done == NULL) {
        return;
    }
    loader_join(l);
    struct settings *settings = l->settings;
    struct problems *problems = l->problems;
    l->settings = NULL;
    l->problems = NULL;
    l->on_done(l->arg, l->err, settings, problems);
    problems_free(problems);
}

struct loader *
loader_new(struct loop *loop, const char *path, loader_on_done_fn on_done, void *arg)
{
    struct loader *l = calloc(1, sizeof *l);
    if (l == NULL) {
        return NULL;
    }
    *l = (struct loader){.path = path, .on_done = on_done, .arg = arg};
    l->done = mailbox_new(loop, 1, loader_on_mail, l);
    if (l->done == NULL) {
        free(l);
        return NULL;
    }
    return l;
}

void
loader_free(struct loader *l)
{
    if (l == NULL) {
        return;
    }
    loader_join(l);
    l->on_done = NULL;
    mailbox_free(l->done);
    settings_unref(l->settings);
    problems_free(l->problems);
    free(l);
}

int
loader_start(struct loader *l)
{
    int err = thread_start(&l->thread, loader_run, l);
    l->is_running = err == 0;
    return err;
}
