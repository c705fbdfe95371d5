/* transaction/transaction.h: the inside of a transaction in progress: a commit whose reads and writes
 * come from a body that is replayed. */
#ifndef TRANSACTION_TRANSACTION_H
#define TRANSACTION_TRANSACTION_H

#include "commit/commit.h"

/* Words of a read whose keys are looked for without further memory. */
#define TX_WORDS_FEW 32

struct vouch_tx {
    struct commit commit; /* first */
    vouch_tx_body body;   /* NULL: what is in `fixed` */
    void *user;
    struct vouch_batch fixed;
    bool live;         /* inside the body */
    size_t next;       /* the read that comes next in this call of the body */
    size_t next_watch; /* and the bare watch */
    bool failed;       /* `fault` holds the first thing the body did wrong */
    vouch_error fault;
    struct vouch_batch watched; /* bare watches of this attempt, each as a command */
    /* vouch_update: */
    vouch_update_fn update;
    void *update_user;
    char *key;
    size_t key_size;
};

/* A transaction; then core_start. NULL with the error. */
struct vouch_tx *transaction_new(struct core *core, vouch_tx_body body, void *user,
                                 const vouch_tx_options *options, vouch_error *error);
/* One of these commands, copied. */
struct vouch_tx *transaction_new_fixed(struct core *core, const vouch_batch *batch,
                                       const vouch_tx_options *options, vouch_error *error);
struct vouch_tx *transaction_new_update(struct core *core, vouch_arg key, vouch_update_fn update,
                                        void *user, const vouch_tx_options *options,
                                        vouch_error *error);

#endif
