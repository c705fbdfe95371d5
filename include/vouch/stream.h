/* vouch/stream.h: consumer groups of streams, whose acknowledgement is batched, fenced and, together with
 * its effects, exactly once.
 *
 * What a consumer promises
 *   - Every entry that the stream retains is delivered, to some consumer of the group, until one of them has
 *     settled it: committed, rejected, or moved to the dead letters (vouch/dead_letter.h) after max_deliveries. A
 *     consumer that crashed, hangs or lost its connection loses none: what it held is claimed by others after claim_ms.
 *   - With VOUCH_ACK_EXACTLY_ONCE what an entry causes (vouch_delivery_effects) is applied with its
 *     acknowledgement, by one script, at one moment: once, whoever is killed and whatever is lost. A consumer
 *     that was only asleep finds its entries fenced when it wakes: nothing of what it commits is applied,
 *     and the verdicts say so.
 *   - What is lost is told: entries that were deleted or trimmed before anybody settled them, to whoever claims
 *     them, and again until a delivery with them was freed; a group that had to be made anew.
 *   - The promise is relative to what the server keeps: a failover to a replica that lacks the last writes
 *     takes back effects and acknowledgement together, and the entries come again.
 *
 * Ways to acknowledge
 *   AFTER          the default. The caller handles a delivery, and commits it: one XACK, which travels with
 *                  the next read, in the same write. At least once
 *   BEFORE         the server acknowledges as it delivers (NOACK). At most once
 *   MANUAL         likewise, but of each delivery only the entries that the caller has marked
 *   EXACTLY_ONCE   commit runs the effects and acknowledges, in one script. The stream, the consumer's state,
 *                  the dead letters and all keys of effects share a slot, which is checked here
 *
 * In an incarnation (one open of a consumer) the group knows the consumer as "name:incarnation": two processes
 * that were given one name do not share their entries.
 */
#ifndef VOUCH_STREAM_H
#define VOUCH_STREAM_H

#include <vouch/batch.h>
#include <vouch/client.h>
#include <vouch/reply.h>
#include <vouch/script.h>

VOUCH_BEGIN

/* Belongs to the thread of its client. */
typedef struct vouch_consumer vouch_consumer;
/* Entries of one stream, in the order of their ids, that were handed to this consumer together. */
typedef struct vouch_delivery vouch_delivery;

#define VOUCH_CONSUMER_MAX_STREAMS 64                  /* of one consumer */
#define VOUCH_CONSUMER_MAX_NAME    200                 /* bytes of a name; the same of a group */
#define VOUCH_DELIVERY_MAX_ENTRIES 1000                /* of one delivery */
#define VOUCH_DELIVERY_MAX_EFFECTS 4000                /* commands that its entries cause, in all */
#define VOUCH_NACK_MAX_MS          INT64_C(2592000000) /* longest delay of what is given back: 30 days */

/* When entries are acknowledged. The values are ABI: never renumbered, only appended. */
typedef enum vouch_ack {
    VOUCH_ACK_AFTER = 0,        /* by commit, with the next read */
    VOUCH_ACK_BEFORE = 1,       /* by the server, as they are delivered */
    VOUCH_ACK_MANUAL = 2,       /* by commit, those that were marked */
    VOUCH_ACK_EXACTLY_ONCE = 3, /* by commit, with their effects */
    VOUCH_ACK_LAST_ = 0x7fffffff
} vouch_ack;

/* What became of one entry of a delivery. The values are ABI. */
typedef enum vouch_verdict {
    VOUCH_VERDICT_UNKNOWN = 0, /* not committed yet, or the commit was not answered: commit again */
    VOUCH_VERDICT_DONE = 1,    /* its effects are applied, it is acknowledged */
    VOUCH_VERDICT_FENCED = 2,  /* another consumer holds it: nothing was applied here */
    VOUCH_VERDICT_GONE =
        3, /* nobody holds it: somebody settled or dropped it, which of the two cannot be
                                  proven. Nothing was applied here */
    VOUCH_VERDICT_RESET =
        4, /* the group was lost and made anew since it was read: it comes again, if it
                                  was not settled. Nothing was applied here */
    VOUCH_VERDICT_FAILED =
        5, /* an effect failed: those before it are applied, the entry is in the dead
                                  letters with what ran and what failed */
    VOUCH_VERDICT_HELD =
        6, /* all_or_none, and another entry was not ours: not applied, still ours */
    VOUCH_VERDICT_RETURNED = 7, /* handed back: vouch_delivery_nack */
    VOUCH_VERDICT_REJECTED = 8, /* in the dead letters: vouch_delivery_reject */
    VOUCH_VERDICT_ALREADY =
        9, /* an earlier commit has settled it, of this consumer or of another: nothing was
                                   applied now */
    VOUCH_VERDICT_UNBURIED =
        10, /* as FAILED or REJECTED, but the dead letters did not take it: it is
                                    nowhere but in its stream */
    VOUCH_VERDICT_LAST_ = 0x7fffffff
} vouch_verdict;

