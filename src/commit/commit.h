/* commit/commit.h: MULTI/EXEC on a connection of its own, tried until it is committed or its end is
 * known. What transactions, and all else that must not happen twice, are made of.
 *
 *              ┌────────────────────── conflict, outage, refusal that passes ──────────────────────┐
 *              v                                                                                   │
 *     PREPARING ──> ASKING ──> PREPARING … ──> EXECUTING ──> (COPYING) ──> (LEAVING) ──> OVER      │
 *      │  ^            │                          │ │                         ^                    │
 *      │  └─ TAKING ───┘                          │ └─────────────────────────│────────────────────┘
 *      │     an aborted marker                    │ in doubt, and no attempt left
 *      └────────── cancel, fault ──> SETTLING <───┘ ──────────────────────────┘
 *
 * The module says what to ask and what to write (prepare); this decides when, and what became of it.
 *
 * Why it is as it is
 *   - Two trips, always, with a marker: WATCH of keys and marker, and GET of the marker, are answered
 *     before MULTI goes out. In one write a late attempt would watch the marker only after a retry had
 *     written it, and commit a second time (seen: hundreds of 3,000).
 *   - A run that ever was in doubt ends as "not applied" only through SETTLING, whatever else happened
 *     since. SET NX of the marker makes every EXEC fail that is still on its way: its connection
 *     watches the marker.
 *   - SET of the marker is the first command behind MULTI. If the server refuses MULTI the commands run
 *     one by one; then the marker is there although EXEC never left, and betrays it.
 *   - An absent marker proves nothing if it may have been removed: evidence.h, and half its life. */
#ifndef COMMIT_COMMIT_H
#define COMMIT_COMMIT_H

#include "client/core.h"
#include "command/batch.h"
#include "command/effect.h"
#include "command/slot.h"
#include "commit/marker.h"
#include "commit/result.h"

#include <string.h>
#include <vouch/transaction.h>

struct commit;

enum commit_step {
    COMMIT_CANCEL, /* end, change nothing */
    COMMIT_GO,     /* write what is in `body`, once all that was asked is answered */
    COMMIT_ASK,    /* send what was added to `reads` and by commit_watch, then prepare again */
    COMMIT_FAULT   /* it called commit_fault */
};

struct commit_ops {
    /* Called at rest, with the client busy, at the beginning of an attempt and after each round of it.
     * Replies are in `answers`. Fills in `body` anew each time, and adds what is to be read. */
    enum commit_step (*prepare)(struct commit *c);
    /* Of the block that begins with the commit. Its discard ends with commit_discard. */
    struct block_kind kind;
};

enum commit_phase {
    COMMIT_PREPARING, /* the module is to say what to do; not before `resume` */
    COMMIT_ASKING,    /* WATCH, GET marker, INFO and reads are out */
    COMMIT_TAKING,    /* another run's aborted marker is being removed */
    COMMIT_EXECUTING, /* MULTI … EXEC are out */
    /* So far there may be another attempt; now the end is near. */
    COMMIT_COPYING,  /* committed; WAIT is out */
    COMMIT_SETTLING, /* the marker is asked, and made to say "aborted" */
    COMMIT_PAUSING,  /* SETTLING was refused for now; goes on at `resume` */
    COMMIT_LEAVING,  /* UNWATCH is out */
    COMMIT_OVER
};

/* What to hold to; after defaults. */
struct commit_policy {
    bool strict, fsync;
    bool load_inside;  /* what is needed is always loaded inside MULTI */
    bool load_unasked; /* the same, unless this user may not load: then it is asked for first */
    uint32_t copies;
    int64_t copies_us; /* 0: what is left of the deadline */
    uint32_t outages;
    vouch_retry retry;
};

struct commit_answer {
    const struct vouch_reply *reply;
    bool watched; /* kept by the module */
};

