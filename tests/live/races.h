/* Pieces of work, each under a token, done by several processes at once over connections that are
 * stalled, cut and let go late: and then the count of what was done twice, what was said not to have
 * been done and was, and what was said to have been done and was not. */
#ifndef LIVE_RACES_H
#define LIVE_RACES_H

#include "chaos.h"
#include "server.h"

#include <vouch/vouch.h>

struct races {
    ts_server_kind kind;
    uint64_t seed;
    size_t operations;
    /* Called in a worker before each run: whether it is the first of its token, tried by nobody else. */
    void (*before_run)(bool first);
};

struct races_counts {
    size_t runs, yes, already, no, unknown; /* what runs ended as */
    size_t shared;                          /* operations that two processes tried */
    size_t doubles;                         /* executions too many */
    size_t wrong_no, wrong_yes;             /* runs that said so */
    struct chaos_counts chaos;
};

/* The seed and size that the environment wants (VOUCH_TX_SEED, VOUCH_TX_RACES), else a seed of the
 * moment and `operations`. */
struct races races_of(ts_server_kind kind, size_t operations);
/* Runs them all, on a server of its own, until each is known; then counts. */
struct races_counts races_run(const struct races *races);
void races_print(const struct races *races, const struct races_counts *counts);

#endif
