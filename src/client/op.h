/* client/op.h: one call in progress. A module embeds it first in its own state. */
#ifndef CLIENT_OP_H
#define CLIENT_OP_H

#include <stdbool.h>
#include <stdint.h>
#include <vouch/client.h>

struct core;

/* No such time. */
#define OP_NEVER INT64_MAX

struct op_ops {
    /* Something may have happened: bytes, or time. Sets wake, deadline and done. */
    void (*advance)(struct vouch_op *op, int64_t now_us);
    /* End now, for this reason: DEADLINE, INTERRUPTED, CANCELLED. Must set done. */
    void (*expire)(struct vouch_op *op, vouch_cause cause);
};

struct vouch_op {
    const struct op_ops *ops;
    struct core *core; /* NULL once the client is closed */
    int64_t deadline;  /* microseconds, monotonic; or OP_NEVER */
    int64_t wake;      /* when it wants advance even if nothing happens; or OP_NEVER */
    bool done;
    struct vouch_op *next, *previous; /* kept by the core */
};

#endif
