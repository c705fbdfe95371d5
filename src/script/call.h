/* script/call.h: one call of a script or function as an operation. */
#ifndef SCRIPT_CALL_H
#define SCRIPT_CALL_H

#include "base/arena.h"
#include "client/core.h"
#include "script/script.h"

/* Bytes of small replies that need no further memory. */
#define CALL_ROOM 256

struct vouch_call {
    vouch_result result;
    vouch_tx_outcome outcome;
    uint32_t loads;
    vouch_tx_result *tx; /* with a marker, or strict: the reply is in there */
    struct arena arena;
    _Alignas(8) char room[CALL_ROOM];
};

/* What is called: `command` `what` numkeys …, and what must be there for it. */
struct callee {
    const char *command;
    vouch_arg what;
    const struct need *need; /* NULL: the whole command is in the arguments */
    bool readonly;
    const char *name; /* for messages; borrowed for as long as the need */
};

/* Encodes the call; errors stay in the batch. */
void callee_add(const struct callee *callee, struct vouch_batch *b, vouch_args keys,
                vouch_args args);

/* A call; then core_start. NULL, with the error, when memory is short, or an argument or option wrong. */
struct vouch_op *call_new(struct core *core, struct vouch_client *client,
                          const struct callee *callee, vouch_args keys, vouch_args args,
                          const vouch_call_options *options, vouch_error *error);
/* Frees a call that was not started. */
void call_free(struct vouch_op *op);
/* The client that drives it. */
struct vouch_client *call_client(const struct vouch_op *op);
/* Outcome of a call that is done and has left the core (or whose client was closed: `orphan`); frees it.
 * `out` may be NULL. */
vouch_status call_finish(struct vouch_op *op, bool orphan, vouch_call **out, vouch_error *error);

/* ---- within script/ ------------------------------------------------------------------------- */

vouch_call *call_result_new(void);
vouch_status call_check(const vouch_call_options *o, vouch_error *e);

/* single.c: alone, on a connection that others use as well. */
struct vouch_op *single_new(struct core *core, struct vouch_client *client,
                            const struct callee *callee, vouch_args keys, vouch_args args,
                            const vouch_call_options *o, vouch_error *error);
void single_free(struct vouch_op *op);
vouch_status single_finish(struct vouch_op *op, bool orphan, vouch_call **out, vouch_error *error);
struct vouch_client *single_client(const struct vouch_op *op);
extern const struct op_ops single_op_ops;

/* marked.c: inside MULTI, with a marker or with its source. */
struct vouch_op *marked_new(struct core *core, struct vouch_client *client,
                            const struct callee *callee, vouch_args keys, vouch_args args,
                            const vouch_call_options *o, vouch_error *error);
void marked_free(struct vouch_op *op);
vouch_status marked_finish(struct vouch_op *op, bool orphan, vouch_call **out, vouch_error *error);
struct vouch_client *marked_client(const struct vouch_op *op);

#endif
