/* The module's public calls. The only file here that knows a client with its driver, and the clock.
 *
 * A collector is present among the client's operations, with one that is always done: that does
 * nothing, but for telling the collector that its client was closed.
 *
 * Invariants
 *   1. `flush` is there exactly while gather.in_flight.
 *   2. While `inside`, the client or callbacks are running: nothing but adds from callbacks gets in. */
#include "base/alloc.h"
#include "base/error.h"
#include "client/driver.h"
#include "collector/collector.h"

#include <assert.h>
#include <unistd.h>

struct vouch_collector {
    struct gather gather;
    struct vouch_op presence;
    vouch_client *client; /* not to be touched once the presence has no core */
    pid_t pid;            /* of the process that opened it */
    vouch_pipeline_options options;
    vouch_op *flush;       /* under way, or NULL */
    vouch_error add_error; /* of the last add that failed */
    bool inside, telling, closing;
};

/* ---- presence ------------------------------------------------------------------------------- */

static bool client_gone(const vouch_collector *c)
{
    return !c->presence.core;
}

static void never_advances(struct vouch_op *op, int64_t now)
{
    (void)op;
    (void)now;
}

/* An interrupt that came while the client was idle is for the next call, which this is not. */
static void passes_interrupt_on(struct vouch_op *op, vouch_cause cause)
{
    (void)cause;
    op->core->interrupted = true;
}

static const struct op_ops presence_ops = {never_advances, passes_interrupt_on};

/* ---- opening and releasing ------------------------------------------------------------------ */

static vouch_status null_argument(vouch_error *error, const char *what)
{
    return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "%s is NULL", what);
}

static void set_up(vouch_collector *c, vouch_client *client, const vouch_collector_options *o)
{
    c->client = client;
    c->pid = getpid();
    c->options = (vouch_pipeline_options)VOUCH_PIPELINE_OPTIONS_INIT;
    if (o) {
        c->options.idempotent = o->idempotent;
        c->options.reorder_ok = o->reorder_ok;
        c->options.outages = o->outages;
        c->options.deadline_ms = o->deadline_ms;
    }
    c->presence = (struct vouch_op){
        .ops = &presence_ops, .deadline = OP_NEVER, .wake = OP_NEVER, .done = true};
}

static void destroy(vouch_collector *c)
{
    gather_free(&c->gather);
    alloc_free(c);
}

vouch_status vouch_collector_open(vouch_client *client, const vouch_collector_options *options,
                                  vouch_collector **out, vouch_error *error)
{
    error_clear(error);
    if (!out)
        return null_argument(error, "out");
    *out = NULL;
    vouch_status status = client_usable(client, error);
    if (status)
        return status;
    vouch_collector *c = alloc_zeroed(1, sizeof *c);
    if (!c)
        return error_set(error, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "out of memory for a collector");
    set_up(c, client, options);
    status = gather_init(&c->gather, options, error);
    if (!status)
        status = core_start(&client->core, &c->presence, error);
    if (status)
        destroy(c);
    else
        *out = c;
    return status;
}

/* Without a word to anybody. What is under way ends in memory: no byte moves. */
static void release(vouch_collector *c)
{
    vouch_results *results = NULL;
    vouch_op *op = c->flush;
    if (op && !op->done)
        op->ops->expire(op, VOUCH_CAUSE_CANCELLED);
    if (op && op->core)
        core_end(op->core, op);
    if (op)
        (void)!vouch_pipeline_finish(op, &results, NULL);
    vouch_results_free(results);
    if (c->presence.core)
        core_end(c->presence.core, &c->presence);
    destroy(c);
}

/* ---- flushes -------------------------------------------------------------------------------- */

/* Moves the one that is under way, without waiting. */
static void look(vouch_collector *c, int64_t now)
{
    c->inside = true;
    vouch_client_ready(c->client, NULL, 0);
    c->inside = false;
    gather_looked(&c->gather, now);
}

/* Starts one with all that is gathered, and moves what can be moved without waiting. */
static vouch_status start(vouch_collector *c, int64_t now, vouch_error *error)
{
    struct gather *g = &c->gather;
    c->inside = true;
    vouch_status status =
        vouch_pipeline_start(c->client, g->next->batch, &c->options, &c->flush, error);
    c->inside = false;
    if (status) {
        gather_refused(g, now);
        return status;
    }
    gather_launched(g, now);
    look(c, now);
    return VOUCH_OK;
}

