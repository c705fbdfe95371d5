/* script/install.h: looking what a server has of a library, and loading it. */
#ifndef SCRIPT_INSTALL_H
#define SCRIPT_INSTALL_H

#include "client/core.h"

#include <vouch/library.h>

/* Then core_start. NULL with the error. */
struct vouch_op *install_new(struct core *core, struct vouch_client *client,
                             const struct vouch_library *library, vouch_install policy,
                             int64_t deadline_ms, vouch_error *error);
/* Frees one that was not started. */
void install_free(struct vouch_op *op);
/* Of one that is done; frees it. `again`: it is worth looking again. `error` is not NULL. */
vouch_status install_finish(struct vouch_op *op, bool orphan, vouch_library_report *report,
                            bool *again, vouch_error *error);

/* ensure.c: a batch of loads, each sent until it is answered, however often that is; then core_start. The
 * batch is the operation's. */
struct vouch_op *ensure_new(struct core *core, struct vouch_batch *loads,
                            const struct need *const *needs, int64_t deadline_ms,
                            vouch_error *error);
void ensure_free(struct vouch_op *op);
vouch_status ensure_finish(struct vouch_op *op, vouch_error *error);

#endif
