/* vouch/batch.h: commands to send, encoded once; a value without any I/O. */
#ifndef VOUCH_BATCH_H
#define VOUCH_BATCH_H

#include <vouch/args.h>
#include <vouch/error.h>

VOUCH_BEGIN

/* An ordered list of commands. One thread at a time. While an operation runs it, it is frozen:
 * adding or clearing is refused with VOUCH_EBUSY; afterwards it can be run again. */
typedef struct vouch_batch vouch_batch;

/* Limits. Over one of them the add fails with VOUCH_ELIMIT. */
#define VOUCH_BATCH_MAX_COMMANDS  ((size_t)1 << 24)   /* commands in a batch; longer: _stream */
#define VOUCH_BATCH_MAX_ARGUMENTS ((size_t)1 << 20)   /* arguments of one command, with its name */
#define VOUCH_ARGUMENT_MAX_BYTES  ((size_t)512 << 20) /* one argument (proto-max-bulk-len) */

/* NULL when memory is short. Release with vouch_batch_free. */
VOUCH_API vouch_batch *vouch_batch_new(void);
/* NULL is allowed. An operation that runs the batch keeps it alive until it is finished. */
VOUCH_API void vouch_batch_free(vouch_batch *batch);
/* Removes all commands and the sticky error, keeps the memory. No effect while frozen. */
VOUCH_API void vouch_batch_clear(vouch_batch *batch);
/* How many commands were added. */
VOUCH_API size_t vouch_batch_count(const vouch_batch *batch);

/* Adds one command, its name first; arguments are copied. Returns its index in the batch.
 *
 * Errors are sticky, so that no add needs to be checked: the first one stays in the batch, later
 * adds do nothing and return VOUCH_NO_COMMAND, and running the batch fails with that error before
 * anything is sent. What is refused:
 *   - a command that changes the connection or its replies, by name: AUTH, HELLO, SELECT, MULTI,
 *     EXEC, DISCARD, WATCH, UNWATCH, every SUBSCRIBE form, MONITOR, RESET, QUIT, SYNC, PSYNC,
 *     READONLY, READWRITE, ASKING, CLIENT REPLY, CLIENT TRACKING, CLIENT KILL and their like
 *   - an empty command, NULL text, an argument of kind 0, anything over a limit above
 *
 * vouch_batch_add(batch, "SET", key, vouch_bytes(blob, n)) takes up to 32 typed arguments. */
VOUCH_API size_t vouch_batch_addv(vouch_batch *batch, vouch_args args);
/* The same with 1 to 32 typed arguments, as VOUCH_ARGS takes them. */
#define vouch_batch_add(batch, ...) vouch_batch_addv((batch), VOUCH_ARGS(__VA_ARGS__))

/* The same from arrays, as in hiredis. `argvlen` may be NULL: every argument is text. Copied. */
VOUCH_API size_t vouch_batch_argv(vouch_batch *batch, size_t argc, const char *const *argv,
                                  const size_t *argvlen);

/* The same piece by piece, where the number of arguments is known only at run time:
 * begin with the command's name, any number of _arg, then _end, which returns the index. An
 * unfinished command is dropped by the next begin, add or clear, with a sticky VOUCH_EINVAL. */
VOUCH_API void vouch_batch_begin(vouch_batch *batch, const char *command);
/* The next argument; VOUCH_ARG or the functions of vouch/args.h make it. */
VOUCH_API void vouch_batch_argument(vouch_batch *batch, vouch_arg argument);
/* Its end: the command's index in the batch, or VOUCH_NO_COMMAND. */
VOUCH_API size_t vouch_batch_end(vouch_batch *batch);
/* The next argument, of any type that vouch_batch_add takes. */
#define vouch_batch_arg(batch, x) vouch_batch_argument((batch), VOUCH_ARGS(x).v[0])

/* The sticky error, or VOUCH_OK; error->command is the index the failing add would have had. */
VOUCH_API vouch_status vouch_batch_error(const vouch_batch *batch, vouch_error *error);

VOUCH_END
#endif
