/* vouch/producer.h: entries into streams.
 *
 * Three ways to add one, all of them for pipelines, streams of commands and transactions, each with a
 * result of its own:
 *   vouch_batch_add_entry   XADD. After a lost connection it may be in doubt, like any write
 *   vouch_tx_queue_entry    the same inside a transaction, with all that this promises
 *   vouch_batch_add_once    by a producer's name and a sequence: once, however often it is sent
 *
 * What a producer promises
 *   - An entry is in the stream once for each sequence, and in the order of the sequences. Sequences
 *     rise, and may have gaps: the offset of a line in a file, of a row in a table, of a message in
 *     another queue.
 *   - So a call that was not answered is simply made again. In a pipeline of such calls alone set
 *     vouch_pipeline_options.idempotent: after an outage vouch itself sends again, in order and from the
 *     first unanswered one on, what was not answered. Or run the same batch once more. What the lost
 *     connection still carries may be executed late, and between: whichever comes first is added, the
 *     other is told that it was. (Not with reorder_ok, under which a lower one may come too late.)
 *   - The price is order: once a sequence was added a lower one never will be. It is told whether it was
 *     used (AGAIN, with the id of its entry) or passed over (PASSED). So send nothing higher while
 *     something lower is unanswered or was refused; within a pipeline an entry that the server refused
 *     (OOM…) may be passed by those behind it. options->dense makes that impossible: then each sequence
 *     must be one more than the one before, and what would leave a gap is not added (GAP).
 *   - A zombie, an earlier process under the same name, adds nothing that was added since. Contents are
 *     not compared: of two that use one name at once, each sequence belongs to whoever comes first.
 *
 * The memory for this is a hash beside the stream, the state: of each producer its highest sequence and
 * the ids of the last few. It lives and dies with the server's data, and so does the promise: who deletes,
 * flushes or evicts it, or lets it expire (options->state_ms), will find that what is sent again is added
 * again. An entry and its sequence are written together, and a failover or a restart loses both or none.
 * A dense producer is told by a GAP that the server lost some of what it had answered, unless it lost all.
 *
 * Rights: XADD; of producers EVALSHA, SCRIPT LOAD (see vouch/script.h) and HGET, HSET, HDEL on the state,
 * PEXPIRE with state_ms, TIME with an age; to trim XTRIM, by age also the script's.
 */
#ifndef VOUCH_PRODUCER_H
#define VOUCH_PRODUCER_H

#include <vouch/batch.h>
#include <vouch/client.h>
#include <vouch/reply.h>
#include <vouch/script.h>
#include <vouch/transaction.h>

VOUCH_BEGIN

/* ---- what is kept --------------------------------------------------------------------------- */

#define VOUCH_KEEP_NONE           INT64_C(-1)        /* as max_len: no entry at all */
#define VOUCH_NO_TRIM_LIMIT       INT64_C(-1)        /* as limit: as many as it takes */
#define VOUCH_RETENTION_MAX_MS    (INT64_C(1) << 50) /* longest max_age_ms and state_ms */
#define VOUCH_STREAM_NAME_MAX     ((size_t)65536)    /* bytes of a stream's and a state's key */
#define VOUCH_PRODUCER_NAME_MAX   ((size_t)1024)     /* bytes of a producer's name */
#define VOUCH_PRODUCER_WINDOW     UINT32_C(128)      /* sequences remembered by default */
#define VOUCH_PRODUCER_WINDOW_MAX UINT32_C(65536)    /* and at most */
#define VOUCH_ONCE_MAX_FIELDS     ((size_t)3000)     /* fields of an entry that is added once */
#define VOUCH_ENTRY_ID_MAX        48                 /* room for an entry's id and its NUL */

/* How much of a stream is kept: one of the first three, or none of them (everything). Its size never
 * changes: begin with VOUCH_RETENTION_INIT. */
