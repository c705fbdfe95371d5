/* vouch/ratelimit.h: how much of something may be had in how much time, counted on the server.
 *
 * What a rate limiter promises
 *   - One call, one script, one moment: no two processes are both given the last one. A limiter may have
 *     several limits; what is taken is taken from all of them or from none.
 *   - The clock is the server's (TIME, in microseconds). Nobody's own clock has a say.
 *   - Whole numbers throughout, exact: no rate drifts, and what the limits allow is what is allowed.
 *     retry_after_us is rounded up: at that moment the same call is allowed, if nobody came before.
 *   - Every key has a time to live, from its first write on and after every other, in milliseconds,
 *     rounded up. When it ends, the key says what its absence says.
 *   - Bad arguments are refused before anything is written, here and again in the script; so is a call
 *     for which the server has no memory left. So is a key that holds something else.
 *
 * Kinds of limits, with `limit` L, `period_us` P and `burst` B
 *   FIXED_WINDOW    L in each period, periods counted from 1970 on. Cheapest to grasp; around the end of
 *                   a period up to 2 L within a moment
 *   SLIDING_WINDOW  the same, but what was taken in the period before counts as far as that still lies
 *                   within P, as if it had been taken evenly. Never more than L by that measure
 *   SLIDING_LOG     no stretch of P, wherever it begins, has more than L. Exact, and the dearest: each
 *                   microsecond in which something was taken takes some 100 bytes, for P
 *   TOKEN_BUCKET    a bucket of B tokens; L come back each P, evenly
 *   GCRA            the same rule, kept as one point in time: B at once, then one each P / L. It decides
 *                   exactly as TOKEN_BUCKET does, with less to store; prefer it
 *   CONCURRENCY     no more than L at once. Who takes names a lease, which ends on its own after P
 * All keys hold strings, but for SLIDING_LOG and CONCURRENCY (sorted sets).
 *
 * When the server's clock is set back, by D
 *   Nothing is allowed on that account that was not before, also when it goes to and fro; and what was
 *   taken stands in the way for D longer, but never for more than a whole period longer (of buckets: the
 *   time in which one fills up). In detail, if D is no more than that:
 *   FIXED_WINDOW, SLIDING_WINDOW   it counts on in the window in which it was taken, the present one or
 *                   the next
 *   SLIDING_LOG     it counts until one period after it was taken, by that clock
 *   TOKEN_BUCKET, GCRA   what comes back in D is missing
 *   CONCURRENCY     leases last D longer
 *   And if it is more: it counts as if it had been taken now, a bucket that was in use is empty, leases
 *   last one period from now. That is put right by the first call of any kind, a peek too. When the
 *   clock goes forward time has passed, and gives back what time does: never more than all there is.
 *
 * All who use one key must agree on what it means; a kind finds out if another one uses its key. When a
 * limit is changed for a key in use, what was taken counts on under the new one. A lease's period must
 * not be made shorter while leases are held: they would end early.
 */
#ifndef VOUCH_RATELIMIT_H
#define VOUCH_RATELIMIT_H

#include <vouch/batch.h>
#include <vouch/client.h>
#include <vouch/reply.h>
#include <vouch/result.h>
#include <vouch/script.h>

VOUCH_BEGIN

/* ---- limiters ------------------------------------------------------------------------------- */

/* The kinds. The values are ABI: never renumbered, only appended. */
typedef enum vouch_limit_kind {
    VOUCH_LIMIT_FIXED_WINDOW = 1,   /* so much in each period */
    VOUCH_LIMIT_SLIDING_WINDOW = 2, /* the same, with a weighted share of the period before */
    VOUCH_LIMIT_SLIDING_LOG = 3,    /* so much in any period */
    VOUCH_LIMIT_TOKEN_BUCKET = 4,   /* a bucket that fills up evenly */
    VOUCH_LIMIT_GCRA = 5,           /* the same rule, as one point in time */
    VOUCH_LIMIT_CONCURRENCY = 6,    /* so much at once, by leases */
    VOUCH_LIMIT_KIND_LAST_ = 0x7fffffff
} vouch_limit_kind;

/* Within these all arithmetic is exact, until the year 2255. What is beyond is refused. */
#define VOUCH_LIMITS_MAX          16                      /* limits of one limiter */
#define VOUCH_LIMIT_MAX           (INT64_C(1) << 26)      /* highest limit, burst and cost */
#define VOUCH_LIMIT_LOG_MAX       INT64_C(1000000)        /* highest limit of SLIDING_LOG */
#define VOUCH_LIMIT_LEASES_MAX    INT64_C(100000)         /* highest limit of CONCURRENCY */
#define VOUCH_LIMIT_PERIOD_MIN_US INT64_C(1000)           /* shortest period: a millisecond */
#define VOUCH_LIMIT_PERIOD_MAX_US INT64_C(31622400000000) /* longest: 366 days */
#define VOUCH_LEASE_MAX           128                     /* bytes of a lease's name */
#define VOUCH_LEASE_COST_MAX      INT64_C(1000)           /* highest cost of CONCURRENCY */

