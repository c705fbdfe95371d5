/* vouch/dead_letter.h: what consumers could not settle: looked at, put back into its stream, or deleted.
 *
 * A dead letter is an entry of a stream of its own (vouch_consumer_options.dead_letter), written in the step that settles the
 * entry it is about. It has
 *   vouch:stream, vouch:group, vouch:id   where the entry was
 *   vouch:reason       what vouch_delivery_reject was given; "deliveries": more than max_deliveries; "effect": one failed
 *   vouch:deliveries   how often it was delivered
 *   vouch:consumer     whom it was pending with: "name:incarnation"; "vouch:free": it had been given back
 *   vouch:ran, vouch:failed, vouch:error   of an effect that failed: how many of the entry's effects ran before it (they
 *                      stay applied), its words (200 bytes of them at most), and the server's
 *   vouch:fields       how many fields the entry had
 * and then the entry's own fields. An entry with more than 3,500 of them is too large for a script of the server: its dead
 * letter goes without, and the entry itself stays in its stream, under vouch:id, until it is trimmed. One that was
 * deleted before it died has none either, and says that it had 0.
 *
 * What a replay promises
 *   - The entry is added to its stream, under a new id, and the dead letter deleted, in one step of one script. So it
 *     comes back once, whoever calls, however many at a time, and whatever is lost; and none is lost on the way.
 *   - A call whose answer was lost is sent again by itself, and then says what the first try did: a record beside the dead
 *     letters tells it (a hash in their slot, "vouch:replayed:{…}:…", which expires after VOUCH_REPLAY_RECORD_MS).
 *   - All groups of the stream are handed the entry, as a new one: also those that settled it long ago. Either they do
 *     not mind (their effects may be applied twice: the new id is a new entry to them); or options->mark adds two fields,
 *     vouch:replayed-group and vouch:replayed-id, by which they see that it is not for them; or options->stream names
 *     another stream, that only the group in question reads.
 *   - What an effect did before the one behind it failed (vouch:ran) stays, and is done again with the entry.
 *
 * Rights: XRANGE and XLEN, to list; XDEL, to remove; to replay XRANGE, EVALSHA_RO, EVALSHA, SCRIPT LOAD (see vouch/script.h),
 * XDEL of the dead letters, XADD to the streams, TYPE, and HSET, HGET, HINCRBY, PEXPIRE on the record.
 */
#ifndef VOUCH_DEAD_LETTER_H
#define VOUCH_DEAD_LETTER_H

#include <vouch/client.h>
#include <vouch/producer.h>
#include <vouch/reply.h>

VOUCH_BEGIN

#define VOUCH_DEAD_LETTERS     UINT32_C(100)   /* of a page by default */
#define VOUCH_DEAD_LETTERS_MAX UINT32_C(1000)  /* of a page at most; and ids of one call */
#define VOUCH_REPLAY_RECORD_MS INT64_C(600000) /* what was moved is remembered for so long */

/* ---- looking -------------------------------------------------------------------------------- */

/* One entry among the dead letters. Strings and fields are borrowed from the page. */
typedef struct vouch_dead_letter {
    vouch_string id;       /* its own, by which it is replayed or removed; data ends with a NUL */
    vouch_string stream;   /* where the entry was; of a foreign one these are absent */
    vouch_string group;    /* … pending */
    vouch_string original; /* … and under which id */
    vouch_string reason;   /* why it could not be settled: see above */
    vouch_string consumer; /* whom it was pending with */
    vouch_string failed;   /* words of the effect that failed; absent if none did */
    vouch_string error;    /* … and what the server said */
    int64_t deliveries;    /* how often it was delivered; -1: not told */
    int64_t ran;           /* effects that ran before the one that failed; -1: none failed */
    int64_t field_count; /* how many fields the entry had; 0: it was deleted before; -1: foreign */
    const vouch_reply
        *fields;       /* the entry's own (vouch_reply_get, vouch_reply_pair); NULL: they were
                                   not copied, being too many, or it was deleted. Of a foreign one all */
    uint32_t foreign;  /* 1: an entry that somebody else has put there; it is no dead letter */
    uint32_t reserved; /* 0 */
} vouch_dead_letter;