typedef struct vouch_retention {
    int64_t max_len;    /* MAXLEN: so many entries, the newest; or VOUCH_KEEP_NONE */
    const char *min_id; /* MINID: none with a lower id: "1700000000000-0", or milliseconds alone */
    int64_t max_age_ms; /* MINID likewise: none older, by the server's clock (TIME), as far as ids
                           are times. At most VOUCH_RETENTION_MAX_MS */
    int64_t limit;      /* LIMIT: look at so many entries at most, unless exact; default: the
                           server's (100 nodes'); or VOUCH_NO_TRIM_LIMIT */
    uint32_t exact;     /* 1: "=", not one more is kept. Default: "~", whole nodes go (of 100
                           entries as a rule), which costs next to nothing; a few more stay */
    uint32_t reserved;  /* 0 */
} vouch_retention;

/* Everything is kept. */
#define VOUCH_RETENTION_INIT                                                                       \
    {                                                                                              \
        0, NULL, 0, 0, 0, 0                                                                        \
    }

/* ---- plain entries -------------------------------------------------------------------------- */

/* What holds for one XADD. Begin with VOUCH_ENTRY_OPTIONS_INIT. Everything is copied. */
typedef struct vouch_entry_options {
    uint32_t size;        /* set by the initialiser */
    uint32_t no_mkstream; /* 1: NOMKSTREAM: where there is no stream, none is made, nothing added */
    size_t stream_size;   /* bytes of `stream`, any bytes; 0: up to its NUL */
    const char *id;       /* "ms-sequence", "ms-*" or "ms"; it must be above the stream's last.
                             Default: "*", the server's choice */
    vouch_retention keep; /* what is removed with it; not max_age_ms, which takes a producer or
                             vouch_stream_trim */
} vouch_entry_options;

/* Every default. */
#define VOUCH_ENTRY_OPTIONS_INIT                                                                   \
    {                                                                                              \
        sizeof(vouch_entry_options), 0, 0, NULL, VOUCH_RETENTION_INIT                              \
    }

/* Adds an XADD to a batch; returns its index. `fields` are names and values by turns, any bytes:
 *
 *     vouch_batch_add_entry(batch, "orders", VOUCH_ARGS("id", 17, "total", 9.5), NULL);
 *
 * All is copied; `options` may be NULL. Errors are sticky, as in vouch_batch_add: no fields, a name without
 * a value, a stream without a name, options that contradict each other or are no ids. Its result is as of
 * any command; vouch_added_read reads it. */
VOUCH_API size_t vouch_batch_add_entry(vouch_batch *batch, const char *stream, vouch_args fields,
                                       const vouch_entry_options *options);

/* Queues one in a transaction's body; returns its index, as vouch_tx_queuev. (Without memory for the batch
 * in between the run ends with VOUCH_EINVAL.) */
static inline size_t vouch_tx_queue_entry(vouch_tx *tx, const char *stream, vouch_args fields,
                                          const vouch_entry_options *options)
{
    vouch_batch *batch = vouch_batch_new();
    size_t index;
    if (batch)
        (void)vouch_batch_add_entry(batch, stream, fields, options);
    index = vouch_tx_queue_batch(tx, batch);
    vouch_batch_free(batch);
    return index;
}

/* ---- producers ------------------------------------------------------------------------------ */

/* What holds for a producer. Begin with VOUCH_PRODUCER_OPTIONS_INIT. Everything is copied. */
typedef struct vouch_producer_options {
    uint32_t size;        /* set by the initialiser */
    uint32_t no_mkstream; /* as vouch_entry_options */
    size_t stream_size;   /* bytes of `stream`, any bytes; 0: up to its NUL */
    size_t name_size;     /* bytes of `name`, likewise */
    const char *state; /* key of the state, in the stream's slot. Default: "vouch:produced:{….}:"
                             and the producer's name, ":", and the stream's; the tag makes it share
                             the slot whatever braces the two have */
    size_t state_size; /* bytes of it, any bytes; 0: up to its NUL */
    uint32_t window;   /* of how many sequences the ids are remembered, some 100 bytes each.
                             Default: VOUCH_PRODUCER_WINDOW. With as many as the client's
                             window_commands, all that a pipeline sends again is told its id */
    uint32_t dense;    /* 1: each sequence is one more than the one before, but the first of all,
                             which may be any; others are a GAP */
    int64_t state_ms;  /* the state ends so long after the last entry that was added, of any
                             producer with this state; then what is sent again is added again.
                             Default: never */
    vouch_retention keep; /* what is removed with each entry that is added */
} vouch_producer_options;

