/* commit/result.h: what a run leaves behind. It is there before anything is sent, so that no shortage of
 * memory loses what was received. */
#ifndef COMMIT_RESULT_H
#define COMMIT_RESULT_H

#include "base/arena.h"

#include <vouch/transaction.h>

/* Commands, and bytes of small replies, that need no further memory. */
/* (The whole stays below what allocators keep at hand: about 1,000 bytes.) */
#define RESULT_FEW  4
#define RESULT_ROOM 256

/* Refusals that belong to no queued command: of WATCH or MULTI, of EXEC, of the marker, of a load. */
#define RESULT_EXTRA 4

struct vouch_tx_result {
    vouch_tx_outcome outcome;
    vouch_result *results;
    size_t count, capacity;
    /* One list or the other: a run has errors of one kind. */
    vouch_queue_error *queue_errors;
    vouch_exec_error *exec_errors;
    size_t queue_error_count, exec_error_count;
    uint32_t attempts, conflicts;
    int64_t copies;
    bool has_marker;
    size_t marker_size;
    struct arena arena; /* of the replies */
    vouch_result few[RESULT_FEW];
    union {
        vouch_queue_error queue[RESULT_FEW + RESULT_EXTRA];
        vouch_exec_error exec[RESULT_FEW];
    } few_errors;
    _Alignas(8) char room[RESULT_ROOM];
    char marker[]; /* its name */
};

vouch_tx_result *result_new(size_t marker_room);
/* Empties it for another attempt of so many commands; false when memory is short. */
bool result_begin(vouch_tx_result *r, size_t commands);

#endif