/* Waits for the one under way if it is not done, and tells everybody. */
static void finish(vouch_collector *c, struct outcome *o)
{
    vouch_results *results = NULL;
    vouch_error e;
    c->inside = true;
    (void)!vouch_pipeline_finish(c->flush, &results, &e);
    assert(results); /* the client was usable, or is gone */
    c->flush = NULL;
    c->telling = true;
    struct told told = tell_results(&c->gather, results);
    c->telling = c->inside = false;
    outcome_add_flush(o, &e, &told);
    vouch_results_free(results);
}

/* Tells everybody of what is gathered that it was not sent. */
static void give_up(vouch_collector *c, vouch_cause cause)
{
    gather_turn(&c->gather);
    c->inside = c->telling = true;
    tell_unsent(&c->gather, cause);
    c->telling = c->inside = false;
}

static void give_up_all(vouch_collector *c, struct outcome *o)
{
    vouch_error e;
    give_up(c, VOUCH_CAUSE_CANCELLED);
    (void)error_set(&e, VOUCH_ECANCELLED, VOUCH_CAUSE_CANCELLED,
                    "the collector's client was closed");
    outcome_add(o, &e);
}

static vouch_status usable(const vouch_collector *c, vouch_error *error)
{
    error_clear(error);
    if (!c)
        return null_argument(error, "the collector");
    if (c->pid != getpid())
        return error_set(error, VOUCH_EFORKED, VOUCH_CAUSE_NONE,
                         "this collector was opened before the fork; open another in this process");
    if (c->inside)
        return error_set(error, VOUCH_EBUSY, VOUCH_CAUSE_NONE,
                         "called from inside a callback of this collector");
    return client_gone(c) ? VOUCH_OK : client_usable(c->client, error);
}

/* ---- adding --------------------------------------------------------------------------------- */

static vouch_status may_add(vouch_collector *c, vouch_error *error)
{
    struct gather *g = &c->gather;
    if (c->closing || (c->inside && !c->telling))
        return error_set(error, VOUCH_EBUSY, VOUCH_CAUSE_NONE,
                         c->closing ? "the collector is being closed"
                                    : "called from inside a callback of the collector's client");
    if (client_gone(c))
        return error_set(error, VOUCH_ECANCELLED, VOUCH_CAUSE_CANCELLED,
                         "the collector's client was closed");
    if (client_is_forked(c->client))
        return error_set(error, VOUCH_EFORKED, VOUCH_CAUSE_NONE,
                         "this collector was opened before the fork; open another in this process");
    return gather_room(g, error);
}

/* The batch refused it; what was added before stays good. */
static vouch_status refused(vouch_collector *c)
{
    vouch_batch *b = c->gather.next->batch;
    vouch_status status = vouch_batch_error(b, &c->add_error);
    c->add_error.command = VOUCH_NO_COMMAND;
    batch_forgive(b);
    return status;
}

static void added(vouch_collector *c, vouch_collected callback, void *user)
{
    struct gather *g = &c->gather;
    int64_t now = client_now();
    if (!gather_count(g, callback, user, now) || c->telling)
        return;
    if (gather_wants_look(g, now))
        look(c, now);
    else
        (void)!start(c, now, NULL); /* it was added all the same; service says what is wrong */
}

vouch_status vouch_collector_addv(vouch_collector *c, vouch_collected callback, void *user,
                                  vouch_args args)
{
    if (!c)
        return VOUCH_EINVAL;
    vouch_status status = may_add(c, &c->add_error);
    if (status)
        return status;
    if (vouch_batch_addv(c->gather.next->batch, args) == VOUCH_NO_COMMAND)
        return refused(c);
    added(c, callback, user);
    return VOUCH_OK;
}

vouch_status vouch_collector_argv(vouch_collector *c, vouch_collected callback, void *user,
                                  size_t argc, const char *const *argv, const size_t *argvlen)
{
    if (!c)
        return VOUCH_EINVAL;
    vouch_status status = may_add(c, &c->add_error);
    if (status)
        return status;
    if (vouch_batch_argv(c->gather.next->batch, argc, argv, argvlen) == VOUCH_NO_COMMAND)
        return refused(c);
    added(c, callback, user);
    return VOUCH_OK;
}