/* What to do about a group that is gone (XGROUP DESTROY, FLUSHALL, a failover). It is told in
 * any case: vouch_consumer_stats.groups_lost. With EXACTLY_ONCE the group is made again from
 * what the state says was acknowledged, and this does not matter. */
typedef enum vouch_lost_group {
    VOUCH_LOST_FAIL = 0, /* poll says so, and reads no more */
    VOUCH_LOST_ALL = 1,  /* made again from the stream's beginning: entries come again */
    VOUCH_LOST_NEW = 2,  /* made again at its end: what nobody had read is passed over */
    VOUCH_LOST_LAST_ = 0x7fffffff
} vouch_lost_group;

/* What a consumer has done since it was opened; entries. Begin with VOUCH_CONSUMER_STATS_INIT. */
typedef struct vouch_consumer_stats {
    uint32_t size; /* set by the initialiser */
    uint32_t reserved;
    uint64_t delivered;  /* handed to the caller */
    uint64_t done;       /* settled by it */
    uint64_t fenced;     /* committed when another consumer had them */
    uint64_t gone;       /* … when nobody had them */
    uint64_t already;    /* … when they were settled */
    uint64_t reset;      /* … when the group had been made anew */
    uint64_t dead;       /* made dead letters */
    uint64_t claimed;    /* taken from others */
    uint64_t lost;       /* deleted before anybody settled them */
    uint64_t given_back; /* by nack and free, as it left, as an incarnation was retired; at least */
    uint64_t groups_lost; /* groups that had to be made again */
    uint64_t commits;     /* with EXACTLY_ONCE: that were answered … */
    uint64_t
        commit_us; /* … and how long they took, in all: microseconds from commit or submit to the answer */
    uint64_t commit_us_max; /* … the longest of them */
    uint64_t in_flight;     /* delivered and not settled, now */
} vouch_consumer_stats;

/* Nothing yet. */
#define VOUCH_CONSUMER_STATS_INIT                                                                  \
    {                                                                                              \
        sizeof(vouch_consumer_stats), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0               \
    }

/* Told what a consumer has done since it was told last: `change`, of which in_flight and commit_us_max are what they are
 * in `now`, the whole. Runs inside calls of the consumer, on their thread, once for all that one step brought;
 * it may not call anything of this consumer (VOUCH_EBUSY). Both are borrowed. */
typedef void (*vouch_consumer_hook)(const vouch_consumer_stats *change,
                                    const vouch_consumer_stats *now, void *user);

/* How to consume. Begin with VOUCH_CONSUMER_OPTIONS_INIT. Strings are copied. */
typedef struct vouch_consumer_options {
    uint32_t size;              /* set by the initialiser */
    vouch_ack ack;              /* default AFTER */
    const char *stream;         /* one stream; or, instead: */
    const char *const *streams; /* several */
    size_t stream_count;        /* so many; VOUCH_CONSUMER_MAX_STREAMS at most */
    const char *group;          /* made if it is not there */
    const char *consumer;       /* its name, without ':'; an incarnation is appended */
    const char *from; /* where a new group begins: "0", the default: all there is; "$": what
                                   is added from now on; or an id, behind which it begins */
    const char
        *dead_letter;   /* stream for dead letters; default: the stream's name and ":dead", with
                                   a hash tag in front where it needs one to share the stream's slot */
    const char *state;  /* key of the group's state, with EXACTLY_ONCE; default: the stream's
                                   name, ":group:" and the group's, likewise. Only with one stream */
    uint32_t batch;     /* entries of one read; default 100; VOUCH_DELIVERY_MAX_ENTRIES at most */
    uint32_t in_flight; /* entries delivered and not settled: no more than so many are held; default
                                   twice the batch */
    uint32_t single;    /* 1: each delivery has one entry; they are read in batches all the same */
    uint32_t prefetch;  /* 1: the next batch is read while one is being worked on */
    uint32_t
        max_deliveries; /* an entry that was delivered so often and is claimed again becomes a dead
                                   letter; default 5; VOUCH_NO_DEAD_LETTERS: never */
    vouch_lost_group lost_group; /* default FAIL */
    uint32_t delete_acked;       /* 1: what is acknowledged is deleted from the stream (XDEL) */
    uint32_t
        all_or_none; /* with EXACTLY_ONCE, 1: if one entry of a delivery is not ours any more, none is applied */
    uint32_t
        check_types; /* with EXACTLY_ONCE, 1: that keys hold the types which the effects want is looked at before
                                   anything is applied; else a wrong type is an effect that failed */
    uint32_t reserved;
    int64_t block_ms; /* how long the server waits for entries in one read; default 1,000; 1 …
                                   600,000 */
    int64_t claim_ms; /* entries that another consumer has had for so long, without extending
                                   them, are taken from it; default 60,000; or VOUCH_NO_DEADLINE: never */
    int64_t claim_every_ms; /* how often to look for such; default a quarter of claim_ms */
    int64_t
        forget_ms; /* incarnations that ended without leaving are taken out of the group, by whoever opens, when they have
 nothing pending and were not heard of for so long; default 3,600,000, an hour; or VOUCH_NO_DEADLINE: never */
    vouch_consumer_hook on_change; /* told of what happens; or NULL */
    void *change_user;             /* given to it */
} vouch_consumer_options;

