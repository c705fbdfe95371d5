/* The module's public calls. The only file here that knows a client with its driver: it checks, starts
 * operations and waits for them. */
#include "base/error.h"
#include "client/driver.h"
#include "transaction/transaction.h"

static vouch_status null_argument(vouch_error *error, const char *what)
{
    return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "%s is NULL", what);
}

/* The client may be used, and `given` is not NULL. */
static vouch_status check(struct vouch_client *client, vouch_op **out, bool given, const char *what,
                          vouch_error *error)
{
    error_clear(error);
    if (!out)
        return null_argument(error, "out");
    *out = NULL;
    vouch_status status = client_usable(client, error);
    if (!status && !given)
        status = null_argument(error, what);
    if (!status)
        client->core.now = client_now();
    return status;
}

static vouch_status start(struct vouch_client *client, struct vouch_tx *tx, vouch_op **out,
                          vouch_error *error)
{
    if (!tx)
        return error->status;
    struct commit *c = &tx->commit;
    c->client = client;
    vouch_status status = client_start(client, &c->op, error);
    if (status)
        commit_free(c);
    else
        *out = &c->op;
    return status;
}

vouch_status vouch_transaction_start(vouch_client *client, vouch_tx_body body, void *user,
                                     const vouch_tx_options *options, vouch_op **out,
                                     vouch_error *error)
{
    vouch_error local = {.status = VOUCH_OK};
    error = error ? error : &local;
    vouch_status status = check(client, out, body != NULL, "the body", error);
    if (status)
        return status;
    return start(client, transaction_new(&client->core, body, user, options, error), out, error);
}

vouch_status vouch_transaction_exec_start(vouch_client *client, const vouch_batch *batch,
                                          const vouch_tx_options *options, vouch_op **out,
                                          vouch_error *error)
{
    vouch_error local = {.status = VOUCH_OK};
    error = error ? error : &local;
    vouch_status status = check(client, out, batch != NULL, "the batch", error);
    if (status)
        return status;
    return start(client, transaction_new_fixed(&client->core, batch, options, error), out, error);
}

vouch_status vouch_update_start(vouch_client *client, vouch_arg key, vouch_update_fn fn, void *user,
                                const vouch_tx_options *options, vouch_op **out, vouch_error *error)
{
    vouch_error local = {.status = VOUCH_OK};
    error = error ? error : &local;
    vouch_status status = check(client, out, fn != NULL, "the function", error);
    if (status)
        return status;
    return start(client, transaction_new_update(&client->core, key, fn, user, options, error), out,
                 error);
}

vouch_status vouch_transaction_finish(vouch_op *op, vouch_tx_result **out, vouch_error *error)
{
    if (out)
        *out = NULL;
    if (!op)
        return null_argument(error, "the operation");
    struct commit *c = (struct commit *)op;
    if (op->core) {
        vouch_status status = client_usable(c->client, error);
        if (status)
            return status;
        client_drive(c->client, op);
        core_end(op->core, op);
    } else {
        c->home = NULL;
    }
    return commit_finish(c, out, error);
}

/* ---- blocking ------------------------------------------------------------------------------- */

static vouch_status finish(vouch_status started, vouch_op *const *op, vouch_tx_result **out,
                           vouch_error *error)
{
    if (out)
        *out = NULL;
    return started ? started : vouch_transaction_finish(*op, out, error);
}

vouch_status vouch_transaction_run(vouch_client *client, vouch_tx_body body, void *user,
                                   const vouch_tx_options *options, vouch_tx_result **out,
                                   vouch_error *error)
{
    vouch_op *op = NULL;
    vouch_status status = vouch_transaction_start(client, body, user, options, &op, error);
    return finish(status, &op, out, error);
}

vouch_status vouch_transaction_exec(vouch_client *client, const vouch_batch *batch,
                                    const vouch_tx_options *options, vouch_tx_result **out,
                                    vouch_error *error)
{
    vouch_op *op = NULL;
    vouch_status status = vouch_transaction_exec_start(client, batch, options, &op, error);
    return finish(status, &op, out, error);
}

vouch_status vouch_update(vouch_client *client, vouch_arg key, vouch_update_fn fn, void *user,
                          const vouch_tx_options *options, vouch_tx_result **out,
                          vouch_error *error)
{
    vouch_op *op = NULL;
    vouch_status status = vouch_update_start(client, key, fn, user, options, &op, error);
    return finish(status, &op, out, error);
}
