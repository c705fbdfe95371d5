/* command/effect.h: the rules that say what became of a command. The heart of vouch, and pure. */
#ifndef COMMAND_EFFECT_H
#define COMMAND_EFFECT_H

#include "command/table.h"

#include <stdbool.h>
#include <stddef.h>
#include <vouch/error.h>

/* What may be done about it, within the budgets and the order rule of whoever asks. */
enum remedy {
    REMEDY_NONE,     /* final */
    REMEDY_SEND,     /* it did not reach the server whole: send it */
    REMEDY_WAIT,     /* refused for the time being: wait, then send it again */
    REMEDY_REDIRECT, /* refused by this node: another serves the key */
    REMEDY_AUTH,     /* this connection is not logged in (any more): log in, then send it again */
    REMEDY_LOAD,     /* what it needs is missing: load that, then send it again */
    REMEDY_CHECK     /* the same, if it is: the words may be a script's own. MAYBE until asked */
};

enum answer {
    ANSWER_NONE,  /* lost: no reply will come */
    ANSWER_VALUE, /* a reply that is not an error, kept or not */
    ANSWER_ERROR
};

struct happening {
    const struct command *command; /* NULL: not in the table */
    const char *name;              /* the command's first word as sent */
    size_t name_size;
    enum answer answer;
    const char *error; /* ANSWER_ERROR: the line, without '-' */
    size_t error_size;
    const char *const *missing; /* the error lines that say its need is missing, or NULL */
    bool handed;                /* its last byte was handed to the kernel */
    bool honest;                /* see struct need */
};

struct verdict {
    vouch_status status;
    vouch_effect effect;
    vouch_cause cause;
    enum remedy remedy;
};

struct verdict effect_judge(const struct happening *h);

/* What may be done about an error by which a plain command was refused: WAIT, REDIRECT, AUTH, NONE. */
enum remedy effect_remedy(const char *error, size_t size);

/* True if the error's code word is exactly this: BUSY is neither BUSYKEY nor BUSYGROUP. */
bool effect_code_is(const char *error, size_t size, const char *code);

#endif
