/* client/link.h: a connection's life: opened when wanted, greeted, lost, opened again. Pure.
 *
 *                wanted                 driver: connected        greeted
 *     IDLE ────────────────> OPENING ─────────────────> GREETING ───────> READY
 *      ^  <── nobody wants      │ ^                        │                │ abandoned
 *      │      it any more       │ │ time                   │ lost,          │ in flight
 *      │                lost    v │                        │ refused        v
 *      └──────────────────── WAITING <─────────────────────┴──────────── RETIRING
 */
#ifndef CLIENT_LINK_H
#define CLIENT_LINK_H

#include "client/credentials.h"
#include "client/evidence.h"
#include "net/conn.h"
#include "net/endpoint.h"
#include "net/handshake.h"

#include <stdbool.h>
#include <stdint.h>

struct core;
struct lane;
struct lane_failure;
struct need;

enum link_state {
    LINK_IDLE,
    LINK_WAITING,  /* for `until` */
    LINK_OPENING,  /* the driver is to open a transport, or is at it */
    LINK_GREETING, /* connected; the handshake runs */
    LINK_READY,
    LINK_RETIRING /* takes nothing new; ends with its last awaited reply */
};

/* How far an OPENING one has come; the driver says. */
enum link_stage {
    LINK_RESOLVING,  /* looks up the host */
    LINK_CONNECTING, /* to one of its addresses */
    LINK_SECURING    /* connected; sets up TLS */
};

/* Needs known to be on a connection; over it the oldest is forgotten, and would be loaded again. */
#define LINK_NEEDS_MAX 256

struct link {
    struct conn conn; /* first */
    struct core *core;
    size_t node;
    enum link_state state;
    enum link_stage stage;
    bool leased;
    bool probe_multi;         /* false after the probe was found to do harm */
    bool heard;               /* something came on this connection */
    bool may_multi;           /* READY: MULTI was not denied to this user when it was greeted */
    bool indivisible;         /* a lane is inside MULTI: no AUTH may come between */
    uint64_t connection;      /* of the core's connections: which one this is; changes with each */
    struct evidence evidence; /* what INFO said on it last */
    int64_t evidence_at;      /* when that was asked for; or OP_NEVER */
    bool close_transport;     /* the driver is to close what it has */
    unsigned failures;        /* in a row */
    int64_t until;            /* WAITING: when to open */
    int64_t connect_by;       /* OPENING, GREETING: when to give up */
    int64_t turned_at;        /* when the round trip began that is not answered yet; else 0 */
    size_t in_doubt;          /* commands that its last end left so */
    struct lane *lanes;       /* on it */
    struct handshake handshake;
    struct vouch_credentials credentials; /* those of the handshake, from the caller's hook */
    int64_t renew_at;                     /* READY: when to log in again; OP_NEVER */
    int64_t expires;                      /* of the login in force; OP_NEVER */
    int64_t answer_by;                    /* the renewal's AUTH is under way until then; or 0 */
    bool renewing;
    uint64_t needs[LINK_NEEDS_MAX]; /* digests */
    size_t need_count, need_next;
    char server[ENDPOINT_TEXT_MAX]; /* for messages */
};

struct link *link_new(struct core *core, size_t node);
void link_free(struct link *l);

/* Somebody wants it: opens it if it is IDLE. */
void link_want(struct link *l);
/* Time: starts to open, gives up, ends a retired one. */
void link_advance(struct link *l, int64_t now);
/* When link_advance has something to do; OP_NEVER if never. */
int64_t link_wake(const struct link *l);

/* ---- told by the driver --------------------------------------------------------------------- */

void link_connected(struct link *l);
/* No address could be connected, or there is none. */
void link_unreachable(struct link *l, vouch_cause cause, bool permanent, const char *why);
/* The kernel has n more of the bytes that were taken. */
void link_handed(struct link *l, size_t n);
/* What came in. */
void link_received(struct link *l, const char *bytes, size_t n);
/* The transport ended or failed. */
void link_broken(struct link *l, vouch_cause cause, bool permanent, const char *why);

/* ---- used by lanes -------------------------------------------------------------------------- */

void link_attach(struct link *l, struct lane *lane);
void link_detach(struct link *l, struct lane *lane);
bool link_has(const struct link *l, const struct need *need);
void link_learn(struct link *l, const struct need *need);
void link_forget(struct link *l, const struct need *need);

#endif
