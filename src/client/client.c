/* The public side of a client: open, close, interrupt; and operations in general. */
#include "base/alloc.h"
#include "base/error.h"
#include "client/driver.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

/* ---- opening: an operation that ends when its lane has a connection ------------------------- */

struct opening {
    struct vouch_op op; /* first */
    struct lane lane;
    vouch_cause cause;
};

static struct opening *of_lane(struct lane *l)
{
    return (struct opening *)((char *)l - offsetof(struct opening, lane));
}

static bool pull(struct lane *l, size_t commands, struct run *out, const struct need **need)
{
    (void)l;
    (void)commands;
    (void)out;
    (void)need;
    return false;
}

static void on_reply(struct lane *l, const struct vouch_reply *reply, enum reader_fate fate)
{
    (void)l;
    (void)reply;
    (void)fate;
}

static void on_lost(struct lane *l, size_t maybe, size_t unsent, vouch_cause cause)
{
    (void)l;
    (void)maybe;
    (void)unsent;
    (void)cause;
}

static void on_unsent(struct lane *l, size_t unsent)
{
    (void)l;
    (void)unsent;
}

static void finish(struct opening *o, vouch_cause cause)
{
    size_t maybe, unsent;
    o->cause = cause;
    o->op.done = true;
    lane_close(&o->lane, &maybe, &unsent);
}

static void on_failed(struct lane *l)
{
    of_lane(l)->cause = l->failure.cause;
    of_lane(l)->op.done = true;
}

static void advance(struct vouch_op *op, int64_t now)
{
    (void)now;
    struct opening *o = (struct opening *)op;
    if (o->lane.link && o->lane.link->state == LINK_READY)
        finish(o, VOUCH_CAUSE_NONE);
}

static void expire(struct vouch_op *op, vouch_cause cause)
{
    finish((struct opening *)op, cause);
}

static const struct lane_ops lane_ops = {pull, on_reply, on_lost, on_unsent, on_failed, NULL};
static const struct op_ops op_ops = {advance, expire};

static vouch_status report(const struct opening *o, vouch_error *error)
{
    const struct lane_failure *f = &o->lane.failure;
    vouch_status status = VOUCH_ECONNECT;
    if (o->cause == VOUCH_CAUSE_NONE) {
        error_clear(error);
        return VOUCH_OK;
    }
    if (o->cause == VOUCH_CAUSE_MEMORY)
        status = VOUCH_ENOMEM;
    if (o->cause == VOUCH_CAUSE_INTERRUPTED)
        status = VOUCH_EINTERRUPTED;
    (void)error_set(error, status, o->cause, "%s",
                    f->message[0] ? f->message : vouch_cause_sentence(o->cause));
    if (error) {
        memcpy(error->code, f->code, sizeof error->code);
        error->retriable = 1;
    }
    return status;
}

static vouch_status first_connection(vouch_client *c, vouch_error *error)
{
    struct opening o = {.op = {.ops = &op_ops, .wake = OP_NEVER}};
    lane_init(&o.lane, &c->core, &lane_ops, 0, false, 0);
    /* The link gives up by itself, with better words; a margin lets it. */
    o.op.deadline = client_now() + c->core.settings.connect_ms * 1000 + 20000;
    c->core.now = client_now();
    lane_offer(&o.lane);
    vouch_status status = client_start(c, &o.op, error);
    if (status)
        return status;
    client_drive(c, &o.op);
    core_end(&c->core, &o.op);
    return report(&o, error);
}

/* Zeroed in a forked child (since Linux 4.14). */
static unsigned char *make_alive(void)
{
    /* cppcheck-suppress invalidFunctionArg ; no file: -1 */
    unsigned char *page = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return NULL;
    if (madvise(page, 1, MADV_WIPEONFORK) == 0) {
        *page = 1;
        return page;
    }
    (void)munmap(page, 1);
    return NULL;
}

bool client_is_forked(const vouch_client *c)
{
    return c->alive ? !*c->alive : c->pid != getpid();
}