/* One limit. Its size never changes: begin with zeros, VOUCH_LIMIT_SPEC_INIT. Beside the ranges above:
 *   limit <= period_us (one a microsecond) for SLIDING_LOG, TOKEN_BUCKET and GCRA
 *   burst * period_us / limit <= VOUCH_LIMIT_PERIOD_MAX_US: an empty bucket is full again after that */
typedef struct vouch_limit_spec {
    vouch_limit_kind kind; /* must be set */
    uint32_t reserved;     /* 0 */
    int64_t limit;         /* from 1 */
    int64_t period_us;     /* microseconds; of CONCURRENCY: how long a lease lasts */
    int64_t burst;         /* of TOKEN_BUCKET and GCRA; default: limit. Of others 0 */
    int64_t reserved2[4];  /* 0 */
} vouch_limit_spec;

/* Nothing set yet. */
#define VOUCH_LIMIT_SPEC_INIT                                                                      \
    {                                                                                              \
        (vouch_limit_kind)0, 0, 0, 0, 0,                                                           \
        {                                                                                          \
            0, 0, 0, 0                                                                             \
        }                                                                                          \
    }

/* What holds for a limiter. Begin with VOUCH_LIMITER_OPTIONS_INIT. */
typedef struct vouch_limiter_options {
    uint32_t size; /* set by the initialiser */
    uint32_t reserved;
    const char *name; /* for messages; copied, less than VOUCH_SCRIPT_NAME_MAX bytes. Default:
                         "limiter" */
} vouch_limiter_options;

/* Every default. */
#define VOUCH_LIMITER_OPTIONS_INIT                                                                 \
    {                                                                                              \
        sizeof(vouch_limiter_options), 0, NULL                                                     \
    }

/* Some limits and the script that decides on them. Never changes: any number of threads, clients and
 * batches may use it at once. It must outlive the batches that hold its calls, and the operations. */
typedef struct vouch_limiter vouch_limiter;

/* A limiter of n limits, copied; `options` may be NULL. No I/O: the script is loaded by the first call on
 * a server that lacks it.
 *   VOUCH_OK      *out is the caller's, to be released with vouch_limiter_free
 *   VOUCH_EINVAL  NULL, no limits, a field is wrong; the message says which
 *   VOUCH_ELIMIT  over one of the limits above
 *   VOUCH_ENOMEM */
VOUCH_API VOUCH_MUST vouch_status vouch_limiter_new(const vouch_limit_spec *specs, size_t n,
                                                    const vouch_limiter_options *options,
                                                    vouch_limiter **out, vouch_error *error);
/* NULL is allowed. */
VOUCH_API void vouch_limiter_free(vouch_limiter *limiter);
/* Its script, borrowed: for those who load scripts ahead. Limiters with the same kinds of limits have
 * the same. NULL for NULL. */
VOUCH_API const vouch_script *vouch_limiter_script(const vouch_limiter *limiter);

/* ---- decisions ------------------------------------------------------------------------------ */

/* In retry_after_us: never. The cost is more than limit, or burst, allows at all; or there is no such
 * lease any more. */
#define VOUCH_LIMIT_NEVER INT64_C(-1)

/* What one limit says. Times are in microseconds from the moment of the decision, on the server. */
typedef struct vouch_limit {
    int64_t allowed;   /* 1 or 0; of a refused call with several limits, whether it was this one's
                               fault */
    int64_t limit;     /* the most it can ever allow at once: limit, or burst */
    int64_t remaining; /* what is left of that, after this call */
    int64_t retry_after_us; /* 0 if allowed; else when it would be, or VOUCH_LIMIT_NEVER */
    int64_t reset_after_us; /* when all of it is there again; 0: it is */
} vouch_limit;

/* What became of one call. Its size never changes. */
typedef struct vouch_decision {
    vouch_limit all; /* allowed if all allow. Refused: the limit that refuses longest. Allowed: the
                        one with least remaining, of several the one that takes longest to reset */
    size_t n;        /* limits of the limiter */
    vouch_limit each[VOUCH_LIMITS_MAX]; /* n of them, in the order of the specs */
} vouch_decision;

