/* vouch/transaction.h: read, decide, write: all of it at once or none of it, and the truth about it.
 *
 * What a transaction promises
 *   - MULTI/EXEC on a connection of its own: its commands are executed one after the other with
 *     nothing in between, and only if no key that was read has changed since.
 *   - A transaction that may have been committed is never run again, unless a marker settles it.
 *   - Refused while queueing, refused at EXEC, failed while executing: three different things, and
 *     all errors of each are reported, not just the first.
 *   - Servers do not roll back. A command that fails while EXEC executes leaves its neighbours
 *     applied (VOUCH_OUTCOME_ERRORS).
 *   - Round trips: two to read, decide and write; one if there is nothing to read, two then with
 *     `resolve` or `token`. One more with `strict`, and one with `copies`.
 *
 * Settling a maybe
 *   A connection lost after EXEC went out leaves it open whether EXEC ran: VOUCH_EUNKNOWN. With
 *   options->resolve the transaction also writes a marker, a key that exists only if it committed:
 *       <prefix>{<four letters for the slot>}<token>   "<who>:<attempt>"   PX marker_ms
 *   and, when in doubt, looks for it on a new connection. If it is there: committed. If not, it is put
 *   there as "aborted:<who>" before anything is claimed, so that an EXEC which arrives late can only
 *   fail. VOUCH_EUNKNOWN is left only for what cannot be proved, and error->message says why:
 *   the deadline came first; the marker could have expired (half of marker_ms is over), been evicted
 *   or flushed, or the server is another one than before (see below).
 *   The marker needs the rights to SET and GET it. An absent marker proves something only if nothing
 *   removed it, which vouch reads off INFO (run_id, master_replid, evicted_keys, FLUSHALL, FLUSHDB,
 *   SWAPDB, the server's clock); a user who may not call INFO gets "yes" and VOUCH_EUNKNOWN, never "no".
 *   Nothing protects from somebody who deletes the marker by name.
 *
 * Tokens
 *   With options->token the marker bears the caller's name, and the transaction is committed at most
 *   once while the marker lives, by whichever process, in this database and hash slot. The next run
 *   with the same token is told VOUCH_OUTCOME_ALREADY and changes nothing: that an earlier run did it,
 *   not whether some of its commands failed (VOUCH_OUTCOME_ERRORS, _NOT_ATOMIC), which only that run
 *   was told. A run that ended as not applied leaves its token free.
 */
#ifndef VOUCH_TRANSACTION_H
#define VOUCH_TRANSACTION_H

#include <vouch/batch.h>
#include <vouch/client.h>
#include <vouch/reply.h>
#include <vouch/result.h>
#include <vouch/retry.h>

VOUCH_BEGIN

/* ---- the body ------------------------------------------------------------------------------- */

/* A transaction in progress, as its body sees it. Valid inside the body only. */
typedef struct vouch_tx vouch_tx;

/* What a body wants next. */
typedef enum vouch_tx_step {
    VOUCH_TX_CANCEL = 0, /* end, change nothing */
    VOUCH_TX_COMMIT = 1, /* write what was queued; with unanswered reads it means READ */
    VOUCH_TX_READ = 2,   /* ask what was read, then call the body again */
    VOUCH_TX_STEP_LAST_ = 0x7fffffff
} vouch_tx_step;

/* Called from its beginning each time: once for each round of reads, and again in every attempt. Its
 * nth read is answered by the nth reply of this attempt, NULL until that has been asked. So it must
 * read the same things in the same order as long as it gets the same replies; a different nth read in
 * one attempt ends the run with VOUCH_EINVAL. What it queued in an earlier call is forgotten.
 *
 * Effects of its own outside the server (files, variables) happen once for each call. It runs inside
 * calls of the client, on their thread: as long as it takes, everything waits. Of the client it may
 * call nothing but vouch_client_stats; whatever else returns VOUCH_EBUSY. */
typedef vouch_tx_step (*vouch_tx_body)(vouch_tx *tx, void *user);