/* Every default. */
#define VOUCH_PRODUCER_OPTIONS_INIT                                                                \
    {                                                                                              \
        sizeof(vouch_producer_options), 0, 0, 0, NULL, 0, 0, 0, 0, VOUCH_RETENTION_INIT            \
    }

/* A name under which entries are added to a stream. Never changes: any number of threads, clients and
 * batches may use it at once. It must outlive the batches that hold its entries, and the operations. */
typedef struct vouch_producer vouch_producer;

/* A producer; no I/O. `name` is what it is known by after a restart, and to be used by one at a time;
 * `options` may be NULL.
 *   VOUCH_OK      *out is the caller's, to be released with vouch_producer_free
 *   VOUCH_EINVAL  NULL or empty, an option is wrong or contradicts another, the state is in another slot
 *                 than the stream; the message says which
 *   VOUCH_ELIMIT  over one of the limits above
 *   VOUCH_ENOMEM */
VOUCH_API VOUCH_MUST vouch_status vouch_producer_new(const char *stream, const char *name,
                                                     const vouch_producer_options *options,
                                                     vouch_producer **out, vouch_error *error);
/* NULL is allowed. */
VOUCH_API void vouch_producer_free(vouch_producer *producer);
/* Its script, borrowed: for those who load scripts ahead. All producers have the same. NULL for NULL. */
VOUCH_API const vouch_script *vouch_producer_script(const vouch_producer *producer);
/* The key of its state, borrowed; of NULL an absent string. */
VOUCH_API vouch_string vouch_producer_state(const vouch_producer *producer);

/* Adds to a batch an entry that is added once; returns its index. `sequence` is 0 or more. Fields are
 * copied, VOUCH_ONCE_MAX_FIELDS at most; the producer is borrowed. Errors are sticky, as in
 * vouch_batch_add_entry. What became of it is in its reply, by vouch_added_read, and its result is as of a
 * script's call:
 *
 *   status             effect          meaning
 *   VOUCH_OK           APPLIED         answered: vouch_added_read says what. Only NEW was added by this call
 *   VOUCH_ESERVER      NOT_APPLIED     refused before it ran
 *   VOUCH_ESERVER      MAYBE_APPLIED   an error of the script, all of which come before it writes: a key
 *                                      that holds something else, a right that is missing. To make the call
 *                                      again does no harm
 *   VOUCH_EUNKNOWN     MAYBE_APPLIED   not answered: make it again, before anything higher
 *   VOUCH_ENOTSENT     NOT_APPLIED     likewise */
VOUCH_API size_t vouch_batch_add_once(vouch_batch *batch, const vouch_producer *producer,
                                      int64_t sequence, vouch_args fields);

/* Queues one in a transaction's body, as vouch_tx_queue_entry. A transaction that runs again, by whatever
 * hand, adds it once. */
static inline size_t vouch_tx_queue_once(vouch_tx *tx, const vouch_producer *producer,
                                         int64_t sequence, vouch_args fields)
{
    vouch_batch *batch = vouch_batch_new();
    size_t index;
    if (batch)
        (void)vouch_batch_add_once(batch, producer, sequence, fields);
    index = vouch_tx_queue_batch(tx, batch);
    vouch_batch_free(batch);
    return index;
}

/* ---- what became of an entry ---------------------------------------------------------------- */

/* What the server did with an entry. The values are ABI: never renumbered, only appended. */
typedef enum vouch_added_how {
    VOUCH_ADDED_NEW = 1,   /* it was added, by this call */
    VOUCH_ADDED_AGAIN = 2, /* its sequence was used before: the id is that of the entry then */
    VOUCH_ADDED_FORGOTTEN =
        3, /* its sequence is below all that are remembered: it was used before, or
                                  passed over. Not added */
    VOUCH_ADDED_PASSED =
        4, /* its sequence was never used, but a higher one was: not in the stream, and
                                  under this sequence it never will be */
    VOUCH_ADDED_GAP =
        5, /* of a dense producer: last + 1 has not come. Not added; send that first */
    VOUCH_ADDED_NO_STREAM = 6, /* with no_mkstream: there is none. Not added */
    VOUCH_ADDED_HOW_LAST_ = 0x7fffffff
} vouch_added_how;

