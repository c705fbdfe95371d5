/* vouch/script.h: Lua scripts that are there when they are called.
 *
 * What a script call promises
 *   - Whether the server has the script is never the caller's problem: it is sent by its digest
 *     (EVALSHA), and loaded with SCRIPT LOAD where it is missing: after a restart, a failover, a SCRIPT
 *     FLUSH. A single call costs one round trip more then; in a pipeline the load travels in the same
 *     write; in a transaction it is part of it.
 *   - A script that may have run is not run again, unless it is read-only, the caller said that it is
 *     idempotent, or a marker settles it (options->resolve, options->token).
 *   - A script's errors are its author's: any word can come back after any number of writes. So an
 *     error is MAYBE_APPLIED, even one that looks like the server's own. The exception is a script that
 *     cannot answer with an error of its own making (vouch reads that off its source, and is careful;
 *     or options->honest says so): of it the server's exact words for what comes before a script starts
 *     (LOADING, OOM, READONLY, BUSY…, and NOSCRIPT) are believed, and it is tried again; believed, and
 *     final, is that the user may not call it, or not with these keys (NOPERM). Of any other script
 *     "NOSCRIPT" is believed only after the server was asked whether it has it (SCRIPT EXISTS), one
 *     round trip more. That leaves one case in which a script runs twice: it answered with exactly the
 *     server's NOSCRIPT line after it wrote, and was flushed before the question came.
 *     options->strict leaves none.
 *
 * Rights: EVALSHA (or EVALSHA_RO); SCRIPT LOAD where it is missing; of a script that is not honest also
 * SCRIPT EXISTS, without which a "missing" of it stays MAYBE_APPLIED. A transaction, a token or resolve
 * wants one of the two even if the script is there, since nothing else keeps it from being missing
 * inside EXEC; strict and vouch_tx_options.load_inside want SCRIPT LOAD.
 *
 * Scripts are loaded, never EVALed: servers drop EVALed scripts when they have many. So that nobody
 * else's EVAL of the same text owns the digest, vouch appends a comment of its own to the source.
 */
#ifndef VOUCH_SCRIPT_H
#define VOUCH_SCRIPT_H

#include <vouch/batch.h>
#include <vouch/client.h>
#include <vouch/reply.h>
#include <vouch/result.h>
#include <vouch/transaction.h>

VOUCH_BEGIN

/* A script's source, its digest and what is known of it. Never changes: any number of threads, clients
 * and batches may use it at once. It must outlive the batches that hold its calls, and the operations. */
typedef struct vouch_script vouch_script;

#define VOUCH_SCRIPT_MAX_BYTES ((size_t)1 << 20) /* of a source */
#define VOUCH_SCRIPT_NAME_MAX  48                /* bytes of a name, with its NUL */
#define VOUCH_DIGEST_MAX       41                /* of a digest: 40 hexadecimal digits and a NUL */

/* What the caller says of a script. Begin with VOUCH_SCRIPT_OPTIONS_INIT. */
typedef struct vouch_script_options {
    uint32_t size;     /* set by the initialiser */
    uint32_t readonly; /* 1: called as EVALSHA_RO: the server refuses writes, and a call that was
                          not answered is made again. Implied by the shebang's flag no-writes */
    uint32_t honest;   /* 1: it never returns an error that it made or caught, and raises none that
                          is a table; it may raise text, and whatever redis.call raises */
    uint32_t as_is;    /* 1: the source as it is, without a comment of vouch's own */
    const char *name;  /* for messages; copied. Default: the first digits of the digest */
} vouch_script_options;

/* Every default. */
#define VOUCH_SCRIPT_OPTIONS_INIT                                                                  \
    {                                                                                              \
        sizeof(vouch_script_options), 0, 0, 0, NULL                                                \
    }

/* A script of `size` bytes of Lua, copied; 0: up to the NUL. Whether it compiles is the server's to say,
 * when it is loaded. `options` may be NULL.
 *   VOUCH_OK      *out is the caller's, to be released with vouch_script_free
 *   VOUCH_EINVAL  NULL, empty, an option is wrong
 *   VOUCH_ELIMIT  longer than VOUCH_SCRIPT_MAX_BYTES, or the name than VOUCH_SCRIPT_NAME_MAX
 *   VOUCH_ENOMEM */
