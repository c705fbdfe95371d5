/* The module's public calls. The only file here that knows a client with its driver: it checks, starts
 * operations and waits for them. */
#include "script/api.h"
#include "base/error.h"
#include "client/driver.h"

static vouch_status null_argument(vouch_error *error, const char *what)
{
    return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "%s is NULL", what);
}

vouch_status api_start(vouch_client *client, const struct callee *callee, vouch_args keys,
                       vouch_args args, const vouch_call_options *options, vouch_op **out,
                       vouch_error *error)
{
    client->core.now = client_now();
    struct vouch_op *op = call_new(&client->core, client, callee, keys, args, options, error);
    if (!op)
        return error->status;
    vouch_status status = client_start(client, op, error);
    if (status)
        call_free(op);
    else
        *out = op;
    return status;
}

vouch_status vouch_script_start(vouch_client *client, const vouch_script *script, vouch_args keys,
                                vouch_args args, const vouch_call_options *options, vouch_op **out,
                                vouch_error *error)
{
    vouch_error local = {.status = VOUCH_OK};
    error = error ? error : &local;
    error_clear(error);
    if (!out)
        return null_argument(error, "out");
    *out = NULL;
    vouch_status status = client_usable(client, error);
    if (status)
        return status;
    if (!script)
        return null_argument(error, "the script");
    struct callee callee = {script->readonly ? "EVALSHA_RO" : "EVALSHA",
                            vouch_bytes(script->digest, VOUCH_DIGEST_MAX - 1), &script->need,
                            script->readonly, script->name};
    return api_start(client, &callee, keys, args, options, out, error);
}

vouch_status vouch_call_finish(vouch_op *op, vouch_call **out, vouch_error *error)
{
    if (out)
        *out = NULL;
    if (!op)
        return null_argument(error, "the operation");
    bool orphan = !op->core;
    if (!orphan) {
        struct vouch_client *client = call_client(op);
        vouch_status status = client_usable(client, error);
        if (status)
            return status;
        client_drive(client, op);
        core_end(op->core, op);
    }
    return call_finish(op, orphan, out, error);
}

vouch_status vouch_script_call(vouch_client *client, const vouch_script *script, vouch_args keys,
                               vouch_args args, const vouch_call_options *options, vouch_call **out,
                               vouch_error *error)
{
    vouch_op *op = NULL;
    if (out)
        *out = NULL;
    vouch_status status = vouch_script_start(client, script, keys, args, options, &op, error);
    return status ? status : vouch_call_finish(op, out, error);
}
