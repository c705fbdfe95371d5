/* vouch/result.h: what became of one command, wherever it was sent from. */
#ifndef VOUCH_RESULT_H
#define VOUCH_RESULT_H

#include <vouch/error.h>
#include <vouch/reply.h>

VOUCH_BEGIN

/* The result of one command.
 *
 *   status          effect         meaning
 *   OK              APPLIED        answered
 *   ESERVER         NOT_APPLIED    the server refused it; `reply` has its words
 *   ESERVER         MAYBE_APPLIED  a script, module command or the like failed, perhaps half-way
 *   ENOTSENT        NOT_APPLIED    never completely handed over, or refused and not tried again; in a
 *                                  transaction: not executed
 *   EUNKNOWN        MAYBE_APPLIED  handed over, never answered
 *   ETOOLARGE       APPLIED        answered beyond a limit; the reply was dropped (in a transaction
 *                                  MAYBE_APPLIED: the dropped reply might have been an error)
 *   ENOMEM          APPLIED        answered; no memory for the reply (in a transaction the same)
 */
typedef struct vouch_result {
    vouch_status status; /* these three: the table above */
    vouch_effect effect; /* whether it was executed */
    vouch_cause cause;   /* why it was not simply executed and answered */
    uint16_t attempts;   /* how often it was handed over whole */
    uint8_t moved; /* 1: with reorder_ok, it ran after commands that follow it in the batch, or
                          after an earlier one of unknown effect */
    uint8_t reserved;
    const vouch_reply *reply; /* NULL if none was kept */
} vouch_result;

VOUCH_END
#endif