VOUCH_API VOUCH_MUST vouch_status vouch_script_new(const char *source, size_t size,
                                                   const vouch_script_options *options,
                                                   vouch_script **out, vouch_error *error);
/* NULL is allowed. */
VOUCH_API void vouch_script_free(vouch_script *script);
/* SHA-1 of what is sent to the server, in hexadecimal; borrowed from the script. */
VOUCH_API const char *vouch_script_digest(const vouch_script *script);
/* Borrowed from the script. */
VOUCH_API const char *vouch_script_name(const vouch_script *script);
/* True if an error of this script in the server's own words is taken for the server's. */
VOUCH_API bool vouch_script_is_honest(const vouch_script *script);

/* No keys, or no arguments. */
#define VOUCH_NO_ARGS (vouch_args_of(NULL, 0))

/* Adds a call to a batch, for a pipeline or a transaction (vouch_tx_queue_batch); returns its index. Keys
 * and arguments are copied, the script is borrowed. Errors are sticky, as in vouch_batch_add. Its result
 * is as of any command; vouch_script_error_read takes its error apart. */
VOUCH_API size_t vouch_batch_add_script(vouch_batch *batch, const vouch_script *script,
                                        vouch_args keys, vouch_args args);

/* Queues a call in a transaction's body; returns its index, as vouch_tx_queuev. (Without memory for the
 * batch in between the run ends with VOUCH_EINVAL.) */
static inline size_t vouch_tx_queue_script(vouch_tx *tx, const vouch_script *script,
                                           vouch_args keys, vouch_args args)
{
    vouch_batch *batch = vouch_batch_new();
    size_t index;
    if (batch)
        (void)vouch_batch_add_script(batch, script, keys, args);
    index = vouch_tx_queue_batch(tx, batch);
    vouch_batch_free(batch);
    return index;
}

/* ---- single calls --------------------------------------------------------------------------- */

/* What holds for one call. Begin with VOUCH_CALL_OPTIONS_INIT. Everything is copied. */
typedef struct vouch_call_options {
    uint32_t size;             /* set by the initialiser */
    uint32_t idempotent;       /* 1: it may run more than once; MAYBE is sent again */
    uint32_t outages;          /* lost connections and passing refusals it survives; default: the
                                  client's */
    uint32_t kill_busy;        /* 1: if another script holds the server (BUSY), ask the server to
                                  end it (SCRIPT KILL or FUNCTION KILL). One that has written
                                  cannot be ended (UNKILLABLE) and is waited for */
    uint32_t strict;           /* 1: the source goes along with the call, inside MULTI: it cannot
                                  be missing, and no error is taken for "missing" */
    uint32_t resolve;          /* 1: settle a maybe by a marker, as in vouch_tx_options; two round
                                  trips. The source goes along, as with strict */
    const char *token;         /* a name for this piece of work: it runs at most once, as there.
                                  Implies resolve. NULL: none */
    size_t token_size;         /* bytes of it, any bytes; 0: up to its NUL. VOUCH_TOKEN_MAX at
                                  most */
    const char *marker_prefix; /* as there */
    int64_t marker_ms;         /* as there */
    int64_t deadline_ms;       /* of the whole call; default: the client's; or
                                  VOUCH_NO_DEADLINE */
} vouch_call_options;

/* Every default. */
#define VOUCH_CALL_OPTIONS_INIT                                                                    \
    {                                                                                              \
        sizeof(vouch_call_options), 0, 0, 0, 0, 0, NULL, 0, NULL, 0, 0                             \
    }

/* What a call leaves behind, with its reply. */
typedef struct vouch_call vouch_call;

