#include "sources/resolve.h"

#include "event/loop.h"

#include <event2/dns.h>
#include <event2/util.h>

#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

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
resolve_copy(const struct evutil_addrinfo *found, struct resolve_result *result)
{
    result->length = 0;
    for (; found != NULL && result->length < RESOLVE_ADDRESSES_MAX; found = found->ai_next) {
        char *to = result->addresses[result->length];
        if (getnameinfo(found->ai_addr, (socklen_t)found->ai_addrlen, to, RESOLVE_ADDRESS_SIZE_MAX,
                        NULL, 0, NI_NUMERICHOST) == 0) {
            result->length++;
        }
    }
}

static void
resolve_on_evdns(int error, struct evutil_addrinfo *found, void *arg)
{
    struct resolve_job *job = arg;
    struct resolve *r = job->owner;
    struct resolve_result result;
    resolve_copy(found, &result);
    if (found != NULL) {
        evutil_freeaddrinfo(found);
    }
    free(job);
    if (r == NULL) {
        return;
    }
    r->job = NULL;
    if (error != 0 || result.length == 0) {
        r->on_done(r->arg, NULL, error != 0 ? evutil_gai_strerror(error) : "no address");
        return;
    }
    r->on_done(r->arg, &result, NULL);
}

int
resolve_start(struct resolve *r, const char *host)
{
    /* Not AI_ADDRCONFIG: libevent then refuses "::1" on a machine that has only IPv4 outside. */
    struct evutil_addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_protocol = IPPROTO_TCP};
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
    struct evdns_getaddrinfo_request *request =
        evdns_getaddrinfo(dns, host, NULL, &hints, resolve_on_evdns, job);
    /* NULL: it has called back already, and the job is gone. */
    if (request != NULL) {
        job->request = request;
    }
    return 0;
}

void
resolve_cancel(struct resolve *r)
{
    struct resolve_job *job = r->job;
    if (job == NULL) {
        return;
    }
    r->job = NULL;
    job->owner = NULL;
    evdns_getaddrinfo_cancel(job->request);
}
