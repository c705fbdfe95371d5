/* collector/collector.h: the inside of a collector without its client: what is gathered, when it has
 * to go, and who is told. */
#ifndef COLLECTOR_COLLECTOR_H
#define COLLECTOR_COLLECTOR_H

#include "command/batch.h"

#include <vouch/collector.h>

/* No such time. */
#define GATHER_NEVER INT64_MAX
/* While a flush is under way: how often it is moved and looked at, if nobody does earlier. And how
 * long it takes until one that could not be started is tried again. */
#define GATHER_LOOK_US INT64_C(10000)
/* The longest deadline_ms: longer ones do not fit in 64 bits of microseconds. */
#define GATHER_DEADLINE_MAX_MS ((int64_t)1 << 50)

/* ---- gather.c: what is gathered, and when it has to go -------------------------------------- */

struct receiver {
    vouch_collected callback;
    void *user;
};

/* What goes out as one flush: commands, and who is told of each. */
struct load {
    vouch_batch *batch; /* the lead, then what was added */
    /* With server_time 1: TIME. It comes first. Its reply is there though the flush does not get to
     * its end; and last it would always be executed behind commands that are refused for a passing
     * reason, which then would not be tried again. */
    size_t lead, lead_bytes;
    struct receiver *receivers;
    size_t count, capacity; /* of receivers: how many were added */
    int64_t since;          /* when the first was added */
};

struct gather {
    size_t max_commands, max_bytes, max_held_commands, max_held_bytes;
    int64_t max_age; /* microseconds, or GATHER_NEVER */
    bool strict_order;
    struct load loads[2];
    struct load *next;   /* takes what is added */
    struct load *flying; /* under way, or being told; else empty */
    bool in_flight;      /* `flying` is under way */
    bool held;           /* strict_order: nothing is sent until resume */
    int64_t not_before;  /* a flush could not be started: not again until then */
    int64_t look;        /* in flight: when to look at it, at the latest … */
    size_t look_count;   /* … or with so many gathered */
};

/* Options with their defaults, and two empty loads. VOUCH_EINVAL or VOUCH_ENOMEM, then gather_free all
 * the same. */
vouch_status gather_init(struct gather *g, const vouch_collector_options *options,
                         vouch_error *error);
void gather_free(struct gather *g);

/* VOUCH_OK if one more may be added to the batch of `next` and then counted. */
vouch_status gather_room(struct gather *g, vouch_error *error);
/* It was added. True if that, or the time, makes a flush due, or the one under way to be moved. */
bool gather_count(struct gather *g, vouch_collected callback, void *user, int64_t now);

/* A flush is due, and may be started. */
bool gather_is_due(const struct gather *g, int64_t now);
/* The flush under way should be moved. */
bool gather_wants_look(const struct gather *g, int64_t now);
/* When one of the two becomes true by time alone: now or earlier, or GATHER_NEVER. */
int64_t gather_wake(const struct gather *g);

/* What is gathered is `flying` from here on, and gathering begins anew. */
void gather_turn(struct gather *g);
/* The flush of `next` was started. */
void gather_launched(struct gather *g, int64_t now);
/* It could not be. */
void gather_refused(struct gather *g, int64_t now);
void gather_looked(struct gather *g, int64_t now);
/* Everything in `flying` has been told. */
void gather_told(struct gather *g);

static inline size_t gather_pending(const struct gather *g)
{
    return g->next->count + g->flying->count;
}

/* ---- tell.c: who is told -------------------------------------------------------------------- */

/* What was told: commands = applied + not_applied + maybe. */
struct told {
    size_t commands, applied, not_applied, maybe;
    size_t unsent; /* of these, not executed though the server did not refuse them for good */
    size_t errors; /* of these, answered, but not well */
};

/* Calls every callback of `flying`, in the order of the adds; then it is empty. With strict_order the
 * hold begins before the first of them. */
struct told tell_results(struct gather *g, const vouch_results *results);
/* The same for commands that were never sent. */
void tell_unsent(struct gather *g, vouch_cause cause);

/* The outcome of a call is that of the worst flush in it. */
struct outcome {
    vouch_status status;
    vouch_error *error; /* never NULL */
};

/* Something failed as a whole. */
void outcome_add(struct outcome *o, const vouch_error *error);
/* A flush came to its end with this error; what it says of a command of ours is taken out. */
void outcome_add_flush(struct outcome *o, const vouch_error *error, const struct told *told);

#endif
