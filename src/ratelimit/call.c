/* The calls of a limiter. It stands on vouch/script.h, as a program of a user's could: what a call survives,
 * and what is known of it when it does not, is the script module's. */
#include "base/error.h"
#include "command/batch.h"
#include "ratelimit/limiter.h"

#include <string.h>

vouch_status vouch_limit_start(vouch_client *client, const vouch_limiter *limiter,
                               vouch_limit_action action, vouch_args keys, int64_t cost,
                               const vouch_limit_options *options, vouch_op **out,
                               vouch_error *error)
{
    struct limit_words words;
    vouch_call_options co = VOUCH_CALL_OPTIONS_INIT;
    error_clear(error);
    if (!out)
        return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "out is NULL");
    *out = NULL;
    vouch_status status = limit_words(limiter, action, keys, cost, options, &words, error);
    if (status)
        return status;
    co.idempotent = words.repeatable;
    if (options) {
        co.outages = options->outages;
        co.deadline_ms = options->deadline_ms;
    }
    return vouch_script_start(client, limiter->script, keys, vouch_args_of(words.v, words.n), &co,
                              out, error);
}

static vouch_status nonsense(vouch_error *error)
{
    (void)error_set(error, VOUCH_ESERVER, VOUCH_CAUSE_PROTOCOL,
                    "what the limiter's script answered is no decision");
    if (error)
        error->effect = VOUCH_MAYBE_APPLIED;
    return VOUCH_ESERVER;
}

vouch_status vouch_limit_finish(vouch_op *op, vouch_decision *out, vouch_error *error)
{
    vouch_decision ignored = {.n = 0};
    vouch_call *call = NULL;
    out = out ? out : &ignored;
    memset(out, 0, sizeof *out);
    vouch_status status = vouch_call_finish(op, &call, error);
    if (status == VOUCH_OK && !vouch_limit_read(vouch_call_reply(call), out))
        status = nonsense(error);
    vouch_call_free(call);
    return status;
}

vouch_status vouch_limit_call(vouch_client *client, const vouch_limiter *limiter,
                              vouch_limit_action action, vouch_args keys, int64_t cost,
                              const vouch_limit_options *options, vouch_decision *out,
                              vouch_error *error)
{
    vouch_op *op = NULL;
    if (out)
        memset(out, 0, sizeof *out);
    vouch_status status =
        vouch_limit_start(client, limiter, action, keys, cost, options, &op, error);
    return status ? status : vouch_limit_finish(op, out, error);
}

/* The batch's own errors are sticky; what is wrong with a limit's call has to be as well. */
static size_t stick(struct vouch_batch *b, const vouch_error *e)
{
    if (b->first.status == VOUCH_OK) {
        (void)error_set(&b->first, e->status, e->cause, "command %zu of the batch: %s", b->count,
                        e->message);
        b->first.command = b->count;
    }
    return VOUCH_NO_COMMAND;
}

size_t vouch_batch_add_limit(vouch_batch *batch, const vouch_limiter *limiter,
                             vouch_limit_action action, vouch_args keys, int64_t cost,
                             const vouch_limit_options *options)
{
    struct limit_words words;
    vouch_error error;
    if (limit_words(limiter, action, keys, cost, options, &words, &error))
        return stick(batch, &error);
    return vouch_batch_add_script(batch, limiter->script, keys, vouch_args_of(words.v, words.n));
}
