/* pipeline/results.h: what a run leaves behind. */
#ifndef PIPELINE_RESULTS_H
#define PIPELINE_RESULTS_H

#include "base/arena.h"

#include <vouch/pipeline.h>

/* In one piece: this, the arenas, the results, and the first memory of the first arena. */
struct vouch_results {
    vouch_result *v;
    size_t count;
    vouch_totals totals;
    struct arena *arenas;
    size_t arena_count;
};

#endif