/* Where to look. Begin with VOUCH_DEAD_LETTERS_OPTIONS_INIT. Everything is copied. */
typedef struct vouch_dead_letters_options {
    uint32_t size; /* set by the initialiser */
    uint32_t
        count; /* so many at most; default VOUCH_DEAD_LETTERS, VOUCH_DEAD_LETTERS_MAX at most */
    const char
        *from; /* id of the first, "ms" or "ms-sequence"; with "(" in front the one behind it.
                             Default: the oldest */
    uint32_t outages;    /* lost connections it survives; default: the client's */
    uint32_t reserved;   /* 0 */
    int64_t deadline_ms; /* of the whole call; default: the client's; or VOUCH_NO_DEADLINE */
} vouch_dead_letters_options;

/* Every default. */
#define VOUCH_DEAD_LETTERS_OPTIONS_INIT                                                            \
    {                                                                                              \
        sizeof(vouch_dead_letters_options), 0, NULL, 0, 0, 0                                       \
    }

/* A page of dead letters. */
typedef struct vouch_dead_letters vouch_dead_letters;

/* Reads a page, oldest first, of the stream `dead_letter`; blocks deadline_ms at most. Changes nothing. `options` may be
 * NULL. A stream that is not there has none.
 *   VOUCH_OK        *out is the caller's, to be released with vouch_dead_letters_free
 *   VOUCH_EINVAL    an argument is NULL or empty, options->from is no id, options->size is not set
 *   VOUCH_ELIMIT    options->count is above VOUCH_DEAD_LETTERS_MAX, or the name longer than VOUCH_STREAM_NAME_MAX
 *   VOUCH_ESERVER   the server refused: error->code "WRONGTYPE": it is no stream
 *   VOUCH_ETOOLARGE the page is over a limit of the client: ask for fewer
 *   VOUCH_ENOTSENT, VOUCH_EUNKNOWN, VOUCH_EINTERRUPTED   no answer; asking again is safe
 *   VOUCH_ENOMEM, VOUCH_EBUSY, VOUCH_EFORKED
 * But for VOUCH_OK *out is NULL. Source: XRANGE, XLEN. */
VOUCH_API VOUCH_MUST vouch_status vouch_dead_letters_list(vouch_client *client,
                                                          const char *dead_letter,
                                                          const vouch_dead_letters_options *options,
                                                          vouch_dead_letters **out,
                                                          vouch_error *error);
/* How many are on the page; 0 for NULL. */
VOUCH_API size_t vouch_dead_letters_count(const vouch_dead_letters *page);
/* Number i of the page, borrowed until vouch_dead_letters_free; NULL beyond the end. */
VOUCH_API const vouch_dead_letter *vouch_dead_letters_at(const vouch_dead_letters *page, size_t i);
/* How many there are in all, as the server said right behind the page; 0 for NULL. */
VOUCH_API int64_t vouch_dead_letters_total(const vouch_dead_letters *page);
/* The `from` of the next page, borrowed from this one; NULL: there is none, this one was not full. */
VOUCH_API const char *vouch_dead_letters_next(const vouch_dead_letters *page);
/* NULL is allowed. */
VOUCH_API void vouch_dead_letters_free(vouch_dead_letters *page);

/* ---- putting back --------------------------------------------------------------------------- */

/* What became of one dead letter. The values are ABI: never renumbered, only appended. */
typedef enum vouch_replay_verdict {
    VOUCH_REPLAY_UNKNOWN =
        0, /* it is not there any more, and whether this call has moved it cannot be told: it was
                                  sent again, and the record of the first try, if there was one, is gone */
    VOUCH_REPLAY_MOVED = 1, /* it is in its stream again, once, by this call */
    VOUCH_REPLAY_ABSENT =
        2, /* there is none with this id: it was moved or removed by another call, or
                                  never was. Nothing was done */
    VOUCH_REPLAY_FOREIGN = 3, /* an entry that is no dead letter. Nothing was done */
    VOUCH_REPLAY_EMPTY =
        4, /* its fields were not copied, or its entry was deleted before it died: there
                                  is nothing to move. Nothing was done */
    VOUCH_REPLAY_LAST_ = 0x7fffffff
} vouch_replay_verdict;

/* One of them. */
typedef struct vouch_replayed {
    vouch_replay_verdict verdict; /* one of those above */
    uint32_t reserved;            /* 0 */
    vouch_string stream;         /* MOVED: where it is now; borrowed from the replay; else absent */
    char id[VOUCH_ENTRY_ID_MAX]; /* MOVED: under which id; else "" */
} vouch_replayed;

