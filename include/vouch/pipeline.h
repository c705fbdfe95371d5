/* vouch/pipeline.h: many commands, one round trip, and for each its own result and effect.
 *
 * What a pipeline promises
 *   - A result that was received is kept, whatever fails later.
 *   - A command that may have been executed is never sent again, unless it is read-only or the
 *     caller declared the batch idempotent.
 *   - Commands are executed in the order of the batch. After one that is MAYBE_APPLIED nothing later
 *     is sent. One refused for a passing reason (LOADING, OOM, READONLY, BUSY…) is tried again only
 *     if no later one was executed meanwhile; else it stays refused, and from then on nothing is sent
 *     twice. What was held back comes back NOT_APPLIED with VOUCH_CAUSE_ORDER. Batches of different
 *     operations have no order.
 *   - No batch is so large that both sides wait for each other: sending and receiving interleave
 *     within a window.
 */
#ifndef VOUCH_PIPELINE_H
#define VOUCH_PIPELINE_H

#include <vouch/batch.h>
#include <vouch/client.h>
#include <vouch/reply.h>
#include <vouch/result.h>

VOUCH_BEGIN

/* All results of a run, with the replies. */
typedef struct vouch_results vouch_results;

/* How many commands came to which end. */
typedef struct vouch_totals {
    uint64_t commands;    /* = applied + not_applied + maybe */
    uint64_t applied;     /* APPLIED */
    uint64_t not_applied; /* NOT_APPLIED */
    uint64_t maybe;       /* MAYBE_APPLIED */
    uint64_t errors;      /* of these, answered with an error */
} vouch_totals;

/* Called between results; returning false stops the stream as the sink's false does. */
typedef bool (*vouch_progress)(const vouch_totals *so_far, void *user);

/* What holds for one run or stream. Begin with VOUCH_PIPELINE_OPTIONS_INIT. */
typedef struct vouch_pipeline_options {
    uint32_t size;       /* set by the initialiser */
    uint32_t idempotent; /* 1: every command may be executed more than once; MAYBE is sent again */
    uint32_t reorder_ok; /* 1: after an outage send what is left, even past a MAYBE; see `moved` */
    uint32_t outages;    /* default: the client's */
    int64_t deadline_ms; /* default: the client's; of streams: none */
    int64_t stall_ms;    /* of streams; default: the client's; or VOUCH_NO_DEADLINE */
    vouch_progress progress; /* of streams: called after every progress_every commands; or NULL */
    uint64_t progress_every; /* default 10,000 */
} vouch_pipeline_options;

/* Every default. */
#define VOUCH_PIPELINE_OPTIONS_INIT                                                                \
    {                                                                                              \
        sizeof(vouch_pipeline_options), 0, 0, 0, 0, 0, NULL, 0                                     \
    }

/* Runs `batch` and waits for all of it; blocks deadline_ms at most.
 *   VOUCH_OK            every command was answered without error; effect APPLIED
 *   VOUCH_EPARTIAL      every command was answered, at least one with an error
 *   VOUCH_EUNKNOWN      some commands are MAYBE_APPLIED; effect MAYBE_APPLIED
 *   VOUCH_ENOTSENT      none is MAYBE, but some were not executed; effect NOT_APPLIED if none was,
 *                       else PARTLY_APPLIED
 *   VOUCH_EINTERRUPTED, VOUCH_ECANCELLED   as ENOTSENT, by interrupt or cancel
 *   VOUCH_EINVAL, VOUCH_ELIMIT, VOUCH_EBUSY, VOUCH_EFORKED, VOUCH_ENOMEM   nothing was sent, no
 *                       results
 * In all but the last row *out holds the results, to be released with vouch_results_free; else it
 * is NULL. error->command is the first command that is MAYBE_APPLIED, else the first not executed,
 * else the first answered with an error; error->cause is its reason. */
VOUCH_API VOUCH_MUST vouch_status vouch_pipeline_run(vouch_client *client, vouch_batch *batch,
                                                     const vouch_pipeline_options *options,
                                                     vouch_results **out, vouch_error *error);

/* The same as an operation: starts it, does no I/O. The batch is frozen until finish. What is started
 * before the next vouch_client_ready goes out together, in one write where it can. */
VOUCH_API VOUCH_MUST vouch_status vouch_pipeline_start(vouch_client *client, vouch_batch *batch,
                                                       const vouch_pipeline_options *options,
                                                       vouch_op **out, vouch_error *error);

/* Gives the outcome of a started pipeline and releases the operation; the statuses of
 * vouch_pipeline_run. Of one that is not done it first blocks until it is. */
VOUCH_API VOUCH_MUST vouch_status vouch_pipeline_finish(vouch_op *op, vouch_results **out,
                                                        vouch_error *error);

/* As many as the batch has commands. */
VOUCH_API size_t vouch_results_count(const vouch_results *results);
/* Result i, borrowed until vouch_results_free; NULL beyond the end. */
VOUCH_API const vouch_result *vouch_results_at(const vouch_results *results, size_t i);
/* The first index at or after `from` whose status is not VOUCH_OK; else VOUCH_NO_COMMAND. */
VOUCH_API size_t vouch_results_next_failed(const vouch_results *results, size_t from);
/* All of them, counted. */
VOUCH_API vouch_totals vouch_results_totals(const vouch_results *results);
/* NULL is allowed. */
VOUCH_API void vouch_results_free(vouch_results *results);

/* ---- streams: any number of commands at constant memory ------------------------------------- */

/* Appends the next command, or a few, to `into`; returns false when there are no more (what it
 * appended in that call still counts). Must not call anything of the client. */
typedef bool (*vouch_source)(vouch_batch *into, void *user);

/* A source that returns true without adding anything this many times in a row is an error. */
#define VOUCH_SOURCE_MAX_EMPTY 100000

/* Takes the result of command `index`, in the order of the indices; `result` and its reply are
 * borrowed for the call. Returning false stops the stream: the source is not asked again, what was
 * already taken from it is finished and still reported. */
typedef bool (*vouch_sink)(uint64_t index, const vouch_result *result, void *user);

/* Pulls commands from `source`, sends them, hands each result to `sink` (may be NULL). Blocks until
 * all is done; memory stays within about twice the window whatever the number of commands. There
 * is no deadline unless options->deadline_ms sets one; nothing moving for stall_ms ends it.
 * Statuses as vouch_pipeline_run; VOUCH_ECANCELLED if the sink or progress stopped it;
 * VOUCH_EINVAL also if the source added a bad command: error->command is its index, and everything
 * before it was sent. `totals` may be NULL; it is always set. */
VOUCH_API VOUCH_MUST vouch_status vouch_pipeline_stream(vouch_client *client, vouch_source source,
                                                        vouch_sink sink, void *user,
                                                        const vouch_pipeline_options *options,
                                                        vouch_totals *totals, vouch_error *error);

VOUCH_END
#endif