#define VOUCH_TX_MAX_ROUNDS  1000 /* of reads in one attempt; one more is VOUCH_ELIMIT */
#define VOUCH_TX_MAX_SCRIPTS 64   /* different scripts and libraries that its commands call */

/* Reads, and watches every key the command names (WATCH): the transaction commits only if none of them
 * changes until then. The reply is borrowed until the body returns; NULL if it is not there yet. It
 * may be an error reply; a body that then cancels gets the server's words in vouch_error.
 *
 * Takes read-only commands. Refused, ending the run with VOUCH_EINVAL: what writes (a connection's own
 * write to a key it watches makes every EXEC fail), what names no key, what names keys in a way that
 * the command table does not know (then vouch_tx_watch and vouch_tx_peek), and what vouch_batch_add
 * refuses. */
VOUCH_API const vouch_reply *vouch_tx_readv(vouch_tx *tx, vouch_args args);
/* Reads without watching: for what may change without making the transaction wrong. */
VOUCH_API const vouch_reply *vouch_tx_peekv(vouch_tx *tx, vouch_args args);
/* The same from arrays; `argvlen` may be NULL: every argument is text. */
VOUCH_API const vouch_reply *vouch_tx_read_argv(vouch_tx *tx, size_t argc, const char *const *argv,
                                                const size_t *argvlen);
/* vouch_tx_peekv from arrays likewise. */
VOUCH_API const vouch_reply *vouch_tx_peek_argv(vouch_tx *tx, size_t argc, const char *const *argv,
                                                const size_t *argvlen);
/* Watches a key without reading it. Like a read it is part of the replay, and takes effect with the
 * next round; a COMMIT with an unanswered watch means READ. */
VOUCH_API void vouch_tx_watch(vouch_tx *tx, vouch_arg key);

/* Queues a command for EXEC and returns its index among them, from 0. Copied. Refused as by
 * vouch_batch_add (VOUCH_NO_COMMAND, and the run ends with that error), and so are commands that no
 * server takes inside MULTI, and WAIT and WAITAOF, which do not wait there (options->copies does).
 * Blocking commands do not block inside MULTI. */
VOUCH_API size_t vouch_tx_queuev(vouch_tx *tx, vouch_args args);
/* The same from arrays; `argvlen` may be NULL: every argument is text. */
VOUCH_API size_t vouch_tx_queue_argv(vouch_tx *tx, size_t argc, const char *const *argv,
                                     const size_t *argvlen);
/* Queues all commands of a batch; returns the index of the first. */
VOUCH_API size_t vouch_tx_queue_batch(vouch_tx *tx, const vouch_batch *batch);

/* The same with 1 to 32 typed arguments, as VOUCH_ARGS takes them. */
#define vouch_tx_read(tx, ...) vouch_tx_readv((tx), VOUCH_ARGS(__VA_ARGS__))
/* vouch_tx_peekv likewise. */
#define vouch_tx_peek(tx, ...) vouch_tx_peekv((tx), VOUCH_ARGS(__VA_ARGS__))
/* vouch_tx_queuev likewise. */
#define vouch_tx_queue(tx, ...) vouch_tx_queuev((tx), VOUCH_ARGS(__VA_ARGS__))

/* Which attempt this is, from 1. */
VOUCH_API uint32_t vouch_tx_attempt(const vouch_tx *tx);

/* ---- options -------------------------------------------------------------------------------- */

#define VOUCH_TOKEN_MAX         1024               /* bytes of a token, of a marker_prefix */
#define VOUCH_MARKER_KEEP       INT64_C(-1)        /* in marker_ms: markers never expire */
#define VOUCH_MARKER_DEFAULT_MS INT64_C(600000)    /* ten minutes */
#define VOUCH_MARKER_MIN_MS     INT64_C(1000)      /* shortest marker_ms */
#define VOUCH_MARKER_MAX_MS     (INT64_C(1) << 40) /* longest: 34 years */
#define VOUCH_TX_MAX_COPIES     1000000            /* highest copies */