/* How to put back. Begin with VOUCH_REPLAY_OPTIONS_INIT. Everything is copied. */
typedef struct vouch_replay_options {
    uint32_t size;      /* set by the initialiser */
    uint32_t mark;      /* 1: behind its own fields the entry gets vouch:replayed-group and
                             vouch:replayed-id, the group and the id that it had; those of an earlier replay
                             are replaced */
    const char *stream; /* where to. Default: of each the stream where it was */
    uint32_t outages; /* lost connections and passing refusals it survives; default: the client's */
    uint32_t reserved;   /* 0 */
    int64_t deadline_ms; /* of each of its two round trips; default: the client's; or
                             VOUCH_NO_DEADLINE */
} vouch_replay_options;

/* Every default. */
#define VOUCH_REPLAY_OPTIONS_INIT                                                                  \
    {                                                                                              \
        sizeof(vouch_replay_options), 0, NULL, 0, 0, 0                                             \
    }

/* The outcome of a replay. */
typedef struct vouch_replay vouch_replay;

/* Moves dead letters of `dead_letter` back, in the order of `ids`, n of them, "ms-sequence" each: 1 to
 * VOUCH_DEAD_LETTERS_MAX. The first round trip asks where they belong, the second moves them, all in one script, during
 * which the server does nothing else. A stream that is not there is made. Blocks. `options` may be NULL.
 *
 *   status           effect          meaning
 *   VOUCH_OK         APPLIED         answered: what became of each, in *out
 *   VOUCH_EINVAL     NOT_APPLIED     an argument or option; or a stream and the dead letters are one, or do not share a
 *                                    slot: the message names both
 *   VOUCH_ELIMIT     NOT_APPLIED     more than VOUCH_DEAD_LETTERS_MAX ids, or a name that is too long
 *   VOUCH_ESERVER    NOT_APPLIED     refused as a whole: a key holds something else, a right is missing, no memory
 *   VOUCH_ESERVER    MAYBE_APPLIED   an error in the middle: the stream has no ids left. What was moved is moved
 *   VOUCH_EUNKNOWN   MAYBE_APPLIED   sent, and not answered
 *   VOUCH_ETOOLARGE, VOUCH_ENOMEM    by error->effect: if it is APPLIED it was done, and the answer lost
 *   VOUCH_ENOTSENT, VOUCH_EINTERRUPTED, VOUCH_ECANCELLED, VOUCH_EBUSY, VOUCH_EFORKED   NOT_APPLIED
 * But for VOUCH_OK *out is NULL. To call again is always safe: what was moved is ABSENT then, and nothing is moved twice.
 * Source: XRANGE, XADD, XDEL in scripts/lua/stream/replay.lua. */
VOUCH_API VOUCH_MUST vouch_status vouch_dead_letters_replay(vouch_client *client,
                                                            const char *dead_letter,
                                                            const char *const *ids, size_t n,
                                                            const vouch_replay_options *options,
                                                            vouch_replay **out, vouch_error *error);
/* How many ids it was about; 0 for NULL. */
VOUCH_API size_t vouch_replay_count(const vouch_replay *replay);
/* What became of id i, borrowed until vouch_replay_free; NULL beyond the end. */
VOUCH_API const vouch_replayed *vouch_replay_at(const vouch_replay *replay, size_t i);
/* How many of them are MOVED; 0 for NULL. */
VOUCH_API size_t vouch_replay_moved(const vouch_replay *replay);
/* NULL is allowed. */
VOUCH_API void vouch_replay_free(vouch_replay *replay);

/* ---- deleting ------------------------------------------------------------------------------- */

/* Deletes dead letters, and whatever else has these ids there: 1 to VOUCH_DEAD_LETTERS_MAX of them, "ms-sequence" each. Blocks
 * deadline_ms of the client at most. *removed (may be NULL) is how many there were; of a call that had to be sent again,
 * how many the last try found.
 *   VOUCH_OK         APPLIED         none of them is there any more
 *   VOUCH_ESERVER    NOT_APPLIED     refused: no stream, a right
 *   VOUCH_EUNKNOWN   MAYBE_APPLIED   sent, and not answered. To remove again does no harm
 *   VOUCH_ENOTSENT, VOUCH_EINTERRUPTED, VOUCH_ECANCELLED   NOT_APPLIED
 *   VOUCH_EINVAL, VOUCH_ELIMIT, VOUCH_EBUSY, VOUCH_EFORKED, VOUCH_ENOMEM   NOT_APPLIED, nothing was sent
 * But for VOUCH_OK *removed is 0. Source: XDEL. */
VOUCH_API VOUCH_MUST vouch_status vouch_dead_letters_remove(vouch_client *client,
                                                            const char *dead_letter,
                                                            const char *const *ids, size_t n,
                                                            int64_t *removed, vouch_error *error);

VOUCH_END
#endif
