/* The results of a run. Pure. */
#include "pipeline/results.h"

#include "base/alloc.h"

size_t vouch_results_count(const vouch_results *r)
{
    return r ? r->count : 0;
}

const vouch_result *vouch_results_at(const vouch_results *r, size_t i)
{
    return r && i < r->count ? &r->v[i] : NULL;
}

size_t vouch_results_next_failed(const vouch_results *r, size_t from)
{
    for (size_t i = from; r && i < r->count; i++)
        if (r->v[i].status != VOUCH_OK)
            return i;
    return VOUCH_NO_COMMAND;
}

vouch_totals vouch_results_totals(const vouch_results *r)
{
    return r ? r->totals : (vouch_totals){0};
}

void vouch_results_free(vouch_results *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->arena_count; i++)
        arena_free(&r->arenas[i]);
    alloc_free(r);
}
