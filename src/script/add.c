/* Calls of scripts and functions as commands of a batch. Pure. */
#include "script/script.h"

#include <string.h>

/* Words of a call that are put together before they are added. */
#define WORDS_FEW 64

static size_t add_long(struct vouch_batch *b, const char *command, vouch_arg what, vouch_args keys,
                       vouch_args args)
{
    vouch_batch_begin(b, command);
    vouch_batch_argument(b, what);
    vouch_batch_argument(b, vouch_uint(keys.n));
    for (size_t i = 0; i < keys.n; i++)
        vouch_batch_argument(b, keys.v[i]);
    for (size_t i = 0; i < args.n; i++)
        vouch_batch_argument(b, args.v[i]);
    return vouch_batch_end(b);
}

size_t add_call(struct vouch_batch *b, const char *command, vouch_arg what, vouch_args keys,
                vouch_args args, const struct need *need)
{
    vouch_arg words[WORDS_FEW]; /* not cleared: that alone would cost as much as adding the call */
    size_t index;
    if (keys.n > WORDS_FEW || args.n > WORDS_FEW || 3 + keys.n + args.n > WORDS_FEW) {
        index = add_long(b, command, what, keys, args);
    } else {
        words[0] = vouch_text(command);
        words[1] = what;
        words[2] = vouch_uint(keys.n);
        if (keys.n)
            memcpy(words + 3, keys.v, keys.n * sizeof *words);
        if (args.n)
            memcpy(words + 3 + keys.n, args.v, args.n * sizeof *words);
        index = vouch_batch_addv(b, vouch_args_of(words, 3 + keys.n + args.n));
    }
    if (index != VOUCH_NO_COMMAND && need && !batch_set_need(b, need))
        return VOUCH_NO_COMMAND;
    return index;
}

size_t vouch_batch_add_script(vouch_batch *b, const vouch_script *s, vouch_args keys,
                              vouch_args args)
{
    if (!s)
        return batch_fail(b, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "the script is NULL");
    return add_call(b, s->readonly ? "EVALSHA_RO" : "EVALSHA",
                    vouch_bytes(s->digest, sizeof s->digest - 1), keys, args, &s->need);
}
