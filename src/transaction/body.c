/* Bodies and their replay. Pure, but for the caller's code that it calls.
 *
 * A body is called from its beginning each time. Its nth read is compared with the nth command that was
 * read before in this attempt, byte by byte: the same one gets that reply, another one is an error, and
 * one more is asked. Invariant: commit.reads holds what was read in this attempt, in the body's order, and
 * commit.answers has room for as many. */
#include "transaction/transaction.h"

#include "base/alloc.h"
#include "base/error.h"
#include "command/keys.h"

#include <string.h>

/* ---- faults --------------------------------------------------------------------------------- */

static void fault(struct vouch_tx *tx, vouch_status status, vouch_cause cause, size_t index,
                  const char *what)
{
    if (tx->failed)
        return;
    tx->failed = true;
    (void)error_set(&tx->fault, status, cause, "%s", what);
    tx->fault.command = index;
}

static void fault_of(struct vouch_tx *tx, const char *call, size_t index, const char *what)
{
    char text[VOUCH_MESSAGE_MAX], name[32] = "";
    if (index < tx->commit.reads.count) {
        struct batch_words w = batch_words(&tx->commit.reads, index);
        error_escape(name, sizeof name, w.name, w.name_size);
    }
    vouch_error e;
    (void)error_set(&e, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "%s, number %zu%s%s: %s", call, index,
                    name[0] ? ", " : "", name, what);
    memcpy(text, e.message, sizeof text);
    fault(tx, VOUCH_EINVAL, VOUCH_CAUSE_NONE, index, text);
}

/* ---- reads ---------------------------------------------------------------------------------- */

static bool make_room(struct commit *c)
{
    void *p = c->answers;
    size_t before = c->answers_capacity;
    if (c->reads.count < before)
        return true;
    if (!alloc_grow(&p, &c->answers_capacity, c->reads.count + 1, sizeof *c->answers))
        return false;
    c->answers = p;
    memset(c->answers + before, 0, (c->answers_capacity - before) * sizeof *c->answers);
    return true;
}

/* The command just added, at `added`, stands for number `n`: compares, and takes it back. */
static bool is_replay(struct commit *c, size_t n, size_t added)
{
    const struct vouch_batch *b = &c->reads;
    size_t a0 = batch_begin_of(b, n), a1 = b->ends[n], b0 = batch_begin_of(b, added),
           b1 = b->ends[added];
    bool same = a1 - a0 == b1 - b0 && memcmp(b->bytes + a0, b->bytes + b0, a1 - a0) == 0;
    batch_cut(&c->reads, added);
    return same;
}

static const char *why_not_read(const struct command *command)
{
    if (!command)
        return "not in vouch's command table, so that it might write";
    if (!(command->flags & COMMAND_READONLY))
        return "it writes, or might; queue it instead (a write of its own to a watched key makes "
               "every "
               "EXEC fail)";
    return NULL;
}

static void watch_keys(struct vouch_tx *tx, size_t i)
{
    struct commit *c = &tx->commit;
    const char *few[TX_WORDS_FEW], **argv = few;
    size_t few_lengths[TX_WORDS_FEW], *lengths = few_lengths, keys = 0;
    struct key_position few_keys[TX_WORDS_FEW], *found = few_keys;
    char *more = NULL;
    size_t argc = batch_argv(&c->reads, i, argv, lengths, TX_WORDS_FEW);
    if (argc > TX_WORDS_FEW) {
        more = alloc_zeroed(argc, sizeof *argv + sizeof *lengths + sizeof *found);
        if (!more) {
            fault(tx, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, i, "out of memory for the keys of a read");
            return;
        }
        argv = (const char **)more;
        lengths = (size_t *)(argv + argc);
        found = (struct key_position *)(lengths + argc);
        (void)batch_argv(&c->reads, i, argv, lengths, argc);
    }
    enum keys_result result =
        command_keys(batch_command(&c->reads, i), argc, argv, lengths, found, argc, &keys);
    size_t watched = 0;
    for (size_t k = 0; result == KEYS_OK && k < keys; k++) {
        if (found[k].access == KEY_CHANNEL)
            continue;
        commit_watch(c, argv[found[k].index], lengths[found[k].index]);
        watched++;
    }
    if (result == KEYS_UNKNOWN)
        fault_of(tx, "vouch_tx_read", i,
                 "which keys it names is not known; use vouch_tx_watch and vouch_tx_peek");
    else if (result == KEYS_INVALID)
        fault_of(tx, "vouch_tx_read", i, "a wrong number of arguments");
    else if (!watched)
        fault_of(tx, "vouch_tx_read", i, "it names no key to watch; use vouch_tx_peek");
    alloc_free(more);
}