/* What holds for one run. Begin with VOUCH_TX_OPTIONS_INIT. Everything is copied. */
typedef struct vouch_tx_options {
    uint32_t size;    /* set by the initialiser */
    uint32_t resolve; /* 1: settle a maybe by a marker; it writes a key */
    uint32_t strict;  /* 1: nothing is queued before MULTI was answered. One round trip more; then
                         only EXEC can leave a doubt. Else a server that refuses MULTI meanwhile runs
                         the commands one by one, which is found out: VOUCH_ENOTATOMIC */
    uint32_t copies;  /* replicas that are to have it before the call returns: WAIT after EXEC */
    uint32_t fsync;   /* 1: in the append-only files of the server and of `copies` replicas: WAITAOF
                         (Redis 7.2, Valkey) */
    uint32_t load_inside;     /* 1: the scripts and libraries that it calls are loaded inside MULTI.
                                 Default: those that were not there when its reads went out; one
                                 that is flushed in between is missing when EXEC runs: ERRORS */
    int64_t copies_ms;        /* longest wait for them; default: what is left of the deadline */
    int64_t deadline_ms;      /* of the whole call, waits included; default: the client's; or
                                  VOUCH_NO_DEADLINE. With resolve or token the last quarter of it, at
                                  most 2 s, is kept for settling */
    const vouch_retry *retry; /* NULL: every default */
    const char *token;        /* a name for this piece of work: committed at most once. Implies
                                  resolve. NULL: none */
    size_t token_size; /* bytes of it, any bytes; 0: up to its NUL. VOUCH_TOKEN_MAX at most */
    const char *marker_prefix; /* text; default "vouch:". VOUCH_TOKEN_MAX at most, without braces */
    int64_t marker_ms;         /* life of a marker; default VOUCH_MARKER_DEFAULT_MS; or
                                  VOUCH_MARKER_KEEP */
} vouch_tx_options;

/* Every default. */
#define VOUCH_TX_OPTIONS_INIT                                                                      \
    {                                                                                              \
        sizeof(vouch_tx_options), 0, 0, 0, 0, 0, 0, 0, NULL, NULL, 0, NULL, 0                      \
    }

/* ---- running -------------------------------------------------------------------------------- */

/* How a run ended. The values are ABI: never renumbered, only appended. */
typedef enum vouch_tx_outcome {
    VOUCH_OUTCOME_UNKNOWN = 0,   /* EXEC may have run */
    VOUCH_OUTCOME_COMMITTED = 1, /* EXEC ran, no command failed */
    VOUCH_OUTCOME_ERRORS = 2,    /* EXEC ran, and some commands failed: vouch_tx_exec_errors */
    VOUCH_OUTCOME_SETTLED = 3,  /* EXEC ran: the marker says so. Its replies are lost, and with them
                                    which commands failed, if any */
    VOUCH_OUTCOME_ALREADY = 4,  /* the token was used before: by another run, which committed */
    VOUCH_OUTCOME_CONFLICT = 5, /* watched keys changed, more often than the budget allows */
    VOUCH_OUTCOME_REFUSED_QUEUEING =
        6,                          /* commands were refused before EXEC: vouch_tx_queue_errors */
    VOUCH_OUTCOME_REFUSED_EXEC = 7, /* EXEC itself was refused: vouch_tx_queue_errors too */
    VOUCH_OUTCOME_CANCELLED = 8,    /* by its body */
    VOUCH_OUTCOME_NOT_SENT =
        9, /* no connection, deadline, cancel, interrupt: before EXEC went out */
    VOUCH_OUTCOME_NOT_ATOMIC = 10, /* the server refused MULTI and ran commands one by one, or of a
                                      token's run the marker alone: the token is used */
    VOUCH_OUTCOME_LAST_ = 0x7fffffff
} vouch_tx_outcome;

/* What a run leaves behind, with the replies. */
typedef struct vouch_tx_result vouch_tx_result;

