#include "config/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_SIZE = 65536 };

static const char *
problem_text(int error)
{
    switch (error) {
    case ENOENT:
        return "does not exist";
    case EACCES:
    case EPERM:
        return "may not be read (permission denied)";
    case EISDIR:
        return "is a directory";
    case ENOTDIR:
        return "lies below something that is no directory";
    case ELOOP:
        return "is a symbolic link that leads in a circle";
    case ENAMETOOLONG:
        return "has a name that is too long";
    default:
        return "cannot be read";
    }
}

/* A file descriptor, or -1 with `ret_problem`. */
static int
file_open(const char *path, const char **ret_problem)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        *ret_problem = problem_text(errno);
        return -1;
    }
    if (fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) {
        *ret_problem = problem_text(EISDIR);
        close(fd);
        return -1;
    }
    return fd;
}

static int
file_read_all(int fd, struct buf *out, const char **ret_problem)
{
    for (;;) {
        char chunk[READ_SIZE];
        ssize_t size = read(fd, chunk, sizeof(chunk));
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size < 0) {
            *ret_problem = problem_text(errno);
            return ERR_FILE;
        }
        int err = buf_append(out, chunk, (size_t)size);
        if (size == 0 || err != 0) {
            return err;
        }
    }
}

int
file_read(const char *path, struct buf *out, const char **ret_problem)
{
    int fd = file_open(path, ret_problem);
    if (fd < 0) {
        return ERR_FILE;
    }
    int err = file_read_all(fd, out, ret_problem);
    close(fd);
    return err;
}

const char *
file_problem(const char *path)
{
    struct stat status;
    if (access(path, R_OK) != 0 || stat(path, &status) != 0) {
        return problem_text(errno);
    }
    if (S_ISDIR(status.st_mode)) {
        return problem_text(EISDIR);
    }
    return S_ISFIFO(status.st_mode) ? "is a pipe" : NULL;
}
