/* vouch_update: a body that reads one value and writes another. Pure, but for the caller's function. */
#include "base/alloc.h"
#include "base/error.h"
#include "transaction/transaction.h"

#include <string.h>

static vouch_tx_step body(vouch_tx *tx, void *user)
{
    vouch_arg key = vouch_bytes(tx->key, tx->key_size), next = {0};
    const vouch_reply *value = vouch_tx_read(tx, "GET", key);
    (void)user;
    if (!value)
        return VOUCH_TX_READ;
    if (vouch_reply_is_error(value)) /* a list, say: SET would replace it */
        return VOUCH_TX_CANCEL;
    vouch_tx_step step = tx->update(value, &next, tx->update_user);
    if (step != VOUCH_TX_COMMIT)
        return step;
    if (next.kind)
        (void)vouch_tx_queue(tx, "SET", key, next, "KEEPTTL");
    else
        (void)vouch_tx_queue(tx, "DEL", key);
    return VOUCH_TX_COMMIT;
}

/* The key as bytes, whatever kind of argument it was. */
static bool take_key(struct vouch_tx *tx, vouch_arg key, vouch_error *error)
{
    struct vouch_batch b = {0};
    const char *argv[2];
    size_t lengths[2];
    vouch_arg words[] = {vouch_text("GET"), key};
    (void)vouch_batch_addv(&b, vouch_args_of(words, 2));
    if (!vouch_batch_error(&b, error)) {
        (void)batch_argv(&b, 0, argv, lengths, 2);
        tx->key = alloc_copy(argv[1], lengths[1]);
        tx->key_size = lengths[1];
        if (!tx->key)
            (void)error_set(error, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "out of memory for a key");
    }
    batch_release(&b);
    return tx->key != NULL;
}

struct vouch_tx *transaction_new_update(struct core *core, vouch_arg key, vouch_update_fn update,
                                        void *user, const vouch_tx_options *options,
                                        vouch_error *error)
{
    struct vouch_tx *tx = transaction_new(core, body, NULL, options, error);
    if (!tx)
        return NULL;
    tx->update = update;
    tx->update_user = user;
    if (take_key(tx, key, error))
        return tx;
    commit_free(&tx->commit);
    return NULL;
}
