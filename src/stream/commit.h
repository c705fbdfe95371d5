/* stream/commit.h: the calls by which entries are settled (scripts/lua/stream/commit.lua) and groups are
 * opened (open.lua): their words from plain structs, and their answers into such. Pure.
 *
 * Both may be sent again as long as they are not answered (vouch_call_options.idempotent): a commit that was
 * made is answered from what it left behind, and a group that was opened is there. */
#ifndef STREAM_COMMIT_H
#define STREAM_COMMIT_H

#include <vouch/batch.h>
#include <vouch/reply.h>

#include "stream/shape.h"

/* What one commit takes; commit.lua has the same numbers. */
#define COMMIT_ENTRIES_MAX      1000
#define COMMIT_EFFECTS_MAX      4000
#define COMMIT_EFFECT_WORDS_MAX 7000 /* the servers' Lua cannot pass on more than some 7,900 */
/* Sequences, and numbers of entries: exact in the servers' Lua. */
#define COMMIT_NUMBER_MAX (INT64_C(1) << 53)
/* `held` of a consumer that does not know what it holds. */
#define COMMIT_UNTRUSTED (-1)

/* ---- source.c ------------------------------------------------------------------------------- */

const char *commit_source(size_t *size); /* static, without a NUL */
const char *open_source(size_t *size);

/* ---- commit.c ------------------------------------------------------------------------------- */

struct commit_entry {
    vouch_string id;            /* as the server wrote it */
    bool follows;               /* came right behind the entry before it, in one read */
    const vouch_batch *effects; /* NULL: none */
    vouch_string reason; /* present: it has no effects, but becomes a dead letter, for this */
};

/* All that is pointed to is borrowed, for as long as the words are used. */
struct commit_call {
    vouch_string stream, state, dead; /* keys, of one slot */
    vouch_string group, consumer;     /* consumer: "<name>:<incarnation>" */
    vouch_string generation;
    int64_t sequence; /* 1, 2, …, below COMMIT_NUMBER_MAX */
    int64_t held;     /* entries in flight, these among them; or COMMIT_UNTRUSTED */
    bool all;         /* all or none */
    bool remove;      /* what is settled is deleted from the stream */
    bool types;       /* the types of keys are compared first */
    const struct commit_entry *entries; /* in the order of their ids */
    size_t n;
};

/* Keys and arguments of a call, and memory that the next one uses again. Begins zeroed. */
struct commit_words {
    vouch_arg *keys, *args;
    size_t key_count, arg_count;
    /* for commit.c */
    size_t keys_capacity, args_capacity;
    size_t effects; /* so far */
    struct shapes shapes;
    uint32_t *places; /* which key hashes where: 1 + its index, 0 for none */
    size_t places_capacity;
    struct effect_room *room;
};

/* The words of a commit; they point into the call and its effects. What the script or the server would have
 * to refuse, or could not do safely, is refused here, by its name:
 *   - ids that do not rise, or are none; more than a limit above
 *   - an effect that is not allowed in scripts, blocks, is a script or needs one, or writes without keys
 *   - a key that is not in the stream's slot (both are named), or is the state's, or the stream's or dead
 *     letter's in anything but an XADD
 * error->command is the index of the entry. VOUCH_EINVAL, VOUCH_ELIMIT, VOUCH_ENOMEM. */
vouch_status commit_words_make(struct commit_words *words, const struct commit_call *call,
                               vouch_error *error);
/* The same, for words that were made of this call and are as they were, but for `sequence` and `held`. */
vouch_status commit_words_renew(struct commit_words *words, const struct commit_call *call,
                                vouch_error *error);
void commit_words_release(struct commit_words *words);

/* ---- answer.c ------------------------------------------------------------------------------- */

enum commit_verdict {
    COMMIT_DONE,  /* settled now, entry by entry as the letters say */
    COMMIT_AGAIN, /* settled by an earlier try, as the letters say */
    COMMIT_STALE, /* nothing was done: this consumer has sent a later commit */
    COMMIT_RESET, /* nothing was done: the group or its state was lost, or made again; open it */
    COMMIT_TYPE   /* nothing was done: a key holds another type; the sequence is not used */
};

/* What became of an entry, as the script writes it. */
enum commit_letter {
    COMMIT_ENTRY_DONE = 'd',    /* effects applied and acknowledged */
    COMMIT_ENTRY_FENCED = 'f',  /* pending with another consumer: not applied */
    COMMIT_ENTRY_SETTLED = 's', /* was settled before: not applied */
    COMMIT_ENTRY_GONE = 'g',    /* pending with nobody, and no commit settled it: not applied */
    COMMIT_ENTRY_FAILED =
        'x', /* an effect failed, those before it are applied; in the dead letter */
    COMMIT_ENTRY_UNBURIED = 'X', /* the same or BURIED, but the dead letter did not take it */
    COMMIT_ENTRY_BURIED = 'b',   /* in the dead letter, for commit_entry.reason */
    COMMIT_ENTRY_UNTOUCHED =
        'n', /* ours; not applied, because another was not and all were asked for */
};

struct commit_answer {
    enum commit_verdict verdict;
    vouch_string letters; /* DONE, AGAIN: one of enum commit_letter for each entry */
    bool
        doubted; /* … and the server did not know this consumer's commit before: it never believes its count again */
    int64_t sequence;        /* STALE: the last one */
    vouch_string generation; /* RESET: the one that holds; empty if there is none */
    int64_t entry, effect;   /* TYPE: which; both -1 if it is the dead letter */
    vouch_string type;       /* TYPE: what it holds */
};

/* Reads the answer to a commit of n entries; borrowed from the reply. False if it is none. */
bool commit_answer_read(const vouch_reply *reply, size_t n, struct commit_answer *out);

struct open_call {
    vouch_string stream, state; /* keys, of one slot */
    vouch_string group;
    vouch_string start;      /* "0", "$" or an id */
    vouch_string generation; /* taken if one is made: never used before */
    bool mend;               /* hand out what is delivered, not settled and pending with nobody */
    vouch_string from;       /* where an earlier call ended (open_answer.next), or empty */
};

enum { OPEN_KEYS = 2, OPEN_ARGS = 5 };

/* The words of a call of open.lua; they point into the call. */
void open_words_make(const struct open_call *call, vouch_arg keys[static OPEN_KEYS],
                     vouch_arg args[static OPEN_ARGS]);

/* What was found: see open.lua. */
enum open_verdict { OPEN_CREATED, OPEN_THERE, OPEN_ADOPTED, OPEN_REBUILT, OPEN_ANEW };

struct open_answer {
    enum open_verdict verdict;
    vouch_string generation, low;
    int64_t handed_out; /* entries that the consumer vouch:lost got */
    vouch_string next;  /* empty, or there may be more: the `from` of the next call */
};

bool open_answer_read(const vouch_reply *reply, struct open_answer *out);

/* Two ids as servers write them, "ms-seq" without leading zeros, compared: false if one is none. */
struct stream_id {
    uint64_t ms, seq;
};
bool stream_id_read(vouch_string text, struct stream_id *out);
static inline bool stream_id_before(struct stream_id a, struct stream_id b)
{
    return a.ms < b.ms || (a.ms == b.ms && a.seq < b.seq);
}

#endif