/* What to do. The values are ABI: never renumbered, only appended. */
typedef enum vouch_limit_action {
    VOUCH_LIMIT_TAKE = 0, /* takes the cost, or nothing if a limit refuses; CONCURRENCY: the lease.
                                To take a lease again that is still held renews it, and counts once */
    VOUCH_LIMIT_PEEK = 1, /* says what a take would be told, and takes nothing */
    VOUCH_LIMIT_REFUND = 2, /* gives the cost back, as if the last had not been taken; the lease
                               too. Never more than was taken and still counts. Always allowed, but
                               for a lease that has ended */
    VOUCH_LIMIT_EXTEND = 3, /* lets the lease last for a whole period from now, if it has not ended:
                                else not allowed, never again. Other kinds only tell how they are */
    VOUCH_LIMIT_RELEASE = 4, /* ends the lease; not allowed, and without any effect, if it had
                                ended. Other kinds only tell how they are */
    VOUCH_LIMIT_ACTION_LAST_ = 0x7fffffff
} vouch_limit_action;

/* What holds for one call. Begin with VOUCH_LIMIT_OPTIONS_INIT. Everything is copied. */
typedef struct vouch_limit_options {
    uint32_t size;        /* set by the initialiser */
    uint32_t outages;     /* lost connections and passing refusals it survives; default: the
                             client's */
    int64_t deadline_ms;  /* of the whole call; default: the client's; or VOUCH_NO_DEADLINE. A
                             batch's calls have the pipeline's */
    const int64_t *costs; /* one for each limit, instead of `cost`; 0: that limit is left alone.
                             NULL: `cost` for all */
    const char *lease;    /* CONCURRENCY: the lease's name, any bytes, unique among all who take;
                             must be set, but for a peek */
    size_t lease_size;    /* bytes of it; 0: up to its NUL. VOUCH_LEASE_MAX at most */
} vouch_limit_options;

/* Every default. */
#define VOUCH_LIMIT_OPTIONS_INIT                                                                   \
    {                                                                                              \
        sizeof(vouch_limit_options), 0, 0, NULL, NULL, 0                                           \
    }

/* Asks the limiter and waits for its decision; blocks deadline_ms at most. `keys`: one for each limit,
 * all different and in one hash slot ("{ann}:second", "{ann}:day"). `cost`: from 0 to VOUCH_LIMIT_MAX.
 * A cost above what a limit allows at once is no error: it is never allowed. `options` and `out` may be
 * NULL.
 *
 *   status              effect           meaning
 *   VOUCH_OK            APPLIED          decided: *out says what. Refusing is not an error
 *   VOUCH_ESERVER       MAYBE_APPLIED    answered with an error. The script raises its own before it
 *                                        writes: a key that holds something else
 *   VOUCH_ESERVER       NOT_APPLIED      refused before it ran
 *   VOUCH_EUNKNOWN      MAYBE_APPLIED    sent, and not answered: it may have been taken, never more than
 *                                        was allowed. To take a lease again by its name is safe
 *   VOUCH_ENOTSENT, VOUCH_EINTERRUPTED, VOUCH_ECANCELLED   NOT_APPLIED
 *   VOUCH_ENOMEM        APPLIED or NOT_APPLIED   the effect tells
 *   VOUCH_EINVAL, VOUCH_ELIMIT, VOUCH_EBUSY, VOUCH_EFORKED   NOT_APPLIED, nothing was sent
 * PEEK and EXTEND, and TAKE if all that it takes is a lease, do no harm twice: when in doubt they are
 * sent again. Whether to let pass what could not be decided is the caller's to say.
 * But for VOUCH_OK *out is all zeros: nothing allowed. */
VOUCH_API VOUCH_MUST vouch_status vouch_limit_call(vouch_client *client,
                                                   const vouch_limiter *limiter,
                                                   vouch_limit_action action, vouch_args keys,
                                                   int64_t cost, const vouch_limit_options *options,
                                                   vouch_decision *out, vouch_error *error);
/* The same as an operation: does no I/O. */
VOUCH_API VOUCH_MUST vouch_status vouch_limit_start(
    vouch_client *client, const vouch_limiter *limiter, vouch_limit_action action, vouch_args keys,
    int64_t cost, const vouch_limit_options *options, vouch_op **out, vouch_error *error);
/* Gives the decision of a started call and releases the operation; the statuses of vouch_limit_call. Of
 * one that is not done it first blocks until it is. */
VOUCH_API VOUCH_MUST vouch_status vouch_limit_finish(vouch_op *op, vouch_decision *out,
                                                     vouch_error *error);

/* Adds a call to a batch, for a pipeline or a transaction (vouch_tx_queue_batch): hundreds of decisions in
 * one write. Returns its index. Keys and all in `options` are copied, the limiter is borrowed. Errors are
 * sticky, as in vouch_batch_add. vouch_limit_read reads its reply. */
VOUCH_API size_t vouch_batch_add_limit(vouch_batch *batch, const vouch_limiter *limiter,
                                       vouch_limit_action action, vouch_args keys, int64_t cost,
                                       const vouch_limit_options *options);
/* Reads the reply to such a call. False, and *out is all zeros: nothing allowed, if the reply is no
 * decision: NULL, an error. */
VOUCH_API bool vouch_limit_read(const vouch_reply *reply, vouch_decision *out);

VOUCH_END
#endif