/* Runs `body` until it is committed, or ends otherwise; blocks deadline_ms at most.
 *
 *   status              effect           outcome
 *   VOUCH_OK            APPLIED          COMMITTED, SETTLED or ALREADY
 *   VOUCH_EPARTIAL      PARTLY_APPLIED   ERRORS: committed, some commands failed. MAYBE_APPLIED if one of
 *                                        them is: a script that failed half-way. The results tell
 *   VOUCH_EPARTIAL      APPLIED          COMMITTED, but EXEC's replies cannot be told apart, which no
 *                                        server in order sends; every command is MAYBE_APPLIED
 *   VOUCH_ECOPIES       APPLIED          as VOUCH_OK, but fewer copies than asked, or not known how many
 *   VOUCH_ETOOLARGE     APPLIED          COMMITTED; EXEC's reply was over a limit and was dropped
 *   VOUCH_ECONFLICT     NOT_APPLIED      CONFLICT
 *   VOUCH_ESERVER       NOT_APPLIED      REFUSED_QUEUEING, REFUSED_EXEC
 *   VOUCH_ECANCELLED    NOT_APPLIED      CANCELLED; NOT_SENT by vouch_op_cancel
 *   VOUCH_EINTERRUPTED  NOT_APPLIED      NOT_SENT
 *   VOUCH_ENOTSENT      NOT_APPLIED      NOT_SENT
 *   VOUCH_EUNKNOWN      MAYBE_APPLIED    UNKNOWN
 *   VOUCH_ENOTATOMIC    by the commands' effects   NOT_ATOMIC
 *   VOUCH_EINVAL        NOT_APPLIED      an argument, or what the body asked for; the message says which
 *   VOUCH_ELIMIT, VOUCH_EBUSY, VOUCH_EFORKED, VOUCH_ENOMEM   NOT_APPLIED, before anything was sent;
 *                       ETOOLARGE and ENOMEM also for the reply to a read
 * After an attempt that may have committed, NOT_APPLIED is only said once a marker has settled it.
 * *out, to be released with vouch_tx_result_free, is set whenever the run was begun, and else NULL;
 * `out` may be NULL. error->command is the index of the first command at fault, error->retriable 1 if
 * the same call may be made again. */
VOUCH_API VOUCH_MUST vouch_status vouch_transaction_run(vouch_client *client, vouch_tx_body body,
                                                        void *user, const vouch_tx_options *options,
                                                        vouch_tx_result **out, vouch_error *error);

/* The same for commands that are known: nothing is read, nothing watched. The batch is copied. An empty
 * one without a token is VOUCH_OK, and nothing is sent. */
VOUCH_API VOUCH_MUST vouch_status vouch_transaction_exec(vouch_client *client,
                                                         const vouch_batch *batch,
                                                         const vouch_tx_options *options,
                                                         vouch_tx_result **out, vouch_error *error);

/* Given the value of a key (nil if there is none), sets *next, which is borrowed until the next call of the
 * function or the end of the run; left as it is, the key is deleted. Not called if the key holds no
 * string: then the run is VOUCH_ECANCELLED, with the server's words, and what is there stays. */
typedef vouch_tx_step (*vouch_update_fn)(const vouch_reply *value, vouch_arg *next, void *user);

/* One value: GET, `fn`, then SET … KEEPTTL (or DEL). `fn` returns VOUCH_TX_COMMIT or VOUCH_TX_CANCEL.
 * As vouch_transaction_run otherwise. */
VOUCH_API VOUCH_MUST vouch_status vouch_update(vouch_client *client, vouch_arg key,
                                               vouch_update_fn fn, void *user,
                                               const vouch_tx_options *options,
                                               vouch_tx_result **out, vouch_error *error);

/* The same as operations: they do no I/O (vouch_client_ready does), and the statuses that
 * vouch_transaction_run gives before anything is sent are theirs. `body` is called by later calls. */
VOUCH_API VOUCH_MUST vouch_status vouch_transaction_start(vouch_client *client, vouch_tx_body body,
                                                          void *user,
                                                          const vouch_tx_options *options,
                                                          vouch_op **out, vouch_error *error);
/* vouch_transaction_exec likewise. */
VOUCH_API VOUCH_MUST vouch_status vouch_transaction_exec_start(vouch_client *client,
                                                               const vouch_batch *batch,
                                                               const vouch_tx_options *options,
                                                               vouch_op **out, vouch_error *error);