/* As max_deliveries: entries are delivered for as long as nobody settles them. */
#define VOUCH_NO_DEAD_LETTERS UINT32_MAX

/* Every default. */
#define VOUCH_CONSUMER_OPTIONS_INIT                                                                \
    {                                                                                              \
        sizeof(vouch_consumer_options), VOUCH_ACK_AFTER, NULL, NULL, 0, NULL, NULL, NULL, NULL,    \
            NULL, 0, 0, 0, 0, 0, VOUCH_LOST_FAIL, 0, 0, 0, 0, 0, 0, 0, 0, NULL, NULL               \
    }

/* Opens a consumer; does I/O: makes the group where it is missing, and looks for what an earlier consumer left
 * behind. Blocks deadline_ms of the client at most. The client must outlive the consumer.
 *   VOUCH_OK        *out is the caller's, to be released with vouch_consumer_close
 *   VOUCH_EINVAL    an option is wrong, or keys do not share a slot; the message says which
 *   VOUCH_ESERVER   the server refused: the words are in the message
 *   VOUCH_ENOTSENT, VOUCH_EUNKNOWN, VOUCH_EINTERRUPTED   the server did not answer; opening again is safe
 *   VOUCH_ENOMEM, VOUCH_EBUSY, VOUCH_EFORKED */
VOUCH_API VOUCH_MUST vouch_status vouch_consumer_open(vouch_client *client,
                                                      const vouch_consumer_options *options,
                                                      vouch_consumer **out, vouch_error *error);

/* The next delivery. Waits timeout_ms at most (0: only what is here; VOUCH_NO_DEADLINE: for ever).
 *   VOUCH_OK           *out is a delivery, to be released with vouch_delivery_free; or NULL: nothing came
 *   VOUCH_EINTERRUPTED vouch_consumer_stop was called, or vouch_client_interrupt; *out is NULL
 *   VOUCH_ESERVER      the server refuses to be read: its words are in the message; the group is gone and
 *                      options->lost_group says FAIL. Not retriable without doing something about it
 *   VOUCH_ENOTSENT, VOUCH_EUNKNOWN, VOUCH_ENOMEM   error->retriable says that polling again is worth it
 *   VOUCH_EINVAL, VOUCH_EBUSY, VOUCH_EFORKED */
VOUCH_API VOUCH_MUST vouch_status vouch_consumer_poll(vouch_consumer *consumer, int64_t timeout_ms,
                                                      vouch_delivery **out, vouch_error *error);

/* Reading ends: the poll in progress, and every later one, returns VOUCH_EINTERRUPTED. Safe from
 * any thread and from signal handlers, as long as the consumer is not closed. */
VOUCH_API void vouch_consumer_stop(vouch_consumer *consumer);

/* ---- deliveries ----------------------------------------------------------------------------- */

/* One entry. Borrowed from its delivery. */
typedef struct vouch_entry {
    vouch_string id;           /* "1526919030474-55" */
    const vouch_reply *fields; /* vouch_reply_get(fields, "name"), vouch_reply_pair; NULL if lost */
    uint32_t deliveries;       /* how often it was delivered, with this time */
    uint32_t lost; /* 1: it was deleted or trimmed before anybody settled it. There is nothing to
                                  do about it but to tell; committing it is as good as not. It may be told more than once */
} vouch_entry;

