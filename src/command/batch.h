/* command/batch.h: the inside of a vouch_batch: all commands encoded one after the other. */
#ifndef COMMAND_BATCH_H
#define COMMAND_BATCH_H

#include "command/need.h"
#include "command/table.h"

#include <vouch/batch.h>

struct vouch_batch {
    char *bytes; /* commands in RESP, without gaps */
    size_t size, capacity;
    size_t *ends; /* of command i: bytes[ends[i - 1] … ends[i]) */
    size_t count, ends_capacity;
    const struct need *
        *needs; /* of command i, or NULL; the array ends with the last that has one */
    size_t needs_capacity;
    bool blocking;     /* a command may wait in the server */
    bool own;          /* the library's own commands are being added: any are allowed */
    unsigned frozen;   /* operations that run it now */
    bool released;     /* freed by its owner while frozen: the last operation frees it */
    vouch_error first; /* the sticky error */
    /* Between begin and end: the arguments so far, RESP-encoded behind bytes[size]. */
    bool open;
    size_t open_arguments;
    size_t open_size;
};

/* One command's words, decoded from the batch; the pointers reach into it. */
struct batch_words {
    const char *name;
    size_t name_size;
    const char *sub; /* the second word, or NULL */
    size_t sub_size;
    size_t count;
};

static inline size_t batch_begin_of(const struct vouch_batch *b, size_t i)
{
    return i ? b->ends[i - 1] : 0;
}

/* The first two words of command i. */
struct batch_words batch_words(const struct vouch_batch *b, size_t i);
/* Its entry in the table; NULL if it has none. */
const struct command *batch_command(const struct vouch_batch *b, size_t i);
/* The position of its first key's bytes; false if it has none that the table knows. */
bool batch_first_key(const struct vouch_batch *b, size_t i, const char **key, size_t *size);
/* The need of command i, or NULL. */
static inline const struct need *batch_need(const struct vouch_batch *b, size_t i)
{
    return b->needs && i < b->needs_capacity ? b->needs[i] : NULL;
}

/* Gives the last command added a need, borrowed for the life of the batch. */
bool batch_set_need(struct vouch_batch *b, const struct need *need);

/* Sets the sticky error, if there is none: of the command that is being added. VOUCH_NO_COMMAND. */
size_t batch_fail(struct vouch_batch *b, vouch_status status, vouch_cause cause, const char *what);

/* Takes the sticky error away: what was added before it is good, and more can be added. */
static inline void batch_forgive(struct vouch_batch *b)
{
    b->first = (vouch_error){.status = VOUCH_OK};
}

/* One encoded command more, as it is. False, with the sticky error, when memory is short. */
bool batch_put(struct vouch_batch *b, const char *bytes, size_t size);
/* All commands of `from` more, with their needs. False, with the sticky error, when memory is
 * short or there are too many. */
bool batch_append(struct vouch_batch *b, const struct vouch_batch *from);
/* Takes back all but the first `count`. */
void batch_cut(struct vouch_batch *b, size_t count);
/* The words of command i, at most `max` of them, into argv and lengths; returns how many it has. The
 * pointers reach into the batch. */
size_t batch_argv(const struct vouch_batch *b, size_t i, const char **argv, size_t *lengths,
                  size_t max);
/* Of a batch that is part of something else: releases what it holds. */
void batch_release(struct vouch_batch *b);

/* An operation takes the batch and gives it back. */
void batch_freeze(struct vouch_batch *b);
void batch_thaw(struct vouch_batch *b);

#endif
