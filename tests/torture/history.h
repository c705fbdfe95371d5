/* Short concurrent histories: a few players at a few keys of one server, tormented on the way there, and
 * what each of them was told, for linear.h to judge. */
#ifndef TORTURE_HISTORY_H
#define TORTURE_HISTORY_H

#include "linear.h"
#include "rig.h"

#include <stdatomic.h>

#define HISTORY_PLAYERS 8 /* at most */
/* The last key is a counter: changed by one, and never written without being read. The others are
 * registers: each value is written once. */
#define HISTORY_KEYS    3
#define HISTORY_COUNTER (HISTORY_KEYS - 1)
#define HISTORY_KEY_MAX 32

/* A server behind two proxies. The one in front shows players an end; the one behind it may then still
 * hold what they have sent, and let it arrive late. */
struct stage {
    struct rig rig; /* its proxy is the one behind */
    ts_proxy *front;
};

enum wish_kind {
    WISH_READ,   /* reads, and commits nothing */
    WISH_CHANGE, /* reads, and writes another value */
    WISH_UPDATE, /* the same by vouch_update */
    WISH_SET_IF, /* changes it, but only if it is what was seen last */
    WISH_WRITE   /* writes without reading */
};

struct wish {
    enum wish_kind kind;
    uint8_t keys, key[2];
};

enum history_marker { HISTORY_PLAIN, HISTORY_RESOLVE, HISTORY_TOKEN };

struct player {
    struct history *history;
    int number;
    uint64_t dice;
    int64_t fresh;              /* how many values it made up */
    int64_t last[HISTORY_KEYS]; /* what it saw last */
    struct wish wish;
    struct linear_op *op; /* what it is at, to be told what became of it */
    /* Of its kind: */
    vouch_client *client;
    ts_conn *conn;
    bool decided, unfit;
    uint64_t settled;                       /* doubts that were turned into yes or no */
    char complaint[VOUCH_MESSAGE_MAX + 64]; /* what must not be, other than by order */
};

/* How a player does it. Called in the player's thread, but for `open` and `close`. */
struct player_kind {
    const char *name;
    void (*open)(struct player *);
    /* Does p->wish; sets the fate and the ways of p->op. */
    void (*play)(struct player *);
    void (*close)(struct player *);
};

/* A history is made by its seed and its number, as far as threads let it. */
struct history {
    struct stage *stage;
    const struct player_kind *kind;
    enum history_marker marker;
    bool tormented;
    bool pairs; /* some operations touch two keys */
    uint64_t seed;
    uint32_t number;
    /* Results: */
    struct linear_op ops[LINEAR_OPS];
    size_t count;
    struct player players[HISTORY_PLAYERS];
    size_t player_count, each;
    atomic_size_t ended; /* operations */
    pthread_barrier_t start;
};

struct stage stage_start(ts_server_kind kind);
void stage_stop(struct stage *stage);

/* Plays it, lets all arrive that is still under way, reads what is there in the end (as operations of
 * their own), and judges. `h` has its first six members set. */
enum linear_verdict history_run(struct history *h);
void history_print(const struct history *h);

/* For players. */
const char *history_key(const struct history *h, uint8_t key, char name[static HISTORY_KEY_MAX]);
/* What to write over `seen`. */
int64_t history_value(struct player *p, uint8_t key, int64_t seen);
/* One thing more that the operation may have done. */
void history_may_have(struct player *p, struct linear_way way);
__attribute__((format(printf, 2, 3))) void history_complain(struct player *p, const char *format,
                                                            ...);

/* torment.c: plans the connections to come (well, unless `tormented`), and makes faults until all is
 * played. */
void torment_plan(const struct history *h);
void torment(struct history *h);

/* players.c: the library, as its headers want it used. */
extern const struct player_kind player_vouch;
/* broken.c: each wrong in one way. */
extern const struct player_kind player_without_watch, player_of_lost_execs, player_who_says_no,
    player_who_says_yes;

#endif
