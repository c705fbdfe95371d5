/* vouch/collector.h: single commands, gathered over time and sent as pipelines.
 *
 * A program makes commands one at a time: an event, a counter, a line of a log. The collector
 * gathers them and sends all it has as one pipeline when there are enough of them, when they are
 * large enough, or when the oldest is old enough. What became of a command is told to that command's
 * own callback, exactly once, in the order of the adds.
 *
 *     blocking programs   before waiting for something else, and every so often, call
 *                         vouch_collector_service if vouch_collector_due_ms is 0; when an add says
 *                         VOUCH_ELIMIT, vouch_collector_flush and add again
 *     event loops         the time to wait is the smaller one of vouch_client_watch's and
 *                         vouch_collector_due_ms; after vouch_client_ready, vouch_collector_service
 *
 * Order
 *   One flush is under way at a time, the next gathers meanwhile: commands are executed in the order
 *   of their adds. Within a flush the rules of a pipeline hold (vouch/pipeline.h): nothing of it is
 *   sent behind a MAYBE_APPLIED, and what was held back comes back NOT_APPLIED, VOUCH_CAUSE_ORDER.
 *
 *   Later adds are later calls, and are sent in spite of that. Two things follow. A command that came
 *   back NOT_APPLIED, when added again, runs after those added meanwhile. And one that is
 *   MAYBE_APPLIED may still wait in the server's socket, on a connection that was given up, and run
 *   after those added later: of `SET k old` in doubt and `SET k new` applied the old value may stay.
 *   All callbacks of a flush have run before anything later is sent, so a callback knows first.
 *
 *   A caller who cannot live with that sets strict_order. Then a flush that leaves anything in doubt
 *   or not executed (what the server refused is neither) holds the collector: adds are gathered,
 *   nothing is sent. The caller settles what is in doubt (README.md: "Settling a maybe"); then lets
 *   the collector go on with vouch_collector_resume or, if something has to come first, takes
 *   everything gathered back with vouch_collector_discard and adds it all again in the right order.
 */
#ifndef VOUCH_COLLECTOR_H
#define VOUCH_COLLECTOR_H

#include <vouch/pipeline.h>

VOUCH_BEGIN

/* Belongs to the thread of its client. The client should outlive it: once the client is closed nothing
 * more can be added, and what is held is told by the next call that tells, or by close at the latest
 * (see vouch_collector_close). */
typedef struct vouch_collector vouch_collector;

/* Told what became of one command. `result` and its reply are borrowed for the call. server_us is
 * the server's clock, microseconds since 1970, read right before the first command of the flush was
 * executed; 0 if options->server_time was not set, or the server did not tell.
 *
 * Runs inside vouch_collector_service, _flush, _discard and _close, never inside an add. It may add
 * to the collector: what it adds belongs to the next flush (while closing: VOUCH_EBUSY). It may call
 * _resume and what only asks; every other call on this collector is refused with VOUCH_EBUSY. */
typedef void (*vouch_collected)(const vouch_result *result, int64_t server_us, void *user);

#define VOUCH_COLLECTOR_MAX_HELD   (VOUCH_BATCH_MAX_COMMANDS - 1) /* highest max_held_commands */
#define VOUCH_COLLECTOR_MAX_AGE_MS INT64_C(86400000)              /* highest max_age_ms: a day */

/* When to flush, and what holds for each flush. Begin with VOUCH_COLLECTOR_OPTIONS_INIT. */
typedef struct vouch_collector_options {
    uint32_t size;         /* set by the initialiser */
    uint32_t server_time;  /* 1: each flush begins with TIME, for the callbacks' server_us */
    uint32_t strict_order; /* 1: hold after a flush that left anything in doubt or not executed */
    uint32_t idempotent;   /* these four as in vouch_pipeline_options, for each flush; reorder_ok */
    uint32_t reorder_ok;   /* is not allowed together with strict_order */
    uint32_t outages;      /* default: the client's */
    int64_t deadline_ms;   /* of each flush; default: the client's */
    int64_t max_age_ms; /* flush when the oldest is this old; default 250; or VOUCH_NO_DEADLINE */
    /* Flush when so much is gathered, counted as encoded. Not the most that a flush can have: while
     * one is under way the next goes on gathering. */
    size_t max_commands; /* default 1,000 */
    size_t max_bytes;    /* default 256 KiB */
    /* An add is refused while so much is held: gathered, or under way. */
    size_t max_held_commands; /* default 65,536, or max_commands if that is more */
    size_t max_held_bytes;    /* default 16 MiB, or max_bytes if that is more */
} vouch_collector_options;

/* Every default. */
#define VOUCH_COLLECTOR_OPTIONS_INIT                                                               \
    {                                                                                              \
        sizeof(vouch_collector_options), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0                           \
    }

/* Opens a collector on a client. Does no I/O. `options` may be NULL; they are copied. It counts as
 * one of VOUCH_CLIENT_MAX_OPERATIONS, its flush under way as another.
 *   VOUCH_OK      *out is the caller's, to be released with vouch_collector_close
 *   VOUCH_EINVAL  NULL, or an option is wrong; the message says which
 *   VOUCH_ENOMEM, VOUCH_ELIMIT, VOUCH_EBUSY, VOUCH_EFORKED
 * In every case but VOUCH_OK *out is NULL. */
VOUCH_API VOUCH_MUST vouch_status vouch_collector_open(vouch_client *client,
                                                       const vouch_collector_options *options,
                                                       vouch_collector **out, vouch_error *error);