/* How many entries; 0 for NULL. */
VOUCH_API size_t vouch_delivery_count(const vouch_delivery *delivery);
/* Entry i, or NULL. */
VOUCH_API const vouch_entry *vouch_delivery_entry(const vouch_delivery *delivery, size_t i);
/* The stream they are from. */
VOUCH_API const char *vouch_delivery_stream(const vouch_delivery *delivery);

/* What became of entry i. */
VOUCH_API vouch_verdict vouch_delivery_verdict(const vouch_delivery *delivery, size_t i);

/* With EXACTLY_ONCE: what entry i causes; commands added to the batch are run when the delivery
 * is committed, in order. Any that scripts may call, with keys in the stream's slot; no scripts,
 * no functions. Borrowed from the delivery. Of an entry that is lost or settled, and in other
 * modes, a batch that takes nothing; so too if memory is short, and then the commit says so
 * (VOUCH_ENOMEM, nothing was sent). NULL: there is no such entry, or the consumer is closed. */
VOUCH_API vouch_batch *vouch_delivery_effects(vouch_delivery *delivery, size_t i);

/* The entries were handled. Without EXACTLY_ONCE it does no I/O: the acknowledgement goes out with the next read.
 *
 * With EXACTLY_ONCE it waits for the answer, and vouch_delivery_verdict says for each entry what became of it:
 *   VOUCH_OK         answered; look at the verdicts
 *   VOUCH_EINVAL, VOUCH_ELIMIT   an effect that cannot be one, a key in another slot: error->command is the entry.
 *                    Nothing was sent; it can be put right and committed again
 *   VOUCH_ESERVER    the server refused it; nothing was applied, or if it was, committing again says so
 *   VOUCH_EUNKNOWN, VOUCH_ENOTSENT, VOUCH_EINTERRUPTED   not answered yet. It is sent again by itself, before anything
 *                    else; commit again, or poll, to wait for it
 * What is committed again is never applied again. */
VOUCH_API VOUCH_MUST vouch_status vouch_delivery_commit(vouch_delivery *delivery,
                                                        vouch_error *error);
/* With MANUAL: entry i is among those that commit acknowledges. VOUCH_EINVAL: there is no such
 * entry. */
VOUCH_API vouch_status vouch_delivery_mark(vouch_delivery *delivery, size_t i);
/* Entry i is given back, for another consumer to claim, in delay_ms at the earliest, by the server's clock, and a
 * sixteenth of it later at most, plus claim_every_ms. 0 … VOUCH_NACK_MAX_MS, else VOUCH_EINVAL. Meanwhile it is pending
 * with "vouch:free" or "vouch:until-…". Fenced: if it is not ours any more nothing happens, and its verdict will say so.
 * Does not block: goes out at once, and is answered during a later call (vouch_consumer_flush waits for it). */
VOUCH_API VOUCH_MUST vouch_status vouch_delivery_nack(vouch_delivery *delivery, size_t i,
                                                      int64_t delay_ms, vouch_error *error);
/* Entry i goes to the dead letters, with its reason. Fenced, and does not block, likewise. */
VOUCH_API VOUCH_MUST vouch_status vouch_delivery_reject(vouch_delivery *delivery, size_t i,
                                                        const char *reason, vouch_error *error);
/* What is not settled of the delivery is ours for another claim_ms. Fenced, and does not block,
 * likewise: the verdicts say which entries another consumer has by now. */
VOUCH_API VOUCH_MUST vouch_status vouch_delivery_extend(vouch_delivery *delivery,
                                                        vouch_error *error);
/* How long the delivery's entries are surely ours yet, in milliseconds: claim_ms, counted from when the read or claim was
 * sent, or the last extend that was answered. 0: another consumer may have them by now; what it costs to go on is that
 * both work on them: a commit is fenced in any case. VOUCH_NO_DEADLINE: nobody claims (claim_ms, BEFORE), or NULL. It
 * holds for consumers that all have the same claim_ms. As a read may wait in the server for block_ms, that should be much
 * shorter. Does no I/O. */
VOUCH_API int64_t vouch_delivery_left_ms(const vouch_delivery *delivery);
/* NULL is allowed. What was not settled is given back, as by nack. */
VOUCH_API void vouch_delivery_free(vouch_delivery *delivery);

