/* net/conn.h: a connection, pure: the account of what was handed over and what was answered.
 *
 *      offer          output ─> taken ─> handed              received
 *  exchange ──pull──> | pulled, not out | out | handed, unanswered | ──on_reply──> exchange
 *
 * All offsets count bytes of the connection's life. Nobody else keeps such an account: what a lost
 * connection left in doubt is told from these cursors alone. */
#ifndef NET_CONN_H
#define NET_CONN_H

#include "net/exchange.h"
#include "net/reader.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Runs in flight at once; a connection with so many small ones waits before it pulls more. */
#define CONN_RUNS 1024
/* Commands pulled from one exchange before the next one has its turn. */
#define CONN_QUANTUM 256
/* The most bytes of a stray error that are kept for the message. */
#define CONN_STRAY_MAX 160

struct span {
    const char *bytes;
    size_t size;
};

struct conn_run;

struct conn {
    struct reader reader;
    size_t window_commands, window_bytes;
    struct conn_run *runs; /* a ring: [head, tail) modulo CONN_RUNS */
    size_t head, tail;
    size_t out; /* the first run with bytes not yet taken */
    uint64_t pulled, taken, handed, answered, received;
    uint64_t turn;                 /* where the latest round trip begins: see conn_is_turning */
    size_t pending;                /* commands pulled and not answered */
    struct exchange *first, *last; /* offered */
    struct exchange *solo;         /* if set, nothing else is pulled */
    struct arena scratch;          /* for what nobody asked for */
    bool retiring;                 /* nothing more goes out */
    bool early;                    /* the reply being read began before its command was out */
    const char *fault;             /* why conn_received failed; static */
    char stray[CONN_STRAY_MAX];    /* an error that answered nothing, escaped; or "" */
};

/* False when memory is short. `c` must not move. */
bool conn_init(struct conn *c, struct reader_limits limits, size_t window_commands,
               size_t window_bytes);
void conn_free(struct conn *c);
/* Ready for another connection; nothing may be in flight. */
void conn_restart(struct conn *c);

/* The exchange may have something to pull. May be repeated. */
void conn_offer(struct conn *c, struct exchange *x);
/* Takes it off that list; what was pulled from it stays in flight. */
void conn_withdraw(struct conn *c, struct exchange *x);

/* From now on nothing is pulled but from x, and that only once all that is in flight was answered;
 * with NULL all goes on. */
void conn_solo(struct conn *c, struct exchange *x);

/* Pulls what the window has room for, and says what wants out: at most `max` spans. */
size_t conn_output(struct conn *c, struct span *spans, size_t max);
/* True if conn_output might give something, without pulling. */
bool conn_wants_out(const struct conn *c);
/* n bytes of it were moved into the transport. */
void conn_taken(struct conn *c, size_t n);
/* The kernel has the bytes that carry the next n of those. */
void conn_handed(struct conn *c, size_t n);
/* What came. False if no server sends this (see `fault`): lose the connection. */
bool conn_received(struct conn *c, const char *bytes, size_t n);
/* Ends it: every exchange with commands in flight gets its on_lost, and none is offered any more. */
void conn_lost(struct conn *c, vouch_cause cause);

/* The exchange goes away, and with it its solo. Says what of it is in flight (as on_lost does,
 * without calling it); its replies are swallowed. If anything was in flight the connection is retired: it must not be used
 * for anything new, but the others still get their replies. */
void conn_abandon(struct conn *c, struct exchange *x, size_t *maybe, size_t *unsent);
/* Nothing new goes out; what was not handed over whole goes back (on_unsent). Replies still come. */
void conn_retire(struct conn *c);
/* Retired, and nobody waits for a reply any more: lose it. */
bool conn_is_over(const struct conn *c);

/* A round trip is what was pulled before the first answer to any of it had come. True until its first
 * byte is handed over. */
static inline bool conn_is_turning(const struct conn *c)
{
    return c->handed <= c->turn;
}
/* Of a round trip that was handed over: the first byte of an answer to it was received. */
static inline bool conn_is_answered(const struct conn *c)
{
    return c->answered > c->turn || (c->answered == c->turn && c->reader.inside);
}

/* Changes whenever a byte moved in either direction. */
static inline uint64_t conn_activity(const struct conn *c)
{
    return c->handed + c->received;
}

#endif
