/* The module's public calls. The only file here that knows a client with its driver: it checks, starts
 * operations and waits for them; what they do is elsewhere and pure. */
#include "base/error.h"
#include "client/driver.h"
#include "pipeline/pipeline.h"

#include <string.h>

static vouch_status null_argument(vouch_error *error, const char *what)
{
    return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "%s is NULL", what);
}

static vouch_status check(struct vouch_client *client, vouch_batch *batch, vouch_error *error)
{
    if (!batch)
        return null_argument(error, "the batch");
    vouch_status status = client_usable(client, error);
    if (!status)
        status = vouch_batch_error(batch, error);
    if (!status && batch->open)
        status = error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                           "the batch's last command has no vouch_batch_end");
    return status;
}

vouch_status vouch_pipeline_start(vouch_client *client, vouch_batch *batch,
                                  const vouch_pipeline_options *options, vouch_op **out,
                                  vouch_error *error)
{
    vouch_error local = {0};
    error = error ? error : &local;
    error_clear(error);
    if (!out)
        return null_argument(error, "out");
    *out = NULL;
    vouch_status status = check(client, batch, error);
    if (status)
        return status;
    client->core.now = client_now();
    struct pipeline *p = run_new(&client->core, batch, options, error);
    if (!p)
        return error->status;
    p->client = client;
    status = client_start(client, &p->op, error);
    if (status)
        run_free(p);
    else
        *out = &p->op;
    return status;
}

vouch_status vouch_pipeline_finish(vouch_op *op, vouch_results **out, vouch_error *error)
{
    error_clear(error);
    if (!op)
        return null_argument(error, "the operation");
    if (!out)
        return null_argument(error, "out");
    *out = NULL;
    struct pipeline *p = (struct pipeline *)op;
    if (op->core) {
        vouch_status status = client_usable(p->client, error);
        if (status)
            return status;
        client_drive(p->client, op);
        core_end(op->core, op);
    } else {
        p->home = NULL;
    }
    return run_finish(p, out, error);
}

vouch_status vouch_pipeline_run(vouch_client *client, vouch_batch *batch,
                                const vouch_pipeline_options *options, vouch_results **out,
                                vouch_error *error)
{
    vouch_op *op = NULL;
    if (!out)
        return null_argument(error, "out");
    *out = NULL;
    vouch_status status = vouch_pipeline_start(client, batch, options, &op, error);
    return status ? status : vouch_pipeline_finish(op, out, error);
}

vouch_status vouch_pipeline_stream(vouch_client *client, vouch_source source, vouch_sink sink,
                                   void *user, const vouch_pipeline_options *options,
                                   vouch_totals *totals, vouch_error *error)
{
    vouch_error local = {0};
    error = error ? error : &local;
    error_clear(error);
    if (totals)
        memset(totals, 0, sizeof *totals);
    if (!source)
        return null_argument(error, "the source");
    vouch_status status = client_usable(client, error);
    if (status)
        return status;
    client->core.now = client_now();
    struct pipeline *p = stream_new(&client->core, source, sink, user, options, error);
    if (!p)
        return error->status;
    status = client_start(client, &p->op, error);
    if (status) {
        stream_free(p);
        return status;
    }
    client_drive(client, &p->op);
    core_end(&client->core, &p->op);
    return stream_finish(p, totals, error);
}
