/* A run: one batch, one segment, and the results it leaves behind. Pure. */
#include "base/alloc.h"
#include "base/error.h"
#include "pipeline/pipeline.h"
#include "pipeline/results.h"

#include <string.h>

/* Room for what a run leaves behind, taken before anything is sent: when the run is over, no shortage
 * of memory can lose what was received. */
static vouch_results *reserve_results(size_t shares)
{
    vouch_results *r = alloc_zeroed(1, sizeof *r);
    if (!r)
        return NULL;
    r->arenas = alloc_zeroed(shares, sizeof *r->arenas);
    r->arena_count = shares;
    if (r->arenas)
        return r;
    alloc_free(r);
    return NULL;
}

struct pipeline *run_new(struct core *core, vouch_batch *batch,
                         const vouch_pipeline_options *options, vouch_error *error)
{
    struct pipeline *p = pipeline_new(core, options, 1, batch->blocking, error);
    if (!p)
        return NULL;
    p->segments[0].batch = batch;
    p->tail = 1;
    p->outcome = reserve_results(p->share_count);
    if (!p->outcome || !segment_load(p, &p->segments[0])) {
        vouch_results_free(p->outcome);
        pipeline_free(p);
        (void)error_set(error, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY,
                        "out of memory for the results of %zu commands", batch->count);
        return NULL;
    }
    batch_freeze(batch);
    for (size_t i = 0; i < p->share_count; i++)
        share_offer(&p->shares[i]);
    return p;
}

void run_free(struct pipeline *p)
{
    size_t maybe, unsent;
    for (size_t i = 0; i < p->share_count; i++)
        lane_close(&p->shares[i].lane, &maybe, &unsent);
    batch_thaw(p->segments[0].batch);
    vouch_results_free(p->outcome);
    pipeline_free(p);
}

/* Moves what the run produced out of the pipeline. */
static vouch_results *take_results(struct pipeline *p)
{
    struct segment *s = &p->segments[0];
    vouch_results *r = p->outcome;
    for (size_t i = 0; i < p->share_count; i++) {
        r->arenas[i] = s->parts[i].arena;
        memset(&s->parts[i].arena, 0, sizeof s->parts[i].arena);
    }
    r->v = s->results;
    r->count = s->count;
    r->totals = p->totals;
    s->results = NULL;
    p->outcome = NULL;
    return r;
}

vouch_status run_finish(struct pipeline *p, vouch_results **out, vouch_error *error)
{
    struct segment *s = &p->segments[0];
    for (size_t i = 0; i < s->count; i++)
        pipeline_count(p, s, i, i);
    vouch_status status = pipeline_report(p, error);
    *out = take_results(p);
    run_free(p);
    return status;
}
