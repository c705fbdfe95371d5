/* Transactions that faults are tried on: each does one countable thing once, whatever happens to its
 * connections; how often it was really done is read off the server.
 *
 *     COUNTER   GET c, SET c <value + 1>                   watched: a lost update is a wrong count
 *     TRANSFER  GET from, GET to, DECRBY from, INCRBY to   both or none
 *     BATCH     INCR n, INCR m, by vouch_transaction_exec  nothing is watched but the marker
 *     BLIND     the same by a body that only peeks         likewise, and the body can change its mind
 */
#ifndef LIVE_FEAT_H
#define LIVE_FEAT_H

#include "rig.h"

enum feat_kind { FEAT_COUNTER, FEAT_TRANSFER, FEAT_BATCH, FEAT_BLIND };
enum feat_guard { GUARD_NONE, GUARD_STRICT, GUARD_RESOLVE, GUARD_STRICT_RESOLVE, GUARD_TOKEN };

/* What the body does from attempt `turns_at` on. */
enum feat_turn {
    TURN_NONE,   /* commits, as in every attempt before */
    TURN_CANCEL, /* changes its mind */
    TURN_RIVAL, /* watches one key more, which somebody changes; there is no budget for conflicts */
    TURN_REFUSED /* queues what the server refuses */
};

struct feat {
    enum feat_kind kind;
    vouch_tx_options options;
    vouch_retry retry; /* that they point to */
    char token[16];    /* likewise */
    enum feat_turn turn;
    uint32_t turns_at;
    struct rig *rig;
    /* Called when the body, with all it asked for, is about to commit. */
    void (*deciding)(struct feat *d, uint32_t attempt);
    uint32_t attempt; /* the body was called in, last */
    /* How it ended. */
    vouch_status status;
    vouch_error error;
    vouch_tx_outcome outcome;
    uint32_t attempts;
    int64_t copies;
};

/* A server of that kind behind a proxy that records. */
struct rig feat_rig(ts_server_kind kind, ts_transport transport, ts_persistence persistence);

/* A feat with these; each with GUARD_TOKEN gets a token of its own, of the same length. */
void feat_init(struct feat *d, struct rig *rig, enum feat_kind kind, enum feat_guard guard);
/* Whether a marker settles its doubts. */
bool feat_is_marked(const struct feat *d);
/* Does it again: as a new run with the same options. */
vouch_op *feat_start(struct feat *d, vouch_client *client);
void feat_finish(struct feat *d, vouch_op *op);
void feat_run(struct feat *d, vouch_client *client);

/* How often feats were done since the data was removed; fails if one was done by halves. */
int64_t feat_done(struct rig *rig);
/* Fails unless it ended like this; `what` and `n` name the case. */
void feat_expect(const struct feat *d, vouch_status status, const char *what, long long n);

/* Bytes that a feat writes on a connection that was greeted, its marker's included; from them the
 * positions of faults are counted. */
struct feat_size {
    int64_t hello; /* before its first byte, on a new connection */
    int64_t asked; /* WATCH and all it reads */
    int64_t all;   /* with MULTI to EXEC */
};
struct feat_size feat_measure(struct rig *rig, enum feat_kind kind, enum feat_guard guard,
                              uint32_t protocol);

/* Turns until the proxy has received so many bytes from the client on a connection. */
void feat_turn_until(struct rig *rig, vouch_client *client, int connection, int64_t from_client);

#endif
