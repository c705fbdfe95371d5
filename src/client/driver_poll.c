/* The poll driver: blocking calls and the caller's event loop alike. Beside transport_socket.c the
 * only file that waits or asks the clock.
 *
 * A step is: read what came, let the core advance, write what it wants, and again while anything
 * changed; only then wait. What came is read before the core hears that the time is up, or of an
 * interrupt: however late the step, an answer that is here is an answer. A connection with nothing in
 * flight is read before it is written to: if the server closed it meanwhile, that is seen while
 * nothing is in doubt yet. (Not if it was heard of a moment ago: of the time between two commands that
 * follow each other at once, the server has the connection for most.) */
#include "base/alloc.h"
#include "base/error.h"
#include "client/driver.h"

#include <assert.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int64_t client_now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* With the time that the machine was suspended, during which markers on the server grow old. */
static int64_t uptime(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_BOOTTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- bytes ---------------------------------------------------------------------------------- */

static void break_link(struct link *l, const struct transport *t)
{
    link_broken(l, t->cause ? t->cause : VOUCH_CAUSE_LOST, t->permanent, t->why);
}

/* Reads what is there. True if anything came; the link may be down afterwards. */
static bool read_in(struct vouch_client *c, struct link *l, struct seat *s)
{
    bool any = false;
    for (int i = 0; i < DRIVER_READS && !l->close_transport; i++) {
        size_t got = 0;
        enum transport_result result =
            s->transport->ops->receive(s->transport, c->buffer, DRIVER_BUFFER, &got);
        if (result == TRANSPORT_AGAIN)
            return any;
        any = true;
        if (result == TRANSPORT_DONE) {
            s->heard_at = c->core.now;
            link_received(l, c->buffer, got);
            if (got < DRIVER_BUFFER)
                return true;
        } else if (result == TRANSPORT_ENDED) {
            link_broken(l, VOUCH_CAUSE_LOST, false, "the server closed the connection");
        } else {
            break_link(l, s->transport);
        }
    }
    return any;
}

/* The other side is gone for writing; what it answered before may still be there. */
static void read_rest(struct vouch_client *c, struct link *l, struct seat *s)
{
    const struct transport failed = *s->transport;
    while (!l->close_transport && read_in(c, l, s))
        ;
    if (!l->close_transport)
        break_link(l, &failed);
}

/* Writes what wants out, and what the transport holds. True if anything happened. */
static bool write_out(struct vouch_client *c, struct link *l, struct seat *s)
{
    struct span spans[TRANSPORT_SPANS];
    struct transport *t = s->transport;
    bool any = false;
    /* What a retired connection holds was given back, and must not go out any more. */
    bool holds = t->holds && !l->conn.retiring;
    if (!holds && !conn_wants_out(&l->conn))
        return false;
    bool fresh = c->core.now - s->heard_at < DRIVER_FRESH_US;
    if (l->conn.pending == 0 && l->state == LINK_READY && !fresh && read_in(c, l, s))
        return true;
    for (;;) {
        size_t n = conn_output(&l->conn, spans, TRANSPORT_SPANS), taken = 0, handed = 0;
        if (n == 0 && (!t->holds || l->conn.retiring))
            return any;
        if (conn_is_turning(&l->conn))
            c->core.now = client_now(); /* a stream's source may have taken its time */
        enum transport_result result = t->ops->send(t, spans, n, &taken, &handed);
        conn_taken(&l->conn, taken);
        link_handed(l, handed);
        if (result == TRANSPORT_AGAIN)
            return any || taken;
        any = true;
        if (result != TRANSPORT_DONE) {
            read_rest(c, l, s);
            return true;
        }
    }
}

/* ---- steps ---------------------------------------------------------------------------------- */

/* A new link gets its seat; without memory for one it fails, and is tried again as others are. */
static bool has_seat(struct vouch_client *c, size_t i)
{
    if (!c->seats[i])
        c->seats[i] = alloc_zeroed(1, sizeof *c->seats[i]);
    if (c->seats[i])
        return true;
    if (c->core.links[i]->state == LINK_OPENING)
        link_unreachable(c->core.links[i], VOUCH_CAUSE_MEMORY, false,
                         "out of memory for a connection");
    c->core.links[i]->close_transport = false; /* there is none */
    return false;
}

static bool serve(struct vouch_client *c, size_t i)
{
    struct link *l = c->core.links[i];
    struct seat *s = c->seats[i];
    if (l->close_transport) {
        l->close_transport = false;
        seat_close(c, s);
    }
    if (l->state == LINK_OPENING)
        return seat_connect(c, l, s);
    if (!s->transport)
        return false;
    bool any = write_out(c, l, s);
    return any || l->close_transport;
}

static void take_interrupt(struct vouch_client *c)
{
    int what = atomic_exchange(&c->interrupt, 0);
    if (!what)
        return;
    uint64_t count;
    ssize_t n = read(c->wake_fd, &count, sizeof count);
    (void)n; /* only resets it; empty is as good */
    if (what & DRIVER_INTERRUPT)
        core_interrupt(&c->core);
}

/* Rounds of one step: what one connection frees, another may send. */
#define ROUNDS_MAX 64

/* Links to be read: a bit for each. */
#define EVERY_LINK UINT64_MAX

/* Whether some operation is about to be ended. */
static bool is_ending(const struct vouch_client *c)
{
    if (atomic_load_explicit(&c->interrupt, memory_order_relaxed))
        return true;
    for (const struct vouch_op *op = c->core.ops; op; op = op->next)
        if (!op->done && c->core.now >= op->deadline)
            return true;
    return false;
}

static bool is_open(const struct link *l, const struct seat *s)
{
    return s && s->transport && s->transport->stage == TRANSPORT_OPEN && !l->close_transport;
}

static void read_links(struct vouch_client *c, uint64_t which)
{
    for (size_t i = 0; i < c->core.link_count && which >> i; i++) {
        struct link *l = c->core.links[i];
        struct seat *s = c->seats[i];
        if ((which >> i) & 1 && is_open(l, s))
            (void)read_in(c, l, s);
    }
}

/* `readable` has a bit for each link that has something to read. */
static void move(struct vouch_client *c, uint64_t readable)
{
    driver_close_shut(c, c->shut_told);
    for (int round = 0; round < ROUNDS_MAX; round++) {
        bool any = false;
        c->core.now = client_now();
        if (c->core.uptime_users)
            c->core.uptime = uptime();
        read_links(c, is_ending(c) ? EVERY_LINK : readable);
        readable = 0;
        if (atomic_load_explicit(&c->interrupt, memory_order_relaxed))
            take_interrupt(c);
        core_advance(&c->core, c->core.now);
        for (size_t i = 0; i < c->core.link_count; i++)
            any = (has_seat(c, i) && serve(c, i)) || any;
        if (!any)
            return;
    }
}

_Static_assert(VOUCH_CLIENT_MAX_CONNECTIONS <= 64, "one bit for each connection");

/* How long there is nothing to do without being told, in microseconds; -1: for ever. */
static int64_t wait_of(const struct vouch_client *c)
{
    int64_t wake = core_wake(&c->core), now = client_now();
    for (size_t i = 0; i < c->core.link_count; i++) {
        const struct seat *s = c->seats[i];
        const struct link *l = c->core.links[i];
        bool begun = s && (s->transport || s->resolving);
        if (l->close_transport || (l->state == LINK_OPENING && !begun) ||
            (is_open(l, s) && s->transport->unread))
            wake = now; /* there is something to do without waiting */
        else if (l->state == LINK_OPENING && s->transport && s->address_by < wake)
            wake = s->address_by;
    }
    if (wake == OP_NEVER)
        return -1;
    return wake <= now ? 0 : wake - now;
}

static short events_of(const struct link *l, const struct seat *s)
{
    return s->transport->ops->events(s->transport, conn_wants_out(&l->conn));
}

static size_t watch(vouch_client *c, struct pollfd *fds, size_t max)
{
    size_t n = 0;
    if (n < max)
        fds[n] = (struct pollfd){.fd = c->wake_fd, .events = POLLIN};
    n++;
    bool resolving = false;
    for (size_t i = 0; i < c->core.link_count; i++) {
        const struct seat *s = c->seats[i];
        if (!s || c->core.links[i]->close_transport)
            continue;
        resolving = resolving || s->resolving;
        if (!s->transport)
            continue;
        if (n < max)
            fds[n] =
                (struct pollfd){.fd = s->transport->fd, .events = events_of(c->core.links[i], s)};
        n++;
    }
    /* A seat that waits for it has no descriptor of its own, so this is never one more. */
    if (resolving && n < max)
        fds[n] = (struct pollfd){.fd = resolver_fd(c->lookup), .events = POLLIN};
    n += resolving;
    c->shut_told = c->shut_count;
    return n;
}

size_t vouch_client_watch(vouch_client *c, struct pollfd *fds, size_t max, int64_t *timeout_ms)
{
    *timeout_ms = -1;
    if (client_is_forked(c))
        return 0;
    size_t n = watch(c, fds, max);
    int64_t wait = wait_of(c);
    *timeout_ms = wait < 0 ? -1 : wait / 1000 + (wait % 1000 != 0);
    return n;
}

static uint64_t readable_links(const struct vouch_client *c, const struct pollfd *fds, size_t n)
{
    uint64_t readable = 0;
    for (size_t k = 0; k < n; k++) {
        if (!(fds[k].revents & (POLLIN | POLLHUP | POLLERR)))
            continue;
        for (size_t i = 0; i < c->core.link_count; i++)
            if (c->seats[i] && c->seats[i]->transport && c->seats[i]->transport->fd == fds[k].fd)
                readable |= UINT64_C(1) << i;
    }
    for (size_t i = 0; i < c->core.link_count; i++)
        if (is_open(c->core.links[i], c->seats[i]) && c->seats[i]->transport->unread)
            readable |= UINT64_C(1) << i;
    return readable;
}

void vouch_client_ready(vouch_client *c, const struct pollfd *fds, size_t n)
{
    if (client_is_forked(c) || c->core.busy)
        return;
    move(c, n ? readable_links(c, fds, n) : EVERY_LINK);
}

void driver_step(struct vouch_client *c, bool wait)
{
    struct pollfd fds[VOUCH_CLIENT_MAX_CONNECTIONS + 1];
    size_t n = watch(c, fds, VOUCH_CLIENT_MAX_CONNECTIONS + 1);
    int64_t us = wait ? wait_of(c) : 0;
    /* To the microsecond: backoffs of poll's milliseconds would all be the same one. */
    struct timespec t = {.tv_sec = (time_t)(us / 1000000), .tv_nsec = (long)(us % 1000000) * 1000};
    int got = ppoll(fds, n, us < 0 ? NULL : &t, NULL);
    move(c, got > 0 ? readable_links(c, fds, n) : EVERY_LINK);
}

void driver_push(struct vouch_client *c)
{
    if (!client_is_forked(c) && !c->core.busy)
        move(c, 0);
}

/* ---- the client's side ---------------------------------------------------------------------- */

vouch_status client_usable(const struct vouch_client *c, vouch_error *error)
{
    if (!c)
        return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "the client is NULL");
    if (client_is_forked(c))
        return error_set(error, VOUCH_EFORKED, VOUCH_CAUSE_NONE,
                         "this client was opened before the fork; open another in this process");
    if (c->core.busy)
        return error_set(error, VOUCH_EBUSY, VOUCH_CAUSE_NONE,
                         "called from inside a callback of this client");
    return VOUCH_OK;
}

vouch_status client_start(struct vouch_client *c, struct vouch_op *op, vouch_error *error)
{
    c->core.now = client_now();
    if (atomic_load(&c->interrupt))
        take_interrupt(c);
    return core_start(&c->core, op, error);
}

void client_drive(struct vouch_client *c, const struct vouch_op *op)
{
    if (!op->done)
        driver_push(c);
    while (!op->done)
        driver_step(c, true);
}

void driver_free(struct vouch_client *c)
{
    /* In a forked child the connections are the parent's: descriptors are closed, nothing is said. */
    if (client_is_forked(c))
        c->core.settings.on_event = NULL;
    core_free(&c->core);
    for (size_t i = 0; i < VOUCH_CLIENT_MAX_CONNECTIONS; i++) {
        if (c->seats[i] && c->seats[i]->transport)
            c->seats[i]->transport->ops->close(c->seats[i]->transport);
        alloc_free(c->seats[i]);
    }
    driver_close_shut(c, c->shut_count);
    resolver_release(c->lookup, client_is_forked(c));
    tls_context_free(c->tls);
    if (c->wake_fd >= 0)
        (void)close(c->wake_fd);
    client_forget_fork(c);
    alloc_free(c->buffer);
    alloc_free(c);
}