vouch_status vouch_collector_error(const vouch_collector *c, vouch_error *error)
{
    error_clear(error);
    if (!c)
        return null_argument(error, "the collector");
    if (error && c->add_error.status != VOUCH_OK)
        *error = c->add_error;
    return c->add_error.status;
}

/* ---- serving -------------------------------------------------------------------------------- */

size_t vouch_collector_pending(const vouch_collector *c)
{
    return c ? gather_pending(&c->gather) : 0;
}

int64_t vouch_collector_due_ms(const vouch_collector *c)
{
    if (!c)
        return -1;
    if (c->flush && vouch_op_done(c->flush))
        return 0;
    if (client_gone(c))
        return c->gather.next->count ? 0 : -1;
    int64_t wake = gather_wake(&c->gather);
    if (wake == GATHER_NEVER)
        return -1;
    int64_t now = client_now();
    return wake <= now ? 0 : (wake - now + 999) / 1000;
}

vouch_status vouch_collector_service(vouch_collector *c, vouch_error *error)
{
    vouch_error local;
    struct outcome o = {VOUCH_OK, error ? error : &local};
    vouch_status status = usable(c, o.error);
    if (status)
        return status;
    if (c->flush && !vouch_op_done(c->flush))
        look(c, client_now());
    if (c->flush && vouch_op_done(c->flush))
        finish(c, &o);
    int64_t now = client_now();
    vouch_error e;
    if (client_gone(c))
        give_up_all(c, &o);
    else if (gather_is_due(&c->gather, now) && start(c, now, &e) != VOUCH_OK)
        outcome_add(&o, &e);
    return o.status;
}

/* What is under way, then what is gathered. Says why something is left that was there before. */
static vouch_cause flush_all(vouch_collector *c, struct outcome *o)
{
    vouch_error e;
    if (c->flush)
        finish(c, o);
    if (client_gone(c)) {
        give_up_all(c, o);
        return VOUCH_CAUSE_NONE;
    }
    if (!c->gather.next->count)
        return VOUCH_CAUSE_NONE;
    if (c->gather.held) {
        (void)error_set(&e, VOUCH_ENOTSENT, VOUCH_CAUSE_ORDER,
                        "the collector is held: %zu commands wait for vouch_collector_resume",
                        c->gather.next->count);
        outcome_add(o, &e);
        return VOUCH_CAUSE_ORDER;
    }
    if (start(c, client_now(), &e) != VOUCH_OK) {
        outcome_add(o, &e);
        return e.cause;
    }
    finish(c, o);
    return VOUCH_CAUSE_NONE;
}

vouch_status vouch_collector_flush(vouch_collector *c, vouch_error *error)
{
    vouch_error local;
    struct outcome o = {VOUCH_OK, error ? error : &local};
    vouch_status status = usable(c, o.error);
    if (status)
        return status;
    (void)flush_all(c, &o);
    return o.status;
}

bool vouch_collector_is_held(const vouch_collector *c)
{
    return c && c->gather.held;
}

void vouch_collector_resume(vouch_collector *c)
{
    if (c)
        c->gather.held = false;
}

vouch_status vouch_collector_discard(vouch_collector *c, vouch_error *error)
{
    vouch_status status = usable(c, error);
    if (status)
        return status;
    if (c->flush)
        return error_set(error, VOUCH_EBUSY, VOUCH_CAUSE_NONE,
                         "a flush is under way; discard when it has been told");
    give_up(c, c->gather.held ? VOUCH_CAUSE_ORDER : VOUCH_CAUSE_CANCELLED);
    return VOUCH_OK;
}

vouch_status vouch_collector_close(vouch_collector *c, vouch_error *error)
{
    vouch_error local;
    struct outcome o = {VOUCH_OK, error ? error : &local};
    error_clear(o.error);
    if (!c)
        return VOUCH_OK;
    vouch_status status = usable(c, o.error);
    if (status == VOUCH_EFORKED)
        release(c);
    if (status)
        return status;
    c->closing = true;
    vouch_cause left = flush_all(c, &o);
    if (c->gather.next->count)
        give_up(c, left);
    release(c);
    return o.status;
}