/* The library's own commands of a round, and what was said to them. */
enum commit_own {
    OWN_UNWATCH,
    OWN_WATCH,
    OWN_GET,
    OWN_INFO,
    OWN_MULTI,
    OWN_SET,
    OWN_DELETE,
    OWN_EXEC,
    OWN_WAIT,
    OWN_KINDS
};
#define COMMIT_OWN_MAX 6

/* Commands that lie one behind the other. */
struct commit_part {
    const char *bytes;
    const size_t *ends;
    size_t next, count;
};
#define COMMIT_PARTS 4

/* Different scripts and libraries that the commands of one attempt need. */
#define COMMIT_NEEDS_MAX VOUCH_TX_MAX_SCRIPTS

struct commit_need {
    const struct need *need;
    bool asked; /* in this attempt … */
    bool there; /* … and it was */
};

/* How the run is to end, once nothing is in the way. */
struct commit_end {
    vouch_tx_outcome outcome;
    vouch_status status;
    vouch_cause cause;
    size_t command; /* or VOUCH_NO_COMMAND */
    char code[VOUCH_CODE_MAX];
    char message[VOUCH_MESSAGE_MAX];
};

struct commit {
    struct vouch_op op; /* first */
    struct vouch_client *client;
    const struct commit_ops *ops;
    struct core *home; /* takes the block back; NULL once the client is closed */
    struct commit_policy policy;
    struct marker marker;
    vouch_tx_result *result;

    enum commit_phase phase;
    uint32_t attempt; /* from 1 */
    uint32_t round;   /* of reads in this attempt */
    vouch_retry_state retry;
    int64_t resume;    /* PREPARING, PAUSING: not before */
    int64_t settle_at; /* with a marker: from then on time is left for settling only */
    size_t answered_reads;
    bool slot_known;
    uint16_t slot; /* of this attempt's first key */
    size_t need_count;

    /* The round that is out. */
    uint8_t kinds[COMMIT_OWN_MAX]; /* of enum commit_own */
    size_t own_count;
    size_t prelude; /* commands before the reads or the body: own, then those about needs */
    bool watch_open;
    const struct vouch_reply *said[OWN_KINDS]; /* NULL: no reply was kept */
    struct commit_part parts[COMMIT_PARTS];
    size_t sent, answered, total;
    enum reader_fate fate; /* not KEPT: that of the last reply that was dropped */
    bool gate;             /* strict, or in doubt: nothing behind MULTI yet */

    /* What the connection knows of it. */
    uint64_t connection; /* that this attempt is on; 0: any will do */
    bool watching;       /* WATCH went out, and neither EXEC nor UNWATCH was answered */
    bool marker_asked;   /* in this attempt */
    bool marker_heard;   /* and answered */
    bool info_asked;     /* along with it */
    bool lost;           /* the round will not be answered to its end … */
    size_t lost_handed; /* … of which so many commands were handed over, answered ones included */
    vouch_cause lost_cause;
    bool denied; /* MULTI is denied to this user: nothing was sent */
    bool failed; /* no connection any more */

    /* EXECUTING. */
    bool multi_ok, multi_refused;
    size_t queued;                          /* of the body's commands: accepted */
    size_t loads_queued;                    /* of the loads */
    const struct vouch_reply *load_refused; /* what one of them was told, queued or executed */
    size_t load_refused_at;                 /* in `needs` */
    bool without_loads;      /* this user may not load: what is asked for and there is not loaded */
    bool set_queued;         /* the marker's SET was */
    struct arena_mark heard; /* in the result's arena: behind the replies that are kept */
    bool exec_answered;
    enum reader_fate exec_fate;
    const struct vouch_reply *exec;