/* Calls a script and waits for its reply; blocks deadline_ms at most.
 *
 *   status              effect           meaning
 *   VOUCH_OK            APPLIED          it ran; vouch_call_reply has what it returned. With resolve or
 *                                        token also: it ran, once, and its reply is lost (SETTLED,
 *                                        ALREADY). As that might have been an error, vouch_call_result
 *                                        says EUNKNOWN, MAYBE_APPLIED then
 *   VOUCH_ESERVER       MAYBE_APPLIED    it was answered with an error, which may have come after writes
 *   VOUCH_ESERVER       NOT_APPLIED      refused before it ran, or it cannot write
 *   VOUCH_ETOOLARGE     APPLIED          it ran; the reply was over a limit and was dropped
 *   VOUCH_ENOMEM        APPLIED          it ran; no memory for the reply
 *   the same two        MAYBE_APPLIED    with resolve, token or strict: the dropped reply might have been
 *                                        an error
 *   VOUCH_EUNKNOWN      MAYBE_APPLIED    sent, and not answered
 *   VOUCH_ENOTATOMIC    by its result    with resolve, token or strict: the server refused MULTI meanwhile,
 *                                        and it was called without
 *   VOUCH_ENOTSENT, VOUCH_EINTERRUPTED, VOUCH_ECANCELLED   NOT_APPLIED
 *   VOUCH_EINVAL, VOUCH_ELIMIT, VOUCH_EBUSY, VOUCH_EFORKED, VOUCH_ENOMEM   NOT_APPLIED, nothing was sent
 * In the last row *out is NULL; else it is to be released with vouch_call_free. `out` may be NULL. */
VOUCH_API VOUCH_MUST vouch_status vouch_script_call(vouch_client *client,
                                                    const vouch_script *script, vouch_args keys,
                                                    vouch_args args,
                                                    const vouch_call_options *options,
                                                    vouch_call **out, vouch_error *error);
/* The same as an operation: does no I/O. Keys and arguments are copied. */
VOUCH_API VOUCH_MUST vouch_status vouch_script_start(vouch_client *client,
                                                     const vouch_script *script, vouch_args keys,
                                                     vouch_args args,
                                                     const vouch_call_options *options,
                                                     vouch_op **out, vouch_error *error);
/* Gives the outcome of a started call and releases the operation; the statuses of vouch_script_call. Of
 * one that is not done it first blocks until it is. */
VOUCH_API VOUCH_MUST vouch_status vouch_call_finish(vouch_op *op, vouch_call **out,
                                                    vouch_error *error);

/* What it returned, or the error it was answered with; NULL if there is none. Borrowed until
 * vouch_call_free. (All that follow take NULL too.) */
VOUCH_API const vouch_reply *vouch_call_reply(const vouch_call *call);
/* Status, effect, cause, attempts, reply; NULL for NULL. Borrowed likewise. */
VOUCH_API const vouch_result *vouch_call_result(const vouch_call *call);
/* With resolve or token: COMMITTED, or SETTLED or ALREADY if there is no reply for that reason, and the
 * others of vouch_tx_outcome. Without: COMMITTED if it ran (ERRORS if it failed), else UNKNOWN or
 * NOT_SENT. */
VOUCH_API vouch_tx_outcome vouch_call_outcome(const vouch_call *call);
/* How often its script was loaded for it. */
VOUCH_API uint32_t vouch_call_loads(const vouch_call *call);
/* NULL is allowed. */
VOUCH_API void vouch_call_free(vouch_call *call);

/* ---- errors --------------------------------------------------------------------------------- */

/* A script's error, taken apart. Strings are borrowed from the reply. */
typedef struct vouch_script_error {
    char code[VOUCH_CODE_MAX]; /* its first word, such as "ERR"; shortened if longer */
    vouch_string words;        /* all of it */
    vouch_string message;      /* without the code, and without what the server appends */
    vouch_string script; /* digest of the script, or name of the function, that raised it; absent if
                            the server does not say: it was returned, or this is Valkey 9.1 */
    int64_t line;        /* in its source, from 1; 0: not told, since it was returned, not raised */
} vouch_script_error;

/* False, and nothing is filled in, if the reply is no error. */
VOUCH_API bool vouch_script_error_read(const vouch_reply *reply, vouch_script_error *out);

VOUCH_END
#endif