/* Adds one command, its name first; arguments are copied. `callback` may be NULL: nobody is told.
 * Does not block. If a threshold is reached and no flush is under way, one is started; and one that
 * is under way is moved on when as much again has been gathered.
 *   VOUCH_OK      it will be told to its callback, whatever happens
 * In every other case nothing was added, the callback is not called, and all that was added before is
 * as it was; vouch_collector_error has the words.
 *   VOUCH_EINVAL  a command that a batch refuses (vouch_batch_addv), or a NULL collector
 *   VOUCH_ELIMIT  so much is held already: _flush, or _service until some of it has been told, and add
 *                 again. Also a command over a limit of vouch/batch.h
 *   VOUCH_ENOMEM, VOUCH_EFORKED
 *   VOUCH_ECANCELLED  the client was closed
 *   VOUCH_EBUSY   the collector is being closed; or from inside a hook of the client, called by it
 *
 * vouch_collector_add(collector, callback, user, "INCR", key) takes up to 32 typed arguments. */
VOUCH_API VOUCH_MUST vouch_status vouch_collector_addv(vouch_collector *collector,
                                                       vouch_collected callback, void *user,
                                                       vouch_args args);
/* The same with 1 to 32 typed arguments, as VOUCH_ARGS takes them. */
#define vouch_collector_add(collector, callback, user, ...)                                        \
    vouch_collector_addv((collector), (callback), (user), VOUCH_ARGS(__VA_ARGS__))

/* The same from arrays. `argvlen` may be NULL: every argument is text. */
VOUCH_API VOUCH_MUST vouch_status vouch_collector_argv(vouch_collector *collector,
                                                       vouch_collected callback, void *user,
                                                       size_t argc, const char *const *argv,
                                                       const size_t *argvlen);

/* The error of the last add that failed; VOUCH_OK if none has. */
VOUCH_API vouch_status vouch_collector_error(const vouch_collector *collector, vouch_error *error);

/* How many commands wait for their callback. */
VOUCH_API size_t vouch_collector_pending(const vouch_collector *collector);

/* How long until vouch_collector_service must be called, in milliseconds, rounded up: 0 if there is
 * something to do now, -1 if there is nothing to wait for (nothing is gathered, or it is held). While
 * a flush is under way it is 10 at most: a program that does not wait for the client's descriptors
 * hears of its end that late. */
VOUCH_API int64_t vouch_collector_due_ms(const vouch_collector *collector);

/* Does what is due, and does not block: moves a flush that is under way; when it is done runs its
 * callbacks; starts a flush if one is due.
 *   VOUCH_OK   no flush came to its end, or every command of it was answered without error
 *   the statuses of vouch_pipeline_run, but not VOUCH_EINVAL: of the flush that came to its end. Its
 *              callbacks have been told. error->command is VOUCH_NO_COMMAND; the message counts from
 *              the flush's first command, TIME included. TIME's own result makes no difference,
 *              unless the server refuses it together with others: then the message names it
 *   VOUCH_ENOMEM, VOUCH_ELIMIT  a flush could not be started. Nothing is lost; due_ms says when it is
 *              tried again
 *   VOUCH_EBUSY, VOUCH_EFORKED, VOUCH_EINVAL (NULL)   nothing was done
 *   VOUCH_ECANCELLED  also if the client was closed: all that was held has been told */
VOUCH_API VOUCH_MUST vouch_status vouch_collector_service(vouch_collector *collector,
                                                          vouch_error *error);

/* Sends all that is gathered, due or not, and waits for it; what callbacks add meanwhile may stay
 * gathered. Blocks: the rest of the deadline of a flush that is under way, then a deadline of its own.
 * Statuses as vouch_collector_service, the worst of both flushes; VOUCH_ENOTSENT with
 * VOUCH_CAUSE_ORDER also if the collector is held: then what is gathered stays where it is. */
VOUCH_API VOUCH_MUST vouch_status vouch_collector_flush(vouch_collector *collector,
                                                        vouch_error *error);

/* True from the flush that left something in doubt or not executed, before its first callback, until
 * vouch_collector_resume. Only with strict_order. */
VOUCH_API bool vouch_collector_is_held(const vouch_collector *collector);

/* Ends the hold: what is gathered is sent when it is due. No effect if there is none. */
VOUCH_API void vouch_collector_resume(vouch_collector *collector);

/* Tells every command that is gathered that it was not sent: VOUCH_ENOTSENT, NOT_APPLIED, cause ORDER
 * if the collector is held, else CANCELLED. What is under way is not touched: while something is, it
 * is refused with VOUCH_EBUSY. Does not block, does not end a hold.
 *   VOUCH_OK, VOUCH_EBUSY, VOUCH_EFORKED, VOUCH_EINVAL (NULL) */
VOUCH_API VOUCH_MUST vouch_status vouch_collector_discard(vouch_collector *collector,
                                                          vouch_error *error);

/* Flushes (see vouch_collector_flush: how long it blocks), tells every command that is left, and
 * releases the collector whatever the status: that of vouch_collector_flush. What cannot be sent is
 * told VOUCH_ENOTSENT, NOT_APPLIED: cause ORDER if the collector is held, CANCELLED if the client was
 * closed before (then what was under way ended as if cancelled), else why no flush can be started.
 * NULL is allowed. Two cases are different:
 *   VOUCH_EBUSY    from inside a callback of the collector or its client: nothing was done
 *   VOUCH_EFORKED  in a forked child: released, but nothing is sent and no callback is called, since
 *                  the commands are the parent's */
VOUCH_API vouch_status vouch_collector_close(vouch_collector *collector, vouch_error *error);

VOUCH_END
#endif
