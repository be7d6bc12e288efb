#undef NDEBUG
#include "broker.h"

#include "base/clock.h"

#include <mosquitto.h>

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <mqtt_protocol.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BROKER_PATIENCE_S = 30, BROKER_TRIES = 5 };

static bool
broker_is_patient(uint64_t begin_ns)
{
    return clock_mono_ns() - begin_ns < BROKER_PATIENCE_S * UINT64_C(1000000000);
}

static uint16_t
broker_find_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0);
    assert(getsockname(fd, (struct sockaddr *)&address, &size) == 0);
    close(fd);
    return ntohs(address.sin_port);
}

static bool
broker_answers(const struct broker *b)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(b->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert(fd >= 0);
    bool is_open = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return is_open;
}

void
broker_init(struct broker *b)
{
    *b = (struct broker){0};
    (void)snprintf(b->folder, sizeof b->folder, "/tmp/runnel-mqtt-XXXXXX");
    assert(mkdtemp(b->folder) != NULL);
}

void
broker_run(const struct broker *b, const char *command)
{
    char line[4096];
    (void)snprintf(line, sizeof line, "cd '%s' && { %s; } >>out 2>&1", b->folder, command);
    int status = system(line);
    assert(status == 0);
}

void
broker_fini(struct broker *b)
{
    broker_stop(b);
    broker_run(b, "cd / && rm -r \"$OLDPWD\"; exec >/dev/null");
}

static void
broker_write_config(const struct broker *b)
{
    char path[BROKER_PATH_SIZE_MAX + 32];
    (void)snprintf(path, sizeof path, "%s/mosquitto.conf", b->folder);
    FILE *file = fopen(path, "we");
    assert(file != NULL);
    /* As root it would become "mosquitto", who may not read the folder. */
    assert(fprintf(file, "user root\nlistener %u 127.0.0.1\n%s\n", (unsigned)b->port, b->config) >
           0);
    assert(fclose(file) == 0);
}

static void
broker_exec(const struct broker *b)
{
    assert(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && chdir(b->folder) == 0);
    int out = open("mosquitto.log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert(out >= 0 && dup2(out, STDOUT_FILENO) >= 0 && dup2(out, STDERR_FILENO) >= 0);
    execlp("mosquitto", "mosquitto", "-c", "mosquitto.conf", (char *)NULL);
    execl("/usr/sbin/mosquitto", "mosquitto", "-c", "mosquitto.conf", (char *)NULL);
    _exit(127);
}

/* False where it ended: somebody else took the port. */
static bool
broker_launch(struct broker *b)
{
    uint64_t begin_ns = clock_mono_ns();
    broker_write_config(b);
    b->pid = fork();
    assert(b->pid >= 0);
    if (b->pid == 0) {
        broker_exec(b);
    }
    while (broker_is_patient(begin_ns)) {
        if (waitpid(b->pid, NULL, WNOHANG) == b->pid) {
            b->pid = 0;
            return false;
        }
        if (broker_answers(b)) {
            return true;
        }
        (void)poll(NULL, 0, 2);
    }
    return false;
}

void
broker_start(struct broker *b, const char *config)
{
    (void)snprintf(b->config, sizeof b->config, "%s", config);
    for (int i = 0; i < BROKER_TRIES; i++) {
        b->port = broker_find_port();
        if (broker_launch(b)) {
            return;
        }
    }
    broker_run(b, "cat mosquitto.log >&2; false");
}

void
broker_restart(struct broker *b)
{
    assert(b->pid == 0 && broker_launch(b));
}

void
broker_stop(struct broker *b)
{
    if (b->pid != 0) {
        assert(kill(b->pid, SIGTERM) == 0);
        assert(waitpid(b->pid, NULL, 0) == b->pid);
        b->pid = 0;
    }
}

struct broker_publisher {
    bool is_open, is_acknowledged; /* is_acknowledged: all of them */
    int missing;
};

static void
broker_on_connect(struct mosquitto *client, void *arg, int code)
{
    struct broker_publisher *p = arg;
    (void)client;
    assert(code == 0);
    p->is_open = true;
}

static void
broker_on_publish(struct mosquitto *client, void *arg, int mid)
{
    struct broker_publisher *p = arg;
    (void)client;
    (void)mid;
    p->is_acknowledged = --p->missing == 0;
}

/* Not mosquitto_loop(): it cannot have descriptors above 1023, and one test has. */
static void
broker_drive(struct mosquitto *client, const bool *is_done)
{
    uint64_t begin_ns = clock_mono_ns();
    while (!*is_done) {
        struct pollfd wait = {.fd = mosquitto_socket(client), .events = POLLIN};
        assert(broker_is_patient(begin_ns) && wait.fd >= 0);
        assert(mosquitto_loop_write(client, 1) == MOSQ_ERR_SUCCESS);
        if (!*is_done) {
            (void)poll(&wait, 1, 5);
            assert(mosquitto_loop_read(client, 1) == MOSQ_ERR_SUCCESS);
        }
    }
}

static struct mosquitto *
broker_connect(const struct broker *b, const char *client_id, struct broker_publisher *p)
{
    assert(mosquitto_lib_init() == MOSQ_ERR_SUCCESS);
    struct mosquitto *client = mosquitto_new(client_id, true, p);
    assert(client != NULL);
    mosquitto_connect_callback_set(client, broker_on_connect);
    mosquitto_publish_callback_set(client, broker_on_publish);
    if (b->is_tls) {
        assert(mosquitto_tls_set(client, NULL, b->folder, NULL, NULL, NULL) == MOSQ_ERR_SUCCESS);
        assert(mosquitto_tls_opts_set(client, 0, NULL, NULL) == MOSQ_ERR_SUCCESS);
    }
    assert(mosquitto_connect(client, "127.0.0.1", b->port, 60) == MOSQ_ERR_SUCCESS);
    broker_drive(client, &p->is_open);
    return client;
}

static void
broker_queue(struct mosquitto *client, const char *topic, const char *payload, int qos, bool retain)
{
    assert(mosquitto_publish(client, NULL, topic, (int)strlen(payload), payload, qos, retain) ==
           MOSQ_ERR_SUCCESS);
}

static void
broker_finish(struct mosquitto *client, const struct broker_publisher *p)
{
    broker_drive(client, &p->is_acknowledged);
    assert(mosquitto_disconnect(client) == MOSQ_ERR_SUCCESS);
    mosquitto_destroy(client);
}

static void
broker_send(const struct broker *b, const char *topic, const char *payload, int qos, bool retain)
{
    struct broker_publisher p = {.missing = 1};
    struct mosquitto *client = broker_connect(b, NULL, &p);
    broker_queue(client, topic, payload, qos, retain);
    broker_finish(client, &p);
}

void
broker_publish_many(const struct broker *b, const char *topic, int count)
{
    struct broker_publisher p = {.missing = count};
    struct mosquitto *client = broker_connect(b, NULL, &p);
    for (int i = 0; i < count; i++) {
        char payload[16];
        (void)snprintf(payload, sizeof payload, "%d", i);
        broker_queue(client, topic, payload, 1, false);
    }
    broker_finish(client, &p);
}

void
broker_publish(const struct broker *b, const char *topic, const char *payload, int qos)
{
    broker_send(b, topic, payload, qos, false);
}

void
broker_retain(const struct broker *b, const char *topic, const char *payload)
{
    broker_send(b, topic, payload, 1, true);
}

void
broker_take_over(const struct broker *b, const char *client_id)
{
    struct broker_publisher p = {0};
    mosquitto_destroy(broker_connect(b, client_id, &p));
}
