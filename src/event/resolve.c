#include "event/resolve.h"

#include "event/loop.h"

#include <event2/dns.h>

#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { RESOLVE_PORT_SIZE = sizeof "65535" };

/* Outlives the struct resolve where that cancels: evdns calls back in any case, once. */
struct resolve_job {
    struct resolve *owner; /* NULL: nobody waits any more */
    struct evdns_getaddrinfo_request *request;
};

void
resolve_init(struct resolve *r, struct loop *loop, resolve_on_done_fn on_done, void *arg)
{
    *r = (struct resolve){.loop = loop, .on_done = on_done, .arg = arg};
}

static void
resolve_drop(struct evutil_addrinfo *found)
{
    if (found != NULL) {
        evutil_freeaddrinfo(found);
    }
}

bool
resolve_has_next(const struct resolve *r)
{
    return r->left > 0;
}

const struct evutil_addrinfo *
resolve_next(struct resolve *r)
{
    const struct evutil_addrinfo *address = r->next;
    if (r->left == 0) {
        return NULL;
    }
    assert(address != NULL);
    r->next = address->ai_next != NULL ? address->ai_next : r->found;
    r->left--;
    r->tried++;
    return address;
}

void
resolve_skip_tried(struct resolve *r)
{
    r->first += r->tried;
    r->tried = 0;
}

static void
resolve_keep(struct resolve *r, struct evutil_addrinfo *found)
{
    r->found = found;
    r->next = found;
    for (const struct evutil_addrinfo *a = found; a != NULL; a = a->ai_next) {
        r->left++;
    }
    for (size_t skip = r->left > 0 ? r->first % r->left : 0; skip > 0; skip--) {
        assert(r->next != NULL);
        r->next = r->next->ai_next;
    }
}

static void
resolve_on_evdns(int error, struct evutil_addrinfo *found, void *arg)
{
    struct resolve_job *job = arg;
    struct resolve *r = job->owner;
    free(job);
    if (r == NULL) {
        resolve_drop(found);
        return;
    }
    r->job = NULL;
    resolve_keep(r, found);
    if (error != 0) {
        r->on_done(r->arg, evutil_gai_strerror(error));
    } else {
        r->on_done(r->arg, resolve_has_next(r) ? NULL : "no address");
    }
}

static void
resolve_ask(struct resolve *r, struct evdns_base *dns, const char *host, uint16_t port)
{
    /* Not AI_ADDRCONFIG: libevent then refuses "::1" on a machine that has only IPv4 outside. */
    struct evutil_addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_protocol = IPPROTO_TCP};
    char text[RESOLVE_PORT_SIZE];
    struct resolve_job *job = r->job;
    (void)snprintf(text, sizeof text, "%u", (unsigned)port);
    struct evdns_getaddrinfo_request *request =
        evdns_getaddrinfo(dns, host, text, &hints, resolve_on_evdns, job);
    /* NULL: it has called back already, and the job is gone. */
    if (request != NULL) {
        job->request = request;
    }
}

int
resolve_start(struct resolve *r, const char *host, uint16_t port)
{
    assert(r->job == NULL);
    resolve_cancel(r);
    r->tried = 0;
    struct evdns_base *dns = loop_dns(r->loop);
    if (dns == NULL) {
        return ERR_RESOLVE;
    }
    struct resolve_job *job = calloc(1, sizeof *job);
    if (job == NULL) {
        return ERR_MEMORY;
    }
    job->owner = r;
    r->job = job;
    resolve_ask(r, dns, host, port);
    return 0;
}

void
resolve_cancel(struct resolve *r)
{
    struct resolve_job *job = r->job;
    resolve_drop(r->found);
    r->found = NULL;
    r->next = NULL;
    r->left = 0;
    if (job == NULL) {
        return;
    }
    r->job = NULL;
    job->owner = NULL;
    evdns_getaddrinfo_cancel(job->request);
}
