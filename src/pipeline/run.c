/* vouch_pipeline_start, _finish and _run. Beside stream.c the only code of the module that knows a
 * client with its driver: it starts operations and waits for them. */
#include "base/alloc.h"
#include "base/error.h"
#include "client/driver.h"
#include "pipeline/pipeline.h"
#include "pipeline/results.h"

#include <string.h>

static vouch_status check(struct vouch_client *client, vouch_batch *batch, vouch_error *error)
{
    if (!batch)
        return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "the batch is NULL");
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
    error_clear(error);
    if (!out)
        return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "out is NULL");
    *out = NULL;
    vouch_status status = check(client, batch, error);
    if (status)
        return status;
    client->core.now = client_now();
    vouch_error local;
    error = error ? error : &local;
    struct pipeline *p = pipeline_new(&client->core, options, 1, batch->blocking, error);
    if (!p)
        return error->status;
    p->client = client;
    p->segments[0].batch = batch;
    p->tail = 1;
    if (!segment_load(p, &p->segments[0]))
        status = error_set(error, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY,
                           "out of memory for the results of %zu commands", batch->count);
    if (!status) {
        batch_freeze(batch);
        for (size_t i = 0; i < p->share_count; i++)
            share_offer(&p->shares[i]);
        status = client_start(client, &p->op, error);
        if (status) {
            for (size_t i = 0; i < p->share_count; i++)
                share_end(&p->shares[i], VOUCH_CAUSE_LIMIT);
            batch_thaw(batch);
        }
    }
    if (status)
        pipeline_free(p);
    else
        *out = &p->op;
    return status;
}

/* Moves what the run produced out of the pipeline. NULL when memory is short. */
static vouch_results *take_results(struct pipeline *p)
{
    struct segment *s = &p->segments[0];
    vouch_results *r = alloc_zeroed(1, sizeof *r);
    if (!r)
        return NULL;
    r->arenas = alloc_zeroed(p->share_count, sizeof *r->arenas);
    if (!r->arenas) {
        alloc_free(r);
        return NULL;
    }
    r->arena_count = p->share_count;
    for (size_t i = 0; i < p->share_count; i++) {
        r->arenas[i] = s->parts[i].arena;
        memset(&s->parts[i].arena, 0, sizeof s->parts[i].arena);
    }
    r->v = s->results;
    r->count = s->count;
    r->totals = p->totals;
    s->results = NULL;
    return r;
}

vouch_status vouch_pipeline_finish(vouch_op *op, vouch_results **out, vouch_error *error)
{
    error_clear(error);
    struct pipeline *p = (struct pipeline *)op;
    if (!op || !out)
        return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "the operation or out is NULL");
    *out = NULL;
    if (op->core) {
        vouch_status status = client_usable(p->client, error);
        if (status)
            return status;
        client_drive(p->client, op);
        core_end(op->core, op);
    }
    struct segment *s = &p->segments[0];
    for (size_t i = 0; i < s->count; i++)
        pipeline_count(p, s, i, i);
    vouch_status status = pipeline_report(p, error);
    *out = take_results(p);
    if (!*out)
        status = error_set(error, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "out of memory for results");
    batch_thaw(s->batch);
    pipeline_free(p);
    return status;
}

vouch_status vouch_pipeline_run(vouch_client *client, vouch_batch *batch,
                                const vouch_pipeline_options *options, vouch_results **out,
                                vouch_error *error)
{
    vouch_op *op = NULL;
    if (out)
        *out = NULL;
    else
        return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "out is NULL");
    vouch_status status = vouch_pipeline_start(client, batch, options, &op, error);
    return status ? status : vouch_pipeline_finish(op, out, error);
}
