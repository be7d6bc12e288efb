#include "children.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { FOLDER_DESCRIPTORS = 8, EXIT_CANNOT_RUN = 127 };

static void
child_run(const char *const *argv)
{
    int nowhere = open("/dev/null", O_RDWR);
    if (nowhere < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) {
        _exit(EXIT_CANNOT_RUN);
    }
    for (int fd = 0; fd < 3; fd++) {
        (void)dup2(nowhere, fd);
    }
    /* A socket of the test's that lived on here would be reported by its epoll for ever. */
    (void)close_range(3, ~0U, 0);
    (void)execvp(argv[0], (char *const *)(uintptr_t)argv);
    _exit(EXIT_CANNOT_RUN);
}

pid_t
child_start(const char *const *argv)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        child_run(argv);
    }
    return child;
}

int
child_end(pid_t child, int signal)
{
    int status = 0;
    if (signal != 0) {
        assert_int_equal(kill(child, signal), 0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

char *
folder_make(void)
{
    const char *where = getenv("TMPDIR");
    char *folder = NULL;
    assert_true(asprintf(&folder, "%s/runnel-test-XXXXXX", where != NULL ? where : "/tmp") > 0);
    assert_non_null(mkdtemp(folder));
    return folder;
}

static int
folder_remove_one(const char *path, const struct stat *about, int type, struct FTW *where)
{
    (void)about;
    (void)type;
    (void)where;
    return remove(path);
}

void
folder_remove(char *folder)
{
    (void)nftw(folder, folder_remove_one, FOLDER_DESCRIPTORS, FTW_DEPTH | FTW_PHYS);
    free(folder);
}
