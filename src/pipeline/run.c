/* A run: one batch, one segment, and the results it leaves behind. Pure. */
#include "base/alloc.h"
#include "base/error.h"
#include "pipeline/pipeline.h"
#include "pipeline/results.h"

#include <string.h>

/* Room for small replies in the same piece of memory as their results. */
#define SEED_BASE ((size_t)192)
#define SEED_EACH ((size_t)32)
#define SEED_MAX  ((size_t)2048)

/* Room for what a run leaves behind, taken before anything is sent: when the run is over, no shortage
 * of memory can lose what was received. */
static vouch_results *reserve_results(struct pipeline *p, size_t count)
{
    size_t shares = p->share_count, front = sizeof(vouch_results) + shares * sizeof(struct arena),
           room = (SEED_BASE + SEED_EACH * count) & ~(ARENA_ALIGN - 1);
    room = room < SEED_MAX ? room : SEED_MAX;
    if (count > (SIZE_MAX - front - SEED_MAX) / sizeof(vouch_result))
        return NULL;
    vouch_results *r = alloc_get(front + count * sizeof(vouch_result) + room);
    if (!r)
        return NULL;
    memset(r, 0, front); /* the results are cleared with the segment */
    r->arenas = (struct arena *)(r + 1);
    r->arena_count = shares;
    r->v = (vouch_result *)(r->arenas + shares);
    arena_seed(&p->segments[0].parts[0].arena, (char *)(r->v + count), room);
    return r;
}

_Static_assert(sizeof(vouch_results) % 8 == 0 && sizeof(struct arena) % 8 == 0 &&
                   sizeof(vouch_result) % 8 == 0,
               "what follows is aligned");

/* The results, which the segment only borrows, and the arenas whose first memory is among them. */
static void let_go(struct pipeline *p)
{
    struct segment *s = &p->segments[0];
    for (size_t i = 0; i < p->share_count; i++)
        arena_free(&s->parts[i].arena);
    s->results = NULL;
    s->capacity = 0;
    vouch_results_free(p->outcome);
}

struct pipeline *run_new(struct core *core, vouch_batch *batch,
                         const vouch_pipeline_options *options, vouch_error *error)
{
    struct pipeline *p = pipeline_new(core, options, 1, batch->blocking, error);
    if (!p)
        return NULL;
    p->segments[0].batch = batch;
    p->tail = 1;
    p->home = core;
    p->outcome = reserve_results(p, batch->count);
    if (p->outcome) {
        p->segments[0].results = p->outcome->v;
        p->segments[0].capacity = batch->count;
    }
    if (!p->outcome || !segment_load(p, &p->segments[0])) {
        let_go(p);
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
    let_go(p);
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