void client_forget_fork(vouch_client *c)
{
    if (c->alive)
        (void)munmap(c->alive, 1);
    c->alive = NULL;
}

/* What no other client has, in any process on any machine. Not the generator of the backoffs, which is
 * seeded with what two processes may have in common. */
static bool make_identity(char out[static CORE_IDENTITY_MAX])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char random[(CORE_IDENTITY_MAX - 1) / 2];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return false;
    for (size_t i = 0; i < sizeof random; i++) {
        out[2 * i] = digits[random[i] >> 4];
        out[2 * i + 1] = digits[random[i] & 15];
    }
    out[CORE_IDENTITY_MAX - 1] = 0;
    return true;
}

static vouch_client *create(const struct settings *s)
{
    vouch_client *c = alloc_zeroed(1, sizeof *c);
    if (!c)
        return NULL;
    c->pid = getpid();
    c->alive = make_alive();
    core_init(&c->core, s,
              (uint64_t)client_now() * UINT64_C(0x9e3779b97f4a7c15) ^ (uint64_t)c->pid);
    c->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    c->buffer = alloc_get(DRIVER_BUFFER);
    if (c->wake_fd >= 0 && c->buffer && make_identity(c->core.identity))
        return c;
    memset(&c->core.settings, 0, sizeof c->core.settings); /* the caller still owns them */
    driver_free(c);
    return NULL;
}

static vouch_status prepare_tls(vouch_client *c, vouch_error *error)
{
    char why[TLS_WHY_MAX];
    if (!c->core.settings.endpoint.tls)
        return VOUCH_OK;
    c->tls = tls_context_new(&c->core.settings.tls, why);
    return c->tls ? VOUCH_OK : error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_TLS, "%s", why);
}

vouch_status vouch_client_open(const char *url, const vouch_client_options *options,
                               vouch_client **out, vouch_error *error)
{
    struct settings s;
    error_clear(error);
    if (!out)
        return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "out is NULL");
    *out = NULL;
    vouch_status status = settings_read(&s, url, options, error);
    if (status)
        return status;
    vouch_client *c = create(&s);
    if (!c) {
        settings_free(&s);
        return error_set(error, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY,
                         "no memory, no descriptor or no randomness for a client");
    }
    status = prepare_tls(c, error);
    if (!status && !s.lazy)
        status = first_connection(c, error);
    if (status)
        driver_free(c);
    else
        *out = c;
    return status;
}

void vouch_client_close(vouch_client *client)
{
    if (client)
        driver_free(client);
}

static void signal_driver(vouch_client *client, int what)
{
    static const uint64_t one = 1;
    int before = errno; /* this may be inside a signal handler */
    if (client_is_forked(client))
        return; /* the descriptor is the parent's too, and nobody there would reset it */
    (void)atomic_fetch_or(&client->interrupt, what);
    ssize_t n = write(client->wake_fd, &one, sizeof one);
    (void)n; /* full is as good as written */
    errno = before;
}

void vouch_client_interrupt(vouch_client *client)
{
    signal_driver(client, DRIVER_INTERRUPT);
}

void client_wake(struct vouch_client *client)
{
    signal_driver(client, DRIVER_WAKE);
}

vouch_status vouch_client_stats(const vouch_client *client, vouch_stats *stats)
{
    if (!client || !stats || stats->size < sizeof stats->size)
        return VOUCH_EINVAL;
    if (client_is_forked(client))
        return VOUCH_EFORKED;
    observe_stats(&client->core, stats);
    return VOUCH_OK;
}

/* ---- operations ----------------------------------------------------------------------------- */

bool vouch_op_done(const vouch_op *op)
{
    return op->done;
}

void vouch_op_cancel(vouch_op *op)
{
    const struct vouch_client *client =
        (const struct vouch_client *)op->core; /* its first member */
    if (!op->done && client && !client->core.busy && !client_is_forked(client))
        op->ops->expire(op, VOUCH_CAUSE_CANCELLED);
}
