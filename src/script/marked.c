/* A call inside MULTI: with a marker it runs at most once, and a maybe is settled; with its source along
 * it cannot be missing. All of that is commit's; here is only what is to be called. Pure. */
#include "base/alloc.h"
#include "base/error.h"
#include "commit/commit.h"
#include "script/call.h"

#include <string.h>

struct marked {
    struct commit commit; /* first */
    struct vouch_batch fixed;
    vouch_call *result;
    const char *name;
};

static enum commit_step prepare(struct commit *c)
{
    const struct marked *m = (const struct marked *)c;
    vouch_batch_clear(&c->body);
    (void)batch_append(&c->body, &m->fixed);
    return COMMIT_GO;
}

static void discard(void *block)
{
    struct marked *m = block;
    batch_release(&m->fixed);
    commit_discard(&m->commit);
}

static const struct commit_ops ops = {prepare, {sizeof(struct marked), discard}};

static vouch_tx_options tx_options(const vouch_call_options *o, vouch_retry *retry)
{
    vouch_tx_options t = VOUCH_TX_OPTIONS_INIT;
    retry->outages = o->outages;
    t.resolve = o->resolve;
    t.load_inside = o->strict;
    t.retry = retry;
    t.token = o->token;
    t.token_size = o->token_size;
    t.marker_prefix = o->marker_prefix;
    t.marker_ms = o->marker_ms;
    t.deadline_ms = o->deadline_ms;
    return t;
}

struct vouch_op *marked_new(struct core *core, struct vouch_client *client,
                            const struct callee *callee, vouch_args keys, vouch_args args,
                            const vouch_call_options *o, vouch_error *error)
{
    vouch_retry retry = VOUCH_RETRY_INIT;
    vouch_tx_options t = tx_options(o, &retry);
    struct marked *m = (struct marked *)commit_new(core, &ops, &t, error);
    if (!m)
        return NULL;
    m->commit.client = client;
    /* Missing when EXEC runs, it would leave a marker of what was not done, and the token used. */
    m->commit.policy.load_unasked = true;
    m->name = callee->name;
    m->result = call_result_new();
    commit_trim(&m->fixed);
    callee_add(callee, &m->fixed, keys, args);
    vouch_status status = vouch_batch_error(&m->fixed, error);
    if (!m->result && !status)
        status = error_set(error, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "out of memory for a call");
    if (!status)
        return &m->commit.op;
    marked_free(&m->commit.op);
    return NULL;
}

void marked_free(struct vouch_op *op)
{
    struct marked *m = (struct marked *)op;
    vouch_call_free(m->result);
    m->result = NULL;
    commit_free(&m->commit);
}

struct vouch_client *marked_client(const struct vouch_op *op)
{
    return ((const struct marked *)op)->commit.client;
}

/* A transaction of one command: what is told of the whole is told of the call. What was settled by its
 * marker ran, and whether it failed half-way is in a reply that is lost: yes of the whole, maybe of the
 * call. */
static vouch_status narrow(vouch_status status, const vouch_call *call, vouch_error *error)
{
    const vouch_result *r = &call->result;
    bool heard = call->outcome == VOUCH_OUTCOME_COMMITTED || call->outcome == VOUCH_OUTCOME_ERRORS;
    if (!heard || r->status == VOUCH_OK)
        return status;
    error->status = r->status;
    error->effect = r->effect;
    error->retriable = 0;
    return r->status;
}

/* What the call's own result is, if the run got so far that it has one. */
static vouch_result result_of(const vouch_call *call, vouch_status status, const vouch_error *e)
{
    const vouch_result *first = vouch_tx_result_at(call->tx, 0);
    if (first)
        return *first;
    if (call->outcome == VOUCH_OUTCOME_ALREADY)
        return (vouch_result){
            VOUCH_EUNKNOWN, VOUCH_MAYBE_APPLIED, VOUCH_CAUSE_TOKEN, 0, 0, 0, NULL};
    return (vouch_result){status, e->effect, e->cause, 0, 0, 0, NULL};
}

vouch_status marked_finish(struct vouch_op *op, bool orphan, vouch_call **out, vouch_error *error)
{
    struct marked *m = (struct marked *)op;
    vouch_call *r = m->result;
    vouch_error e;
    m->result = NULL;
    if (orphan)
        m->commit.home = NULL;
    r->loads = (uint32_t)m->commit.loads_queued;
    vouch_status status = commit_finish(&m->commit, &r->tx, &e);
    r->outcome = vouch_tx_result_outcome(r->tx);
    r->result = result_of(r, status, &e);
    status = narrow(status, r, &e);
    if (error)
        *error = e;
    if (out)
        *out = r;
    else
        vouch_call_free(r);
    return status;
}
