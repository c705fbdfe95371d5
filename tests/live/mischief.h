/* What goes on at the server while a crowd consumes: entries are added, and everything is done to stream, group
 * and server that a consumer must survive. */
#ifndef LIVE_MISCHIEF_H
#define LIVE_MISCHIEF_H

#include "crowd.h"
#include "rig.h"

struct mischief {
    struct rig *rig;
    struct crowd_plan plan;
    struct crowd *crowd;
    uint64_t die;
    int life;                          /* of the stream, from 1; FLUSHALL begins another */
    size_t added;                      /* entries 1 … added in this life */
    uint8_t deleted[CROWD_MOST + 1];   /* by us */
    uint8_t must_tell[CROWD_MOST + 1]; /* … while they were pending */
    int deaths;
    int64_t starved_until;
    const char *folder;
    int64_t clock, highest; /* how far the server's is ahead, in milliseconds; and was at most */
    unsigned long acts, steps;
};

/* A clocked_rig with this folder. */
struct mischief mischief_begin(struct rig *rig, const char *folder, const struct crowd_plan *plan);
/* Adds some entries. */
void mischief_produce(struct mischief *m);
/* Perhaps does one thing. */
void mischief_turn(struct mischief *m);
/* Memory is there again, nothing is held any more, and no entry was delivered in the future. */
void mischief_end(struct mischief *m);

#endif