/* Starts a commit and does not wait: for event loops, and for several at once. VOUCH_OK: it is
 * under way, or there was nothing to do; else as vouch_delivery_commit, and it is not. */
VOUCH_API VOUCH_MUST vouch_status vouch_delivery_submit(vouch_delivery *delivery,
                                                        vouch_error *error);
/* True while its commit is not answered. Then it must not be changed; freeing it is allowed, and
 * ends nothing. */
VOUCH_API bool vouch_delivery_is_open(const vouch_delivery *delivery);
/* With EXACTLY_ONCE: text that names the entry, also after its stream was lost and ids began
 * anew: an idempotency key for what is done elsewhere. "" in other modes, or if memory is short.
 * Borrowed from the delivery. */
VOUCH_API const char *vouch_delivery_token(vouch_delivery *delivery, size_t i);

/* ---- all of it in a loop -------------------------------------------------------------------- */

/* Handles one delivery; true: it is committed, false: it is given back. It may nack, reject and
 * mark. */
typedef bool (*vouch_handler)(vouch_delivery *delivery, void *user);

/* Polls, handles and commits until vouch_consumer_stop, or an error that is not worth trying again. Blocks.
 *   VOUCH_OK   stopped
 *   else       as vouch_consumer_poll and vouch_delivery_commit */
VOUCH_API VOUCH_MUST vouch_status vouch_consumer_run(vouch_consumer *consumer,
                                                     vouch_handler handler, void *user,
                                                     vouch_error *error);

/* How long an event loop may wait, beside what vouch_client_watch says, before it polls again
 * (with a timeout of 0): in milliseconds; 0: there is something now; -1: for ever. */
VOUCH_API int64_t vouch_consumer_due_ms(const vouch_consumer *consumer);

/* ---- watching ------------------------------------------------------------------------------- */

/* Fills them in. VOUCH_EINVAL: an argument is NULL, or stats->size is not set. */
VOUCH_API vouch_status vouch_consumer_stats_read(const vouch_consumer *consumer,
                                                 vouch_consumer_stats *stats);

/* ---- the end -------------------------------------------------------------------------------- */

/* Sends what waits to be sent, and waits for the answers: acknowledgements of deliveries that were committed, which else
 * go with the next read, what was given back, rejected or extended, and commits. Blocks timeout_ms at most
 * (VOUCH_NO_DEADLINE: as long as it takes).
 *   VOUCH_OK          nothing waits any more
 *   VOUCH_ENOTSENT    the time is over, cause DEADLINE. Nothing is lost: it goes on in later calls
 *   VOUCH_EINTERRUPTED, VOUCH_EINVAL, VOUCH_EBUSY, VOUCH_EFORKED
 *   else              as vouch_consumer_poll */
VOUCH_API VOUCH_MUST vouch_status vouch_consumer_flush(vouch_consumer *consumer, int64_t timeout_ms,
                                                       vouch_error *error);

/* Leaves the group: stops reading (a read that waits in the server is broken off), sends what waits, finishes
 * commits, gives back all that is not settled, also of deliveries that the caller still has, and takes its
 * incarnations out of the group, each in the moment in which nothing is pending with it. Blocks timeout_ms at most;
 * with 0, for event loops, call it until it is done (vouch_consumer_due_ms says when). Afterwards nothing more is
 * delivered, and vouch_consumer_stats_read tells what was given back (given_back), and what was not (in_flight).
 *   VOUCH_OK         it has left
 *   VOUCH_ENOTSENT   the time is over, cause DEADLINE: call again, or close; what is still pending with it is
 *                    claimed by others after claim_ms
 *   VOUCH_ESERVER    it had failed before: the words are in the message
 *   VOUCH_EINVAL, VOUCH_EBUSY, VOUCH_EFORKED */
VOUCH_API VOUCH_MUST vouch_status vouch_consumer_leave(vouch_consumer *consumer, int64_t timeout_ms,
                                                       vouch_error *error);

/* vouch_consumer_leave, and then the consumer is freed, whatever came of it, and its status returned; NULL is allowed.
 * Deliveries that the caller still has are to be freed as ever; nothing else can be done with them. In a hook or callback of
 * this client it is not freed (VOUCH_EBUSY); in a forked child it is, and the parent's is left alone (VOUCH_EFORKED). */
VOUCH_API VOUCH_MUST vouch_status vouch_consumer_close(vouch_consumer *consumer, int64_t timeout_ms,
                                                       vouch_error *error);

VOUCH_END
#endif
