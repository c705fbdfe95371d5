/* net/exchange.h: one party on a connection: it gives commands and gets their replies. */
#ifndef NET_EXCHANGE_H
#define NET_EXCHANGE_H

#include "base/arena.h"
#include "command/reply.h"
#include "net/reader.h"

#include <stdbool.h>
#include <stddef.h>
#include <vouch/error.h>

/* Whole commands, one after the other in memory. bytes and ends are borrowed by the connection until
 * each of the commands was answered, lost, taken back or abandoned. */
struct run {
    const char *bytes;
    const size_t *ends; /* command i ends before bytes[ends[i] - base] */
    size_t base;
    size_t count;
    bool last; /* nothing more to pull until the exchange is offered again */
};

/* Callbacks run inside a call of the connection. They may offer this exchange again; they may not
 * call anything else of the connection. */
struct exchange {
    /* Fills *out with at most `commands` commands; false if there is nothing to send now. */
    bool (*pull)(struct exchange *x, size_t commands, struct run *out);
    /* The reply to its oldest unanswered command. NULL unless `fate` is READER_KEPT. */
    void (*on_reply)(struct exchange *x, const struct vouch_reply *reply, enum reader_fate fate);
    /* No more replies will come. Of its unanswered commands the first `maybe` were handed over whole,
     * the last byte of the other `unsent` was not. */
    void (*on_lost)(struct exchange *x, size_t maybe, size_t unsent, vouch_cause cause);
    /* The last `unsent` commands pulled will not go out on this connection (it is being retired);
     * replies to the others still come. */
    void (*on_unsent)(struct exchange *x, size_t unsent);
    struct arena *arena; /* where its next reply goes; changed only while none is half read */

    /* Kept by the connection. */
    struct exchange *next, *previous; /* among those that may have something to pull */
    bool offered;
    size_t pending; /* commands pulled and not answered */
    size_t maybe, unsent;
};

#endif
