/* Consumers, each a process of its own, that share one stream through a proxy, exactly once; they are killed, put
 * to sleep, woken and replaced at random moments, and they do the like to themselves at every step of their
 * work. What an entry causes: its field in the ledger counts one more, and the sum its amount. */
#ifndef LIVE_CROWD_H
#define LIVE_CROWD_H

#include "chaos.h"

#include <limits.h>
#include <stdbool.h>
#include <vouch/vouch.h>

#define CROWD_STREAM "{s}orders"
#define CROWD_GROUP  "ledger"
#define CROWD_DEAD   "{s}orders:dead"
#define CROWD_LEDGER "{s}ledger"
#define CROWD_SUM    "{s}sum"
#define CROWD_PIDS   251  /* so many numbers are given to processes */
#define CROWD_MOST   1200 /* entries of one life of the stream, numbered from 1 */

/* What happens in one seed. */
struct crowd_plan {
    uint64_t seed;
    bool kills, sleeps, cuts, chaos, destroys, deletes, drops, forgets_scripts, server_dies,
        starves, flushes, clock;
    bool all_or_none, delete_acked, dead_letters;
    bool calm; /* nothing but deletions: whoever is told of a lost entry lives to report it */
    int64_t run_ms;
    const char *worker; /* the program of consumers; NULL: this one */
};

struct crowd_plan crowd_plan_of(uint64_t seed);

/* ---- in a consumer's process ---------------------------------------------------------------- */

/* Options for one that is drawn from `seed`. */
vouch_consumer_options crowd_options(const struct crowd_plan *plan, uint64_t seed);
/* Adds what each entry causes. */
void crowd_fill(vouch_delivery *delivery);
/* argv of a program that was started to be a consumer; what main returns. */
bool crowd_is_worker(int argc, char **argv);
int crowd_work(char **argv);

/* ---- in the test ---------------------------------------------------------------------------- */

struct crowd;

/* Reports go to files in this folder. */
struct crowd *crowd_start(const struct crowd_plan *plan, const char *url, const char *folder);
/* Reaps, replaces and wakes. False: one ended in a way that it must not; its words were printed. */
bool crowd_turn(struct crowd *crowd);
void crowd_kill_one(struct crowd *crowd);
void crowd_stop_one(struct crowd *crowd);
/* All of them end, in good order or not. */
bool crowd_end(struct crowd *crowd);

struct crowd_words {
    uint8_t done[CROWD_MOST + 1]; /* how often an entry was said to be done, in the last life */
    uint8_t lost[CROWD_MOST + 1]; /* … to be lost, in any */
    uint8_t given_back[CROWD_MOST + 1]; /* whoever does that is told of a loss in numbers only */
    size_t
        usurped; /* by one who began to commit it when another had been handed it since; if nothing but claims
                       counts deliveries */
    unsigned long untold; /* losses that were counted, and not delivered: it was closed */
    unsigned long dones, fenced, others, troubles, kills, sleeps;
};

/* What they all said; releases the crowd. */
struct crowd_words crowd_free(struct crowd *crowd, int life);

/* The amount of entry k in a life of the stream. */
int64_t crowd_amount(int life, size_t k);

#endif
