/* client/evidence.h: what a server says of itself (INFO), by which it is known whether a key that is
 * not there could have been there. Pure. */
#ifndef CLIENT_EVIDENCE_H
#define CLIENT_EVIDENCE_H

#include "command/reply.h"

#include <stdbool.h>
#include <stdint.h>

/* Longest run id or replication id that is kept; servers have 40 letters. */
#define EVIDENCE_ID_MAX 48

/* Older than that it is asked again before an attempt begins. Not each time, since INFO costs more than
 * a transaction; what is lost in between only makes a doubt stay a doubt. */
#define EVIDENCE_FRESH_US 100000

struct evidence {
    bool known; /* INFO was answered, with all of this in it */
    char run_id[EVIDENCE_ID_MAX];
    char replication_id[EVIDENCE_ID_MAX]; /* another after a failover, or a full resync */
    uint64_t evicted;                     /* keys, for want of memory */
    uint64_t flushes;                     /* calls of FLUSHALL, FLUSHDB, SWAPDB and DEBUG */
    uint64_t resets;   /* 1: all these counts were set back once or more; else 0 */
    uint64_t commands; /* executed since then */
    int64_t server_us; /* its clock */
};

/* The command that asks for it, encoded. */
extern const char evidence_ask[];
extern const size_t evidence_ask_size;

/* From the reply to that; `known` is false if it is an error, NULL, or says too little. */
void evidence_read(struct evidence *e, const struct vouch_reply *reply);

/* Why a key written after `before` may have been removed by the time of `after` without anybody having
 * meant it; static text. NULL: it cannot. It lives `life_us` on the server's clock, or for ever (-1); no
 * more than half of that counts. */
const char *evidence_against(const struct evidence *before, const struct evidence *after,
                             int64_t life_us);

#endif
