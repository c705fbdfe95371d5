/* Calls: what both kinds share, and their results. Pure. */
#include "script/call.h"

#include "base/alloc.h"
#include "base/error.h"

#include <string.h>

vouch_call *call_result_new(void)
{
    vouch_call *r = alloc_get(sizeof *r);
    if (!r)
        return NULL;
    memset(r, 0, offsetof(struct vouch_call, room));
    arena_seed(&r->arena, r->room, sizeof r->room);
    return r;
}

void callee_add(const struct callee *callee, struct vouch_batch *b, vouch_args keys,
                vouch_args args)
{
    if (callee->need)
        (void)add_call(b, callee->command, callee->what, keys, args, callee->need);
    else
        (void)vouch_batch_addv(b, args);
}

/* ---- options -------------------------------------------------------------------------------- */

/* The longest duration an option takes; longer ones would not fit in 64 bits of microseconds. */
#define DURATION_MAX_MS ((int64_t)1 << 50)

vouch_status call_check(const vouch_call_options *o, vouch_error *e)
{
    const char *wrong = NULL;
    if (o->size != sizeof *o)
        wrong = "size: not set by VOUCH_CALL_OPTIONS_INIT";
    else if (o->deadline_ms < VOUCH_NO_DEADLINE || o->deadline_ms > DURATION_MAX_MS)
        wrong = "deadline_ms: out of range";
    else if (!o->token && o->token_size)
        wrong = "token_size: without a token";
    else if ((o->marker_prefix || o->marker_ms) && !o->token && !o->resolve)
        wrong = "marker_prefix, marker_ms: without token or resolve";
    if (wrong)
        return error_set(e, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "options->%s", wrong);
    return VOUCH_OK;
}

struct vouch_op *call_new(struct core *core, struct vouch_client *client,
                          const struct callee *callee, vouch_args keys, vouch_args args,
                          const vouch_call_options *options, vouch_error *error)
{
    static const vouch_call_options none = VOUCH_CALL_OPTIONS_INIT;
    const vouch_call_options *o = options ? options : &none;
    if (call_check(o, error) != VOUCH_OK)
        return NULL;
    bool marked = o->token || o->resolve || o->strict;
    return marked ? marked_new(core, client, callee, keys, args, o, error)
                  : single_new(core, client, callee, keys, args, o, error);
}

/* ---- either kind ---------------------------------------------------------------------------- */

static bool is_single(const struct vouch_op *op)
{
    return op->ops == &single_op_ops;
}

void call_free(struct vouch_op *op)
{
    if (is_single(op))
        single_free(op);
    else
        marked_free(op);
}

struct vouch_client *call_client(const struct vouch_op *op)
{
    return is_single(op) ? single_client(op) : marked_client(op);
}

vouch_status call_finish(struct vouch_op *op, bool orphan, vouch_call **out, vouch_error *error)
{
    return is_single(op) ? single_finish(op, orphan, out, error)
                         : marked_finish(op, orphan, out, error);
}

/* ---- results -------------------------------------------------------------------------------- */

const vouch_reply *vouch_call_reply(const vouch_call *call)
{
    return call ? call->result.reply : NULL;
}

const vouch_result *vouch_call_result(const vouch_call *call)
{
    return call ? &call->result : NULL;
}

vouch_tx_outcome vouch_call_outcome(const vouch_call *call)
{
    return call ? call->outcome : VOUCH_OUTCOME_UNKNOWN;
}

uint32_t vouch_call_loads(const vouch_call *call)
{
    return call ? call->loads : 0;
}

void vouch_call_free(vouch_call *call)
{
    if (!call)
        return;
    arena_free(&call->arena);
    vouch_tx_result_free(call->tx);
    alloc_free(call);
}