/* The command was just added to reads. */
static const vouch_reply *take_read(struct vouch_tx *tx, size_t before, bool watch)
{
    struct commit *c = &tx->commit;
    const char *call = watch ? "vouch_tx_read" : "vouch_tx_peek";
    size_t n = tx->next++;
    if (c->reads.first.status || c->reads.count == before)
        return NULL; /* the batch's error ends it */
    if (n < before) {
        if (!is_replay(c, n, before) || c->answers[n].watched != watch) {
            fault_of(tx, call, n, "not what the body read here before, in the same attempt");
            return NULL;
        }
        return n < c->answered_reads ? c->answers[n].reply : NULL;
    }
    const char *why = why_not_read(batch_command(&c->reads, n));
    if (why) {
        fault_of(tx, call, n, why);
        return NULL;
    }
    c->answers[n] = (struct commit_answer){NULL, watch};
    if (watch)
        watch_keys(tx, n);
    return NULL;
}

static bool may_read(struct vouch_tx *tx)
{
    if (!tx->live || tx->failed)
        return false;
    if (make_room(&tx->commit))
        return true;
    fault(tx, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, tx->next, "out of memory for a read");
    return false;
}

static const vouch_reply *read_args(vouch_tx *tx, vouch_args args, bool watch)
{
    if (!may_read(tx))
        return NULL;
    size_t before = tx->commit.reads.count;
    (void)vouch_batch_addv(&tx->commit.reads, args);
    return take_read(tx, before, watch);
}

static const vouch_reply *read_argv(vouch_tx *tx, size_t argc, const char *const *argv,
                                    const size_t *argvlen, bool watch)
{
    if (!may_read(tx))
        return NULL;
    size_t before = tx->commit.reads.count;
    (void)vouch_batch_argv(&tx->commit.reads, argc, argv, argvlen);
    return take_read(tx, before, watch);
}

const vouch_reply *vouch_tx_readv(vouch_tx *tx, vouch_args args)
{
    return read_args(tx, args, true);
}

const vouch_reply *vouch_tx_peekv(vouch_tx *tx, vouch_args args)
{
    return read_args(tx, args, false);
}

const vouch_reply *vouch_tx_read_argv(vouch_tx *tx, size_t argc, const char *const *argv,
                                      const size_t *argvlen)
{
    return read_argv(tx, argc, argv, argvlen, true);
}

const vouch_reply *vouch_tx_peek_argv(vouch_tx *tx, size_t argc, const char *const *argv,
                                      const size_t *argvlen)
{
    return read_argv(tx, argc, argv, argvlen, false);
}

/* ---- watches without a read ----------------------------------------------------------------- */

void vouch_tx_watch(vouch_tx *tx, vouch_arg key)
{
    struct vouch_batch *b = &tx->watched;
    if (!tx->live || tx->failed)
        return;
    size_t n = tx->next_watch++, before = b->count;
    vouch_arg words[] = {vouch_text("WATCH"), key};
    b->own = true;
    (void)vouch_batch_addv(b, vouch_args_of(words, 2));
    if (b->first.status) {
        fault(tx, b->first.status, b->first.cause, n, b->first.message);
        return;
    }
    const char *argv[2];
    size_t lengths[2];
    (void)batch_argv(b, before, argv, lengths, 2);
    if (n == before) {
        commit_watch(&tx->commit, argv[1], lengths[1]);
        return;
    }
    const char *earlier[2];
    size_t earlier_lengths[2];
    (void)batch_argv(b, n, earlier, earlier_lengths, 2);
    if (lengths[1] != earlier_lengths[1] || memcmp(argv[1], earlier[1], lengths[1]) != 0)
        fault(tx, VOUCH_EINVAL, VOUCH_CAUSE_NONE, n,
              "vouch_tx_watch: not the key that the body watched here before, in the same attempt");
    batch_cut(b, before);
}

/* ---- queueing ------------------------------------------------------------------------------- */

/* What was added last must make sense inside MULTI. */
static size_t take_queued(struct vouch_tx *tx, size_t index)
{
    struct vouch_batch *b = &tx->commit.body;
    if (index == VOUCH_NO_COMMAND)
        return index;
    const struct command *command = batch_command(b, index);
    const char *why = NULL;
    if (command && (command->flags & COMMAND_NO_MULTI))
        why = "no server takes it inside MULTI";
    else if (command && strncmp(command->name, "WAIT", 4) == 0)
        why = "it does not wait inside MULTI; see options->copies";
    if (!why)
        return index;
    vouch_error e;
    (void)error_set(&e, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "command %zu of the transaction: %s %s",
                    index, command->name, why);
    fault(tx, VOUCH_EINVAL, VOUCH_CAUSE_NONE, index, e.message);
    return VOUCH_NO_COMMAND;
}

