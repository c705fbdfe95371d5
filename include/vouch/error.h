/* vouch/error.h: statuses, effects, causes, and the error a call fills in.
 *
 * Three questions, three fields, so that no caller has to parse words:
 *   status   what became of the call           switch on it
 *   effect   did it happen: no, yes, maybe     decides whether the work may be done again
 *   cause    why it did not simply succeed     decides what to tell a person
 */
#ifndef VOUCH_ERROR_H
#define VOUCH_ERROR_H

#include <vouch/common.h>

VOUCH_BEGIN

/* X(value, name, sentence). The values are ABI: never renumbered, only appended. */
#define VOUCH_STATUS_MAP(X)                                                                        \
    X(0, OK, "done")                                                                               \
    X(1, EPARTIAL, "every command was answered, some with an error")                               \
    X(2, EINVAL, "bad argument")                                                                   \
    X(3, ENOMEM, "out of memory")                                                                  \
    X(4, ENOTSENT, "not done: the server did not execute it")                                      \
    X(5, EUNKNOWN, "sent but not answered: it may have been executed")                             \
    X(6, ESERVER, "the server answered with an error")                                             \
    X(7, ECONNECT, "no usable connection")                                                         \
    X(8, EBUSY, "this handle is inside another call")                                              \
    X(9, EFORKED, "this handle belongs to the process that opened it")                             \
    X(10, EINTERRUPTED, "interrupted by vouch_client_interrupt")                                   \
    X(11, ECANCELLED, "cancelled by the caller")                                                   \
    X(12, ETOOLARGE, "executed, but the reply was over a limit and was dropped")                   \
    X(13, ELIMIT, "over a limit of this library")                                                  \
    X(14, ECONFLICT, "not done: what was read kept changing before it could be written")           \
    X(15, ENOTATOMIC, "the server executed the commands one by one, not as a transaction")         \
    X(16, ECOPIES, "done, but not known to be on as many copies as asked for")

/* What became of a call, or of a command. */
typedef enum vouch_status {
#define VOUCH_X(value, name, sentence) VOUCH_##name = (value),
    VOUCH_STATUS_MAP(VOUCH_X)
#undef VOUCH_X
        VOUCH_STATUS_LAST_ = 0x7fffffff
} vouch_status;

/* Whether the server that answered (or did not) executed a command. A failover may undo later what
 * was applied: durability is a separate question. */
typedef enum vouch_effect {
    VOUCH_MAYBE_APPLIED = 0,  /* it may have been executed: the zero value promises least */
    VOUCH_NOT_APPLIED = 1,    /* it was not, and will not be */
    VOUCH_APPLIED = 2,        /* it was executed */
    VOUCH_PARTLY_APPLIED = 3, /* of a whole only: some commands APPLIED, the others NOT_APPLIED */
    VOUCH_EFFECT_LAST_ = 0x7fffffff
} vouch_effect;

/* X(value, name, sentence): why something was not simply executed and answered. Append-only. */
#define VOUCH_CAUSE_MAP(X)                                                                         \
    X(0, NONE, "nothing went wrong")                                                               \
    X(1, ADDRESS, "the address cannot be used")                                                    \
    X(2, CONNECT, "the connection could not be opened")                                            \
    X(3, AUTH, "the server refused the credentials")                                               \
    X(4, HANDSHAKE, "the server refused the connection's set-up")                                  \
    X(5, LOST, "the connection was lost")                                                          \
    X(6, DEADLINE, "the deadline passed")                                                          \
    X(7, STALLED, "nothing moved for longer than the stall limit")                                 \
    X(8, PROTOCOL, "the server sent what no Redis or Valkey server sends")                         \
    X(9, INTERRUPTED, "vouch_client_interrupt was called")                                         \
    X(10, CANCELLED, "the caller cancelled it")                                                    \
    X(11, REFUSED, "the server answered with an error")                                            \
    X(12, ORDER, "held back, because an earlier command of the batch was refused or is uncertain") \
    X(13, MEMORY, "out of memory")                                                                 \
    X(14, LIMIT, "over a limit")                                                                   \
    X(15, TLS, "the TLS session could not be set up, or broke")                                    \
    X(16, CONFLICT, "a watched key changed")                                                       \
    X(17, UNPROVEN, "what would prove it is gone, or cannot be read")                              \
    X(18, MULTI, "the server did not open a transaction, or was not heard to")                     \
    X(19, TOKEN, "the token was used before")                                                      \
    X(20, COPIES, "replicas have not acknowledged it")

/* Why a call or a command did not simply succeed. */
typedef enum vouch_cause {
#define VOUCH_X(value, name, sentence) VOUCH_CAUSE_##name = (value),
    VOUCH_CAUSE_MAP(VOUCH_X)
#undef VOUCH_X
        VOUCH_CAUSE_LAST_ = 0x7fffffff
} vouch_cause;

/* Room for the code word of an error reply ("WRONGTYPE"), shortened if longer. */
#define VOUCH_CODE_MAX 24
/* Room for a message with its final NUL; a longer one ends in "…". */
#define VOUCH_MESSAGE_MAX 232

/* What a call says when its status is not VOUCH_OK. The caller owns it, usually on its stack; every
 * call that takes a `vouch_error *` accepts NULL and otherwise sets all of it, also on success. Its
 * size never changes. */
typedef struct vouch_error {
    vouch_status status; /* of the call, which also returned it */
    vouch_effect effect; /* of the call as a whole */
    vouch_cause cause;   /* why; VOUCH_CAUSE_NONE if all is well */
    uint32_t retriable;  /* 1: the same call can be made again without any command running twice */
    size_t command;      /* index of the command at fault, or VOUCH_NO_COMMAND */
    char code[VOUCH_CODE_MAX];       /* the server's code word, or "" */
    char message[VOUCH_MESSAGE_MAX]; /* what happened, to what, what to do. Control bytes escaped */
    uint64_t reserved[3];
} vouch_error;

/* "VOUCH_EUNKNOWN" and so on; for a value this version does not know, "VOUCH_?". Static strings. */
VOUCH_API const char *vouch_status_name(vouch_status status);
/* The sentence of the table above; static. */
VOUCH_API const char *vouch_status_sentence(vouch_status status);
/* "MAYBE_APPLIED", "NOT_APPLIED", "APPLIED", "PARTLY_APPLIED", else "?"; static. */
VOUCH_API const char *vouch_effect_name(vouch_effect effect);
/* The sentence of the table above; static. */
VOUCH_API const char *vouch_cause_sentence(vouch_cause cause);

VOUCH_END
#endif