/* vouch_update likewise. */
VOUCH_API VOUCH_MUST vouch_status vouch_update_start(vouch_client *client, vouch_arg key,
                                                     vouch_update_fn fn, void *user,
                                                     const vouch_tx_options *options,
                                                     vouch_op **out, vouch_error *error);

/* Gives the outcome of a started transaction and releases the operation; the statuses of
 * vouch_transaction_run. Of one that is not done it first blocks until it is. */
VOUCH_API VOUCH_MUST vouch_status vouch_transaction_finish(vouch_op *op, vouch_tx_result **out,
                                                           vouch_error *error);

/* ---- results -------------------------------------------------------------------------------- */

/* A command that was refused before EXEC ran; then nothing ran. */
typedef struct vouch_queue_error {
    size_t index; /* among the queued commands; VOUCH_NO_COMMAND: of WATCH, MULTI, EXEC, or of the
                           marker */
    char command[32];   /* its name; shortened, ended by "…", if longer */
    vouch_string words; /* the server's, with the code word; borrowed until the result is freed */
} vouch_queue_error;

/* A command that failed while EXEC ran; its neighbours ran. */
typedef struct vouch_exec_error {
    size_t index;       /* among the queued commands */
    char command[32];   /* its name; shortened, ended by "…", if longer */
    vouch_string words; /* the server's, with the code word; borrowed until the result is freed */
    vouch_effect
        effect; /* NOT_APPLIED, or MAYBE_APPLIED: a script may have written before it failed */
    uint32_t reserved;
} vouch_exec_error;

/* How it ended; UNKNOWN for NULL. (All that follow take NULL too, and answer 0, -1 or NULL.) */
VOUCH_API vouch_tx_outcome vouch_tx_result_outcome(const vouch_tx_result *result);
/* "COMMITTED" and so on; for a value this version does not know, "?". Static strings. */
VOUCH_API const char *vouch_tx_outcome_name(vouch_tx_outcome outcome);
/* Commands queued by the last attempt; 0 if it came to none, or the token was used before. */
VOUCH_API size_t vouch_tx_result_count(const vouch_tx_result *result);
/* Result i, borrowed until vouch_tx_result_free; NULL beyond the end. Of a settled transaction every
 * command is MAYBE_APPLIED: the transaction ran, but a right that was taken away in between, or a wrong
 * type, may have stopped any of them, and the reply that would say so is lost. */
VOUCH_API const vouch_result *vouch_tx_result_at(const vouch_tx_result *result, size_t i);
/* Its reply; NULL if there is none, or it was lost. */
VOUCH_API const vouch_reply *vouch_tx_result_reply(const vouch_tx_result *result, size_t i);
/* How many commands were refused before EXEC ran, and all of them in the order of the commands; *out
 * (may be NULL) is borrowed until the result is freed. */
VOUCH_API size_t vouch_tx_queue_errors(const vouch_tx_result *result,
                                       const vouch_queue_error **out);
/* How many failed while EXEC ran, likewise. */
VOUCH_API size_t vouch_tx_exec_errors(const vouch_tx_result *result, const vouch_exec_error **out);
/* Attempts begun. */
VOUCH_API uint32_t vouch_tx_result_attempts(const vouch_tx_result *result);
/* Attempts that ended by a conflict. */
VOUCH_API uint32_t vouch_tx_result_conflicts(const vouch_tx_result *result);
/* Replicas that have it, as WAIT or WAITAOF told; -1 if that was not asked, or not answered. */
VOUCH_API int64_t vouch_tx_result_copies(const vouch_tx_result *result);
/* The marker's key, for those who want to look; absent without `resolve` and `token`, or if it came to
 * no attempt. Borrowed until the result is freed. */
VOUCH_API vouch_string vouch_tx_result_marker(const vouch_tx_result *result);
/* NULL is allowed. */
VOUCH_API void vouch_tx_result_free(vouch_tx_result *result);

VOUCH_END
#endif