size_t vouch_tx_queuev(vouch_tx *tx, vouch_args args)
{
    if (!tx->live || tx->failed)
        return VOUCH_NO_COMMAND;
    return take_queued(tx, vouch_batch_addv(&tx->commit.body, args));
}

size_t vouch_tx_queue_argv(vouch_tx *tx, size_t argc, const char *const *argv,
                           const size_t *argvlen)
{
    if (!tx->live || tx->failed)
        return VOUCH_NO_COMMAND;
    return take_queued(tx, vouch_batch_argv(&tx->commit.body, argc, argv, argvlen));
}

size_t vouch_tx_queue_batch(vouch_tx *tx, const vouch_batch *batch)
{
    if (!tx->live || tx->failed)
        return VOUCH_NO_COMMAND;
    size_t first = tx->commit.body.count;
    vouch_error e = {.status = VOUCH_OK};
    if (!batch)
        (void)error_set(&e, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                        "vouch_tx_queue_batch: the batch is NULL");
    else if (batch->open)
        (void)error_set(&e, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                        "vouch_tx_queue_batch: the batch's last command has no vouch_batch_end");
    else
        (void)vouch_batch_error(batch, &e);
    if (e.status) {
        fault(tx, e.status, e.cause, first, e.message);
        return VOUCH_NO_COMMAND;
    }
    if (!batch_append(&tx->commit.body, batch))
        return VOUCH_NO_COMMAND;
    for (size_t i = first; i < tx->commit.body.count; i++)
        if (take_queued(tx, i) == VOUCH_NO_COMMAND)
            return VOUCH_NO_COMMAND;
    return first;
}

uint32_t vouch_tx_attempt(const vouch_tx *tx)
{
    return tx->commit.attempt;
}

/* ---- calling it ----------------------------------------------------------------------------- */

static enum commit_step of_step(struct vouch_tx *tx, vouch_tx_step step)
{
    switch (step) {
    case VOUCH_TX_CANCEL:
        return COMMIT_CANCEL;
    case VOUCH_TX_COMMIT:
        return COMMIT_GO;
    case VOUCH_TX_READ:
        return COMMIT_ASK;
    case VOUCH_TX_STEP_LAST_:
        break;
    }
    fault(tx, VOUCH_EINVAL, VOUCH_CAUSE_NONE, VOUCH_NO_COMMAND,
          "the body returned none of VOUCH_TX_CANCEL, _COMMIT, _READ");
    return COMMIT_FAULT;
}

static enum commit_step prepare(struct commit *c)
{
    struct vouch_tx *tx = (struct vouch_tx *)c;
    if (c->round == 0)
        vouch_batch_clear(&tx->watched);
    vouch_batch_clear(&c->body);
    if (!tx->body) {
        (void)batch_append(&c->body, &tx->fixed);
        return COMMIT_GO;
    }
    tx->next = tx->next_watch = 0;
    tx->live = true;
    enum commit_step step = of_step(tx, tx->body(tx, tx->user));
    tx->live = false;
    return tx->failed ? commit_fault(c, &tx->fault) : step;
}

static void discard(void *block)
{
    struct vouch_tx *tx = block;
    batch_release(&tx->fixed);
    batch_release(&tx->watched);
    alloc_free(tx->key);
    commit_discard(&tx->commit);
}

static const struct commit_ops ops = {prepare, {sizeof(struct vouch_tx), discard}};

struct vouch_tx *transaction_new(struct core *core, vouch_tx_body body, void *user,
                                 const vouch_tx_options *options, vouch_error *error)
{
    struct vouch_tx *tx = (struct vouch_tx *)commit_new(core, &ops, options, error);
    if (!tx)
        return NULL;
    tx->body = body;
    tx->user = user;
    tx->live = tx->failed = false;
    commit_trim(&tx->fixed);
    commit_trim(&tx->watched);
    alloc_free(tx->key);
    tx->key = NULL;
    return tx;
}

struct vouch_tx *transaction_new_fixed(struct core *core, const vouch_batch *batch,
                                       const vouch_tx_options *options, vouch_error *error)
{
    struct vouch_tx *tx = transaction_new(core, NULL, NULL, options, error);
    if (!tx)
        return NULL;
    tx->live = true;
    (void)vouch_tx_queue_batch(tx, batch);
    tx->live = false;
    (void)batch_append(&tx->fixed, &tx->commit.body);
    vouch_error bad = {.status = VOUCH_OK};
    if (tx->failed)
        bad = tx->fault;
    else if (!vouch_batch_error(&tx->commit.body, &bad))
        (void)vouch_batch_error(&tx->fixed, &bad);
    if (!bad.status)
        return tx;
    commit_free(&tx->commit);
    if (error)
        *error = bad;
    return NULL;
}
