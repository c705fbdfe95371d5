/* commit/marker.h: a key that exists only if a transaction committed. Its name, its values, and the
 * commands about it; pure.
 *
 *     name    <prefix>{<tag of the slot>}<token>          pinned by the first attempt
 *     value   <who>:<attempt>                              written between MULTI and EXEC
 *             aborted:<who>                                written when a doubt is settled as "no" */
#ifndef COMMIT_MARKER_H
#define COMMIT_MARKER_H

#include "client/core.h"
#include "command/batch.h"

#include <stdbool.h>
#include <stdint.h>

/* The client's identity, '-', 16 digits of the run, NUL. */
#define MARKER_WHO_MAX (CORE_IDENTITY_MAX + 17)

struct marker {
    bool on;
    bool named;      /* by the caller's token */
    bool pinned;     /* the name is whole */
    uint16_t slot;   /* once pinned */
    char *name;      /* borrowed; room for all of it */
    size_t tag_at;   /* where in it the tag goes */
    size_t size;     /* of the name */
    int64_t life_ms; /* or VOUCH_MARKER_KEEP */
    char who[MARKER_WHO_MAX];
    size_t who_size;
};

/* What its value says. */
enum marker_state {
    MARKER_ABSENT,
    MARKER_OURS,         /* this run has committed, by the attempt given */
    MARKER_OURS_ABORTED, /* settled as "no" by this run */
    MARKER_ABORTED,      /* by another run of the token: as good as absent, but for its presence */
    MARKER_USED,         /* another run has committed */
};

/* The bytes its name takes, NUL included. */
size_t marker_name_size(size_t prefix, size_t token);
/* Unique among all runs of all clients; then the name into `room`, its tag left open. Without a token
 * (NULL) the run's own name is used. */
void marker_init(struct marker *m, struct core *core, char *room, const char *prefix,
                 const char *token, size_t token_size, int64_t life_ms);
void marker_pin(struct marker *m, uint16_t slot);

/* What the reply to GET (or to SET … GET) says; *attempt of MARKER_OURS. */
enum marker_state marker_read(const struct marker *m, const struct vouch_reply *reply,
                              uint32_t *attempt);

/* These append one command each, to a batch that takes the library's own; errors stay in the batch. */
void marker_add_get(const struct marker *m, struct vouch_batch *b);
void marker_add_set(const struct marker *m, struct vouch_batch *b, uint32_t attempt);
void marker_add_abort(const struct marker *m, struct vouch_batch *b);
void marker_add_delete(const struct marker *m, struct vouch_batch *b);
/* Writes the value that it has once more: something for WAIT to wait for. */
void marker_add_again(const struct marker *m, struct vouch_batch *b, vouch_string value);

#endif
