/* The resolver's thread.
 *
 * Two hold a look-up: the thread, until it has the answer, and whoever asked, until it lets go. The
 * last one releases it. The thread takes no signal: handlers run where the program expects them. */
#include "net/resolver.h"

#include "base/alloc.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define WHY_MAX 160

struct resolver {
    struct endpoint endpoint;
    struct endpoint_addresses addresses;
    char why[WHY_MAX];
    bool found;
    int fd; /* an eventfd */
    atomic_int holders;
    atomic_bool done;
};

static void let_go(struct resolver *r)
{
    if (atomic_fetch_sub(&r->holders, 1) > 1)
        return;
    (void)close(r->fd);
    alloc_free(r);
}

static void *look_up(void *argument)
{
    static const uint64_t one = 1;
    struct resolver *r = argument;
    r->found = endpoint_resolve(&r->endpoint, &r->addresses, r->why, sizeof r->why);
    atomic_store(&r->done, true);
    ssize_t n = write(r->fd, &one, sizeof one);
    (void)n; /* the first write to an eventfd does not fail */
    let_go(r);
    return NULL;
}

static bool start_thread(struct resolver *r)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    if (pthread_attr_init(&attributes) != 0)
        return false;
    (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&thread, &attributes, look_up, r) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attributes);
    return started;
}

struct resolver *resolver_start(const struct endpoint *e)
{
    struct resolver *r = alloc_zeroed(1, sizeof *r);
    if (!r)
        return NULL;
    r->endpoint = *e;
    atomic_init(&r->holders, 2);
    atomic_init(&r->done, false);
    r->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (r->fd >= 0 && start_thread(r))
        return r;
    if (r->fd >= 0)
        (void)close(r->fd);
    alloc_free(r);
    return NULL;
}

int resolver_fd(const struct resolver *r)
{
    return r->fd;
}

bool resolver_done(const struct resolver *r)
{
    return atomic_load(&r->done);
}

bool resolver_answer(const struct resolver *r, struct endpoint_addresses *out, char *why,
                     size_t why_size)
{
    *out = r->addresses;
    (void)snprintf(why, why_size, "%s", r->why);
    return r->found;
}

void resolver_release(struct resolver *r, bool alone)
{
    if (!r)
        return;
    if (alone)
        atomic_store(&r->holders, 1);
    let_go(r);
}
