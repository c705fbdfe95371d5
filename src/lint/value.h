/* lint/value.h: what an expression may hold, as far as the source tells.
 *
 * A value is a set: what some path through the source is known to give. `unknown` says that there are paths
 * of which nothing is known. So "may be nil" is asked of `types`, "is always a number" of both. */
#ifndef LINT_VALUE_H
#define LINT_VALUE_H

#include "lint/tree.h"

struct command;

enum lint_type {
    LINT_TYPE_NIL = 1 << 0,
    LINT_TYPE_FALSE = 1 << 1,
    LINT_TYPE_TRUE = 1 << 2,
    LINT_TYPE_NUMBER = 1 << 3,
    LINT_TYPE_STRING = 1 << 4,
    LINT_TYPE_TABLE = 1 << 5,
    LINT_TYPE_FUNCTION = 1 << 6,
    LINT_TYPE_USERDATA = 1 << 7 /* cjson.null */
};

/* Where it comes from; bits, joined over paths and over what a computation took in. */
enum lint_origin {
    LINT_FROM_KEYS = 1 << 0,    /* an element of KEYS (of a function: of its first parameter) */
    LINT_FROM_ARGV = 1 << 1,    /* an element of ARGV (its second) */
    LINT_FROM_LITERAL = 1 << 2, /* written in the source */
    LINT_FROM_REPLY = 1 << 3,   /* a command's reply, or part of one */
    LINT_FROM_COMPUTED =
        1 << 4, /* made by .., format, gsub, arithmetic, decode …; with the origins of what
                                    went in */
    LINT_FROM_TIME = 1 << 5, /* TIME or os.clock */
    LINT_FROM_PCALL = 1 << 6 /* the answer of redis.pcall, which may be a table with `err` */
};

/* What a table or function is known to be. */
enum lint_thing {
    LINT_THING_NONE,
    LINT_THING_KEYS,    /* KEYS itself, or a function's first parameter */
    LINT_THING_ARGV,    /* ARGV itself, or its second */
    LINT_THING_BUILTIN, /* a library or a function of the sandbox: `builtin` */
    LINT_THING_FUNCTION /* one of the source: `function` */
};

/* What is known of a number. */
enum lint_whole {
    LINT_WHOLE = 1 << 0, /* some path gives a whole number */
    LINT_FRACTION =
        1 << 1, /* some path gives one that need not be whole: a division, 0.5, tonumber of text */
    LINT_HUGE = 1 << 2 /* some path gives one that may be beyond 2^53 */
};

struct lint_value {
    uint16_t types;   /* of enum lint_type: some path is known to give these */
    uint16_t origins; /* of enum lint_origin */
    uint8_t thing;    /* enum lint_thing; NONE if paths differ */
    uint8_t whole;    /* of enum lint_whole; of numbers */
    bool unknown;     /* there are paths of which nothing is known */
    bool constant;    /* all paths give the same: `number` or `text`, or nil, true, false */
    /* Some path gives an element of a table by an index (`t[i]`, `ARGV[2]`), absent as well as there. Such a
     * nil is not counted in `types`, unless it is known to be absent. */
    bool element;
    double number;
    struct lint_text text;
    const char *builtin; /* "redis.call", "tonumber", "string"; `server.x` is called "redis.x" */
    struct lint_node *function;
    const struct command
        *reply;             /* whose whole reply it is; NULL if none is known, or paths differ */
    const char *reply_name; /* also if the table does not know it; NULL likewise */
    uint32_t key; /* of an element of KEYS or ARGV by a constant index: that, from 1; else 0 */
    const struct lint_shape
        *shape; /* of a table made in the source: what its fields are; or NULL */
};

/* A table that was made by a constructor, and is still as it was made, as far as is known. */
struct lint_shape {
    const struct lint_node *made; /* the TABLE */
    bool whole; /* nothing but its constructor and assignments seen here can have put anything in */
    bool list;  /* has fields without keys, or t[#t + 1] = v, or table.insert */
    bool fields; /* has fields with names */
    bool hole;   /* a nil stands in front of something in its list, or may */
};

/* What kind of source it is: it decides what KEYS, ARGV and parameters are. */
enum lint_source_kind { LINT_SOURCE_EVAL, LINT_SOURCE_FUNCTION };

/* Gives every expression of the tree its value, in the arena. The tree must be whole. False: memory is
 * short. Time is linear in the source for a bounded number of rounds. */
bool lint_flow(struct arena *arena, struct lint_tree *tree, enum lint_source_kind kind);

/* What a redis.call or redis.pcall calls, as far as it is known. */
struct lint_call {
    bool is_call; /* the CALL is one of redis.call, redis.pcall, server.call, server.pcall, also by
                          another name that was given to it */
    bool protected; /* pcall */
    const char *
        name; /* the command, "HSET", "CLIENT KILL", in capitals; NULL if not constant. In the arena */
    const struct command *command;     /* NULL: the table does not know it, or name is NULL */
    const struct lint_node *arguments; /* behind its first: the list */
    size_t words; /* of the command, as far as they are known: its name and its arguments */
    bool open;    /* there may be more: the last argument is a call, `...` or unpack */
};

/* Of a CALL whose tree went through lint_flow. False: memory is short. */
bool lint_call_of(struct arena *arena, const struct lint_node *call, struct lint_call *out);

/* What a script gets from a redis.call of it, of enum lint_type; 0: not known. */
uint16_t lint_reply_types(const struct command *command);

#endif
