/* client/core.h: a client without I/O: its connections, lanes and operations. A driver moves the
 * bytes and tells the time. */
#ifndef CLIENT_CORE_H
#define CLIENT_CORE_H

#include "base/retry.h"
#include "client/lane.h"
#include "client/link.h"
#include "client/observe.h"
#include "client/op.h"
#include "client/settings.h"

#include <stdint.h>

/* Memory of finished operations is kept for the next ones of their kind: so many blocks of so many
 * kinds. */
#define CORE_SPARES_MAX 64
#define CORE_SHELVES    3

/* 128 bits in hexadecimal, and a NUL. */
#define CORE_IDENTITY_MAX 33

struct block_kind {
    size_t size;
    void (*discard)(
        void *block); /* releases what a block that is kept still holds; NULL: nothing */
};

struct core_spare {
    struct core_spare *next;
};

struct core_shelf {
    struct block_kind kind;
    struct core_spare *spares;
    size_t count;
};

struct core {
    struct settings settings;
    struct core_shelf shelves[CORE_SHELVES];
    size_t next_shelf; /* to be cleared for another kind */
    /* Servers: which one serves a slot. One, until there is cluster support; the simulator has
     * more. */
    size_t nodes;
    struct link *links[VOUCH_CLIENT_MAX_CONNECTIONS];
    size_t link_count;
    struct lane *waiting, *waiting_last; /* for a connection, when there are as many as may be */
    struct vouch_op *ops, *ops_last;
    size_t op_count;
    struct retry_random random;
    int64_t now;    /* microseconds, monotonic: what the driver said last */
    int64_t uptime; /* the same with the time that the machine was suspended (CLOCK_BOOTTIME); told
                         while uptime_users > 0 */
    unsigned uptime_users;
    char identity
        [CORE_IDENTITY_MAX]; /* text that no other client has, from the system's randomness */
    uint64_t runs;           /* markers' names given out: with the identity, unique */
    uint64_t connections;    /* numbered as they are made */
    bool interrupted;        /* the next operation ends at once */
    bool busy;               /* inside a callback of the caller's */
    vouch_stats counts;
};

void core_init(struct core *c, const struct settings *settings, uint64_t seed);
/* Ends what is in progress as if cancelled, and forgets it; releases links and settings. */
void core_free(struct core *c);

/* The server that serves a slot. */
static inline size_t core_node_of(const struct core *c, uint16_t slot)
{
    return c->nodes == 1 ? 0 : (size_t)slot * c->nodes / 16384;
}

/* Takes the operation on; VOUCH_ELIMIT over VOUCH_CLIENT_MAX_OPERATIONS. Then core_advance. */
vouch_status core_start(struct core *c, struct vouch_op *op, vouch_error *error);
/* The operation goes away. */
void core_end(struct core *c, struct vouch_op *op);

/* Time, and what happened since. */
void core_advance(struct core *c, int64_t now);
/* When core_advance must be called next; OP_NEVER if it need not be. */
int64_t core_wake(const struct core *c);
/* Ends all operations, or the next one if there is none. */
void core_interrupt(struct core *c);

/* How long to wait after that many failures in a row. */
int64_t core_backoff_us(struct core *c, unsigned failures);

/* Memory for an operation's state; NULL when memory is short. *used says whether it is as another of its
 * kind left it, but for the first pointer; else it is zeroed. */
void *core_block(struct core *c, const struct block_kind *kind, bool *used);
/* Gives it back; `c` may be NULL, as when the client was closed meanwhile. */
void core_release(struct core *c, const struct block_kind *kind, void *block);

/* ---- used by lanes and links ---------------------------------------------------------------- */

/* Finds or makes a connection for the lane, or queues it. */
void core_attach(struct core *c, struct lane *l);
/* A connection became free. */
void core_freed(struct core *c);
void core_forget(struct core *c, struct lane *l);

#endif