    /* Doubts. */
    bool doubt;          /* an EXEC may still come, or have run */
    uint32_t loose;      /* this attempt may have run one by one; 0: none */
    bool unheard;        /* an EXEC in doubt stood behind a MULTI whose answer was not read */
    int64_t first_exec;  /* uptime at which the first EXEC in doubt went out */
    vouch_cause final;   /* deadline, cancel, interrupt: nothing more is tried, not even settling */
    vouch_cause stop;    /* why no attempt follows this one: final, no connection, time to settle */
    bool was_settled;    /* a doubt was turned into yes or no */
    bool copied;         /* on as many copies as asked for */
    size_t witness_size; /* the value by which the marker said yes; else 0 */
    struct {
        vouch_event_kind kind; /* 0: nothing to tell */
        vouch_cause cause;
        int64_t wait_us;
    } news; /* what the hook has still to be told */

    /* ---- until here cleared for each run; from here on kept with their memory ---- */

    /* This attempt, filled in by the module. Replies to reads are in `arena`. */
    struct vouch_batch reads, body;
    struct commit_answer *answers;
    size_t answers_capacity;
    struct arena arena;
    struct vouch_batch own; /* the library's own commands of the round */
    struct vouch_batch
        needing; /* and those that ask for what the body needs, or load it; of which … */

    /* Of meaning once they are set. */
    struct evidence before; /* what the server said of itself before the first EXEC in doubt */
    char witness[MARKER_WHO_MAX + 12];
    struct commit_end end;
    vouch_error fault; /* of prepare */
    struct {           /* the last refusal that passes; its words are the lane's failure */
        vouch_tx_outcome outcome;
        size_t command;
    } refusal;
    struct commit_need needs[COMMIT_NEEDS_MAX]; /* need_count of them */
    uint8_t needing_of[COMMIT_NEEDS_MAX];       /* … command i is about needs[needing_of[i]] */
    struct lane lane;                           /* clears itself */
};

/* ---- for the module ------------------------------------------------------------------------- */

/* A run; NULL, with the error, when memory is short or an option wrong. Then core_start. What the module
 * has behind the commit is zeroed, or as the last run of its kind left it. */
struct commit *commit_new(struct core *core, const struct commit_ops *ops,
                          const vouch_tx_options *options, vouch_error *error);
/* Releases what a block that is kept for the next run holds. */
void commit_discard(struct commit *c);
/* A batch of such a block is not to keep more than an ordinary run needs. */
void commit_trim(struct vouch_batch *b);
/* Outcome of a run that is done and has left the core; frees it. `out` may be NULL. */
vouch_status commit_finish(struct commit *c, vouch_tx_result **out, vouch_error *error);
/* Frees a run that was not started. */
void commit_free(struct commit *c);

/* Used by prepare. WATCH this key in the round to come. */
void commit_watch(struct commit *c, const char *key, size_t size);
/* The run must end: with this, as far as that is still true. Returns COMMIT_FAULT. */
enum commit_step commit_fault(struct commit *c, const vouch_error *why);

/* ---- within commit/ ------------------------------------------------------------------------- */

/* commit.c */
extern const struct op_ops commit_op_ops;

/* attempt.c: the next one begins; nothing of it is sent yet. */
void commit_begin(struct commit *c);
/* Asks the module, and sends what it wants. */
void commit_prepare(struct commit *c);
void commit_judge_asking(struct commit *c);
void commit_judge_taking(struct commit *c);
/* Tries again after a conflict, or after an outage that the lane has paid for (`paid`) or not; else
 * ends it. */
void commit_again(struct commit *c, vouch_retry_kind kind, vouch_cause cause, bool paid);
/* The same after a refusal that passes, of which commit_end_refused would be told this. */
void commit_again_refused(struct commit *c, vouch_tx_outcome outcome, size_t index,
                          const char *name, const struct vouch_reply *words);

/* end.c: ends it in this way, after settling what is in doubt. */
void commit_end(struct commit *c, vouch_tx_outcome outcome, vouch_status status, vouch_cause cause,
                const char *format, ...) __attribute__((format(printf, 5, 6)));
/* Committed, and nothing else to say. */
void commit_end_yes(struct commit *c, vouch_tx_outcome outcome);
/* The same with a server's words, of command `index` or VOUCH_NO_COMMAND, named `name`. */
void commit_end_refused(struct commit *c, vouch_tx_outcome outcome, size_t index, const char *name,
                        const struct vouch_reply *words);