/* What is known of it. Its size never changes. */
typedef struct vouch_added {
    vouch_added_how how;         /* one of those above */
    uint32_t reserved;           /* 0 */
    int64_t last;                /* AGAIN, FORGOTTEN, PASSED, GAP: the producer's highest sequence
                                    so far; else -1 */
    char id[VOUCH_ENTRY_ID_MAX]; /* NEW, AGAIN: "1700000000000-0"; else empty */
} vouch_added;

/* Reads the reply to an entry of either kind. False, and *out is all zeros, if it is none: NULL (nothing was
 * answered), an error. */
VOUCH_API bool vouch_added_read(const vouch_reply *reply, vouch_added *out);

/* ---- trimming ------------------------------------------------------------------------------- */

/* What holds for one trim. Begin with VOUCH_TRIM_OPTIONS_INIT. Everything but the script is copied. */
typedef struct vouch_trim_options {
    uint32_t size;              /* set by the initialiser */
    uint32_t outages;           /* lost connections and passing refusals it survives; default: the
                                   client's */
    int64_t deadline_ms;        /* of the whole call; default: the client's; or
                                   VOUCH_NO_DEADLINE. Of a batch the pipeline's hold */
    size_t stream_size;         /* bytes of `stream`, any bytes; 0: up to its NUL */
    const vouch_script *script; /* by vouch_trim_script_new, borrowed: to trim by age in a batch;
                                   vouch_stream_trim makes its own if there is none */
    vouch_retention keep;       /* must be set */
} vouch_trim_options;

/* Every default, but for `keep`. */
#define VOUCH_TRIM_OPTIONS_INIT                                                                    \
    {                                                                                              \
        sizeof(vouch_trim_options), 0, 0, 0, NULL, VOUCH_RETENTION_INIT                            \
    }

/* Removes what is not kept (XTRIM; by age a script with TIME and XTRIM) and waits; blocks deadline_ms at
 * most. *removed (may be NULL) is how many entries that were. A stream that is not there has none.
 *
 *   status           effect          meaning
 *   VOUCH_OK         APPLIED         done
 *   VOUCH_ESERVER    NOT_APPLIED     refused: another type of key, a right
 *   VOUCH_ESERVER    MAYBE_APPLIED   by age: the script's error; nothing was removed
 *   VOUCH_ETOOLARGE, VOUCH_ENOMEM   APPLIED   done; *removed is not known
 *   VOUCH_EUNKNOWN   MAYBE_APPLIED   sent, and not answered. To trim again does no harm
 *   VOUCH_ENOTSENT, VOUCH_EINTERRUPTED, VOUCH_ECANCELLED   NOT_APPLIED
 *   VOUCH_EINVAL, VOUCH_ELIMIT, VOUCH_EBUSY, VOUCH_EFORKED, VOUCH_ENOMEM   NOT_APPLIED, nothing was sent
 * But for VOUCH_OK *removed is 0. */
VOUCH_API VOUCH_MUST vouch_status vouch_stream_trim(vouch_client *client, const char *stream,
                                                    const vouch_trim_options *options,
                                                    int64_t *removed, vouch_error *error);

/* Adds one to a batch; returns its index. Errors are sticky, as in vouch_batch_add_entry. Its reply is the
 * number of entries removed. */
VOUCH_API size_t vouch_batch_add_trim(vouch_batch *batch, const char *stream,
                                      const vouch_trim_options *options);

/* The script that trims by age, for vouch_trim_options; it must outlive the batches that hold its calls.
 *   VOUCH_OK      *out is the caller's, to be released with vouch_script_free
 *   VOUCH_EINVAL  out is NULL
 *   VOUCH_ENOMEM */
VOUCH_API VOUCH_MUST vouch_status vouch_trim_script_new(vouch_script **out, vouch_error *error);

VOUCH_END
#endif
