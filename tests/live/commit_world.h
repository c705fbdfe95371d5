/* A world of consumers that share one stream, on a real server: what they do is thrown from a seed, and so is
 * what happens to them. At its end all is drained, and a ledger says how often each entry's effect was
 * applied. */
#ifndef COMMIT_WORLD_H
#define COMMIT_WORLD_H

#include "commit_stage.h"

struct world_rules {
    bool naive;       /* broken: a consumer believes its count, though it missed an answer */
    bool ledger_only; /* what is done is not compared with who owned what, only what comes of it */
};

/* Plays the world of that number. NULL if all was as it must be; else what was not, static. */
const char *world_play(struct commit_stage *stage, uint64_t seed, struct world_rules rules);

#endif