/* What a message says of a refusal, and its code word. */
void commit_word_refusal(char message[static VOUCH_MESSAGE_MAX], char code[static VOUCH_CODE_MAX],
                         size_t index, const char *name, const struct vouch_reply *words);
/* WATCH and the marker's commands, too, are in the result's list, unless it has others; what they were
 * answered goes with the attempt. */
void commit_list_refusal(struct commit *c, vouch_tx_outcome outcome, const char *name,
                         const struct vouch_reply *words);
/* What was in doubt was not applied, and will not be: it ends as it was going to. */
void commit_end_settled(struct commit *c);
void commit_judge_copies(struct commit *c);
/* The end stands: leaves the connection as others may find it. */
void commit_leave(struct commit *c);
/* The same without another word. */
void commit_close(struct commit *c);

/* wire.c: what is sent, and what comes back. */
extern const struct lane_ops commit_lane_ops;
/* Empties the round. */
void commit_clear_round(struct commit *c);
/* One of its own commands was added to c->own. */
void commit_note_own(struct commit *c, enum commit_own kind);
/* One of those that never change. */
void commit_add_plain(struct commit *c, enum commit_own kind);
/* Sends own commands, then reads from the first unanswered on (ASKING), or body and EXEC (EXECUTING). */
void commit_send(struct commit *c, enum commit_phase phase);
/* True once it is answered, or never will be; then c->lost. */
bool commit_is_through(struct commit *c);
/* The reply is this status: "OK", "QUEUED". */
static inline bool commit_is_status(const struct vouch_reply *reply, const char *text)
{
    size_t n = strlen(text);
    return reply && reply->type == VOUCH_TYPE_STATUS && reply->n == n &&
           memcmp(reply->as.text, text, n) == 0;
}
/* Leaves the connection; what was out is lost, for this cause. */
void commit_hang_up(struct commit *c, vouch_cause cause);

/* needs.c: what the body needs on the server. */
/* Adds those of the body that are new in this attempt; false if there are too many. */
bool commit_collect_needs(struct commit *c);
/* Asks for those not asked for, in the round to come. */
void commit_ask_needs(struct commit *c);
/* Loads those not known to be there, behind MULTI. */
void commit_load_needs(struct commit *c);
/* Reply i of what was added last: an answer, or what a load was told while queueing. */
void commit_hear_need(struct commit *c, size_t i, const struct vouch_reply *reply);
/* EXEC ran: element `from` and on are of the loads. */
void commit_judge_loads(struct commit *c, size_t from);
/* A load was refused while queueing: begins again, and asks first. False if that was done before. */
bool commit_try_without_loads(struct commit *c);
/* The body's command i may have found that what it needs is missing. */
const struct need *commit_need_missing(const struct commit *c, size_t i);

/* settle.c: the marker's rounds. */
/* The marker is watched and asked in the round to come. */
void commit_add_marker(struct commit *c);
/* The round's WATCH has all its keys: ends it, and adds what asks for the marker. */
void commit_close_watch(struct commit *c);
/* What ASKING heard of the marker. True if the attempt may go on; else the phase was changed. */
bool commit_judge_marker(struct commit *c);
void commit_settle(struct commit *c);
void commit_judge_settle(struct commit *c);

/* exec.c: what MULTI … EXEC were answered. */
void commit_execute(struct commit *c);
void commit_judge_exec(struct commit *c);
/* MULTI is denied to this user, as its connection found out. */
void commit_end_denied(struct commit *c);
/* What the commands are if nothing was answered any more. */
void commit_put_results(struct commit *c, vouch_status status, vouch_effect effect,
                        vouch_cause cause);

/* report.c */
vouch_status commit_report(const struct commit *c, vouch_error *error);
void commit_tell(struct commit *c);
void commit_tell_over(struct commit *c);

#endif
