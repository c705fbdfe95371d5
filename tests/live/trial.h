/* One seed: a crowd consumes while all that is planned happens to it, then one last consumer does what is left, and
 * the ledger is looked at. */
#ifndef LIVE_TRIAL_H
#define LIVE_TRIAL_H

#include "mischief.h"

struct trial_totals {
    size_t seeds, entries, dead, deleted, untold;
    unsigned long dones, fenced, others, troubles, kills, sleeps, acts, deaths, flushes, steps;
};

struct trial {
    struct rig *rig;
    const char *folder; /* for reports and logs */
    char fault[400];    /* what is wrong first of all; of the last seed, likewise: */
    size_t doubled;     /* entries that were applied, or made dead letters, more than once */
    size_t
        usurped; /* entries that were applied by one who had lost them; known of calm seeds only */
    struct trial_totals totals; /* of all seeds */
};

/* False: t->fault says why. */
bool trial_run(struct trial *t, const struct crowd_plan *plan);

#endif
