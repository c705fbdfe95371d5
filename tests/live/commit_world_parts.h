/* What the files of the world share. */
#ifndef COMMIT_WORLD_PARTS_H
#define COMMIT_WORLD_PARTS_H

#include "commit_world.h"

enum { ACTORS = 4, HELD_MAX = 64, SENT_MAX = 64, ID_MAX = 48, NAME_MAX_ = 32 };

/* An entry in a consumer's hands. */
struct held {
    char id[ID_MAX], before[ID_MAX]; /* before: the one ahead of it in its read, or "" */
    struct stream_id order;
    char mark[ID_MAX + 16]; /* its life and id: the ledger's field */
    bool poison;            /* its second effect fails */
};

/* A commit that was sent, to come again. */
struct sent {
    char *bytes;
    size_t size, n;
    char consumer[NAME_MAX_];
    int64_t sequence;
    int epoch; /* of the state's life */
    enum commit_verdict verdict;
    char letters[HELD_MAX + 1];
};

/* One process: when it starts again it is another incarnation. */
struct actor {
    char name[NAME_MAX_], generation[NAME_MAX_];
    int64_t sequence;
    bool trusted;
    struct held held[HELD_MAX];
    size_t n;
    int unanswered; /* 1 + the index of the commit whose answer it missed; 0: none */
};

struct world {
    struct commit_stage *stage;
    struct world_rules rules;
    uint64_t dice;
    int style;     /* how ids look */
    uint64_t next; /* id */
    int life;      /* of ids: another one whenever they may be used again */
    int epoch;     /* of the state: another one whenever it was lost */
    int names;
    struct actor actors[ACTORS];
    struct sent sent[SENT_MAX];
    size_t sent_count;
    char fault[400];
};

#define STREAM "s"
#define STATE  "{s}:state"
#define DEAD   "{s}:dead"
#define LEDGER "{s}:ledger"
#define SUM    "{s}:sum"
#define GROUP  "g"

/* ---- commit_world.c ------------------------------------------------------------------------- */

int world_between(struct world *w, int low, int high);
bool world_chance(struct world *w, int percent);
__attribute__((format(printf, 2, 3))) void world_fault(struct world *w, const char *format, ...);
/* A command whose errors are none of the world's business. */
__attribute__((sentinel)) ts_reply *world_try(struct world *w, ...);

/* ---- commit_actor.c ------------------------------------------------------------------------- */

/* Another incarnation, which opens the group. */
void actor_renew(struct world *w, struct actor *a);
/* Opens with mending; what generation holds then. */
void actor_open(struct world *w, struct actor *a);
/* Each may find that the group is gone, and begin anew. Reads and claims: how many came. */
size_t actor_read(struct world *w, struct actor *a, int most, bool lost);
size_t actor_claim(struct world *w, struct actor *a, int most, bool lost);

/* ---- commit_sent.c -------------------------------------------------------------------------- */

/* Commits some of what it holds, or all. */
void actor_commit(struct world *w, struct actor *a, bool everything);
/* Sends again what was not answered. */
void actor_insist(struct world *w, struct actor *a);
/* A commit of long ago arrives once more. */
void world_late(struct world *w, size_t i);

#endif
