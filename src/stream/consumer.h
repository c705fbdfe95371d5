/* stream/consumer.h: a consumer inside.
 *
 * It has at most two operations under way: `read`, which may wait in the server and therefore has a connection
 * of its own (a batch with a blocking command does), and `side`, for everything else. It starts and finishes
 * them by the public calls of the modules below, which do no I/O; who drives them is api.c alone. */
#ifndef STREAM_CONSUMER_H
#define STREAM_CONSUMER_H

#include <stdbool.h>
#include <stdint.h>
#include <vouch/pipeline.h>
#include <vouch/script.h>
#include <vouch/stream.h>

#include "stream/commit.h"

#define STREAM_INCARNATION 52 /* the client's identity, '-', a number in hexadecimal, NUL */
#define STREAM_OWNER_MAX   (VOUCH_CONSUMER_MAX_NAME + STREAM_INCARNATION + 22)

#define STREAM_GENERATION 72

struct text {
    char *data; /* NUL-terminated, our own */
    size_t size;
};

/* One incarnation: a consumer of the group, as the server sees it. When a read or a claim was
 * not answered the server may count entries for it of which nobody knows: it is retired, and
 * another begins. What is left with the old one is given back once everything we know of is
 * settled. */
struct owner {
    struct owner *next; /* older */
    bool retired;
    size_t left; /* of the streams, it has left so many */
    size_t size;
    char name[STREAM_OWNER_MAX]; /* "name:incarnation" */
    struct holding {
        size_t held;      /* entries delivered to it and not settled */
        int64_t sequence; /* of its last commit */
    } of[];               /* each stream */
};

size_t owner_held(const struct vouch_consumer *c, const struct owner *o);
static inline vouch_arg arg_of(const struct text *t)
{
    return vouch_bytes(t->data, t->size);
}

static inline vouch_arg owner_arg(const struct owner *o)
{
    return vouch_bytes(o->name, o->size);
}

/* One of its streams. */
struct stream {
    struct text name, state, dead_letter;
    bool grouped;                       /* the group is there, as far as is known */
    bool known;                         /* it was, at some time */
    bool swept;                         /* the group was rid of who ended without leaving */
    char generation[STREAM_GENERATION]; /* of the group and its state; with EXACTLY_ONCE */
    uint64_t since;                     /* the epoch in which that began */
    char resume[48];                    /* where opening it goes on */
    bool
        mended; /* what was delivered and is pending with nobody was looked for, when it was opened */
    vouch_batch *acks, *sent; /* XACKs to go out; those that went and were not answered */
    int64_t claim_at;         /* when to look for what others hold too long */
    char cursor[48];          /* where that look goes on */
    size_t cursor_size;
};

/* Entries that the server has delivered, kept for as long as anybody borrows from them. Its
 * memory is there before they are asked for: what was delivered cannot be lost for want of it. */
struct intake {
    struct intake *next; /* in the queue of those not handed out in full */
    size_t users;        /* deliveries, and the queue */
    vouch_results *results;
    vouch_call *call;
    const vouch_reply *streams; /* of a read: names and entries, in either protocol; else NULL */
    const vouch_reply *claimed; /* of a claim: entries of `stream` */
    struct stream *stream;
    struct owner *owner;
    uint64_t epoch;   /* when it was asked for … */
    int64_t asked_at; /* … by the clock */
    size_t at, entry; /* what is handed out next: the entry of the stream with this number */
};

struct delivered {
    vouch_entry entry; /* first */
    vouch_verdict verdict;
    bool marked;          /* to be acknowledged */
    bool follows;         /* in the same read right behind the one before */
    bool handed;          /* is being given back, or rejected */
    vouch_batch *effects; /* or NULL */
    char *reason;         /* why it becomes a dead letter when it is committed; or NULL */
    char *token;          /* or NULL */
};

struct vouch_delivery {
    struct vouch_consumer *consumer;     /* NULL once that is closed */
    struct vouch_delivery *next, **link; /* among those that the caller has */
    struct stream *stream;
    struct owner *owner;
    struct intake *intake;
    char *name;                         /* the stream's, for when the consumer is gone */
    char generation[STREAM_GENERATION]; /* in which they were delivered; "": one that is over */
    struct vouch_delivery *next_commit; /* behind it, to be committed */
    bool committing, told, freed;
    bool starved;        /* there was no memory for some entry's effects */
    vouch_error outcome; /* if told: of the last try */
    int64_t sequence;    /* of its commit; 0: none was sent */
    int64_t submitted_at;
    int64_t leased_at; /* its entries were ours then, and nobody claims them for claim_ms */
    struct commit_entry *asked; /* of its commit, in order … */
    size_t *asked_of;           /* … and which entry each is */
    size_t asked_count;
    size_t n;
    struct delivered entries[];
};

/* Nobody has said yet what becomes of entry i; that it was held back is no end. */
static inline bool entry_is_open(const vouch_delivery *d, size_t i)
{
    return d->entries[i].verdict == VOUCH_VERDICT_UNKNOWN ||
           d->entries[i].verdict == VOUCH_VERDICT_HELD;
}

/* Entry i is still to be settled, and nothing else is under way for it. */
static inline bool delivery_holds(const vouch_delivery *d, size_t i)
{
    return entry_is_open(d, i) && !d->entries[i].handed;
}

enum hand_action { HAND_RETURN, HAND_REJECT, HAND_EXTEND, HAND_FORGET };

/* Something to be done with entries of a delivery, by hand.lua; FORGET: with those that are lost. */
struct hand {
    struct hand *next;
    vouch_delivery *delivery; /* NULL once that is freed */
    struct stream *stream;
    struct owner *owner;
    enum hand_action action;
    int64_t asked_at; /* sent, for the last time */
    char *detail;
    size_t n;
    struct {
        size_t entry; /* of the delivery */
        struct text id;
    } ids[];
};

enum side {
    SIDE_NONE,
    SIDE_GROUP,
    SIDE_OPEN,
    SIDE_COMMIT,
    SIDE_ACK,
    SIDE_CLAIM,
    SIDE_HAND,
    SIDE_LEAVE,
    SIDE_SWEEP
};

/* scripts/lua/stream/ */
enum { SCRIPT_CLAIM, SCRIPT_HAND, SCRIPT_LEAVE, SCRIPT_SWEEP, SCRIPT_OPEN, SCRIPT_COMMIT, SCRIPTS };

struct vouch_consumer {
    vouch_client *client;
    int64_t now;              /* as it was told last */
    vouch_consumer_options o; /* with the defaults filled in; its strings are not used */
    struct text group, from;
    char name[VOUCH_CONSUMER_MAX_NAME + 1];
    struct owner *owner; /* the present one; older ones behind it */
    struct owner *leaving;
    char idle[24]; /* claim_ms as text: so idle is what is free to be claimed */
    struct stream *streams;
    size_t stream_count;

    struct intake *ready, **ready_end; /* a queue of those with entries left */
    size_t queued;                     /* entries in the queue */
    struct vouch_delivery *out;        /* those that the caller has */
    size_t working;                    /* entries in them that are not settled */
    size_t losses; /* of which the caller has not been told, or the server not that it was */

    vouch_op *read;
    vouch_batch *reading;               /* its commands: acknowledgements, then the read */
    struct intake *spare, *spare_claim; /* for the entries of a read, of a claim */
    vouch_script *scripts[SCRIPTS];
    struct hand *hands, **hands_end; /* to be done, in order; the first is under way if SIDE_HAND */
    vouch_delivery *commits, **commits_end; /* to be committed, in order */
    struct commit_words words;              /* of the first */
    vouch_delivery *worded;                 /* whose they are, until the end of the next step */
    struct stream *opening, *sweeping;
    uint64_t generations; /* numbered, too */
    uint64_t epoch;       /* rises whenever a stream's generation changes */
    vouch_batch **spares; /* for effects */
    size_t spare_count;
    vouch_batch *nowhere; /* takes no command: the effects of what can have none */
    vouch_op *side;
    enum side doing;
    vouch_batch *asking; /* its commands, if they are a pipeline */

    bool stopped, closing, failed;
    bool flushing;                        /* acknowledgements do not wait for a read */
    bool acks_out, read_acks;             /* some are under way; the read under way carries them */
    bool started;                         /* something that nobody has driven yet */
    bool retire;                          /* the owner may have entries of which we do not know */
    char incarnation[STREAM_INCARNATION]; /* what no other consumer has; owners are numbered */
    uint64_t owners;
    bool lost_groups;                  /* some group was there, and is gone */
    vouch_consumer_stats counts, told; /* told: to the hook */
    bool telling;                      /* inside of it */
    vouch_error error;                 /* why, if it failed */
    int64_t retry_at;                  /* nothing is started before */
};

/* options.c */
vouch_status consumer_options_check(vouch_consumer_options *out, const vouch_consumer_options *in,
                                    vouch_error *error);
vouch_status consumer_name_streams(struct vouch_consumer *c, const vouch_consumer_options *o,
                                   vouch_error *error);
void consumer_free_names(struct vouch_consumer *c);

/* consumer.c: does what is due. Pure. */
/* How many entries one more read or claim may bring. */
size_t consumer_room(const struct vouch_consumer *c);
/* Starts a call of one of its scripts, as the side operation. */
vouch_status consumer_call(struct vouch_consumer *c, int script, vouch_args keys, vouch_args args,
                           bool idempotent, vouch_error *error);
/* It has one entry less, by something that was no commit: a server that loses that with a failover may count as many as
 * it holds later, and others. It is retired. */
void owner_drop(struct vouch_consumer *c, struct owner *o, const struct stream *s);
/* A new incarnation; the one before is retired. False when memory is short. */
bool consumer_begin_owner(struct vouch_consumer *c);
void consumer_step(struct vouch_consumer *c, int64_t now);
/* When it wants to be stepped again though nothing was answered; INT64_MAX: not at all. */
int64_t consumer_wake(const struct vouch_consumer *c);

/* watch.c */
/* What it has done so far. */
void watch_count(const struct vouch_consumer *c, vouch_consumer_stats *out);
/* Tells the hook what came to it since the last time. */
void watch_tell(struct vouch_consumer *c);

/* read.c */
bool read_is_wanted(const struct vouch_consumer *c);
vouch_status read_start(struct vouch_consumer *c, vouch_error *error);
/* Some acknowledgement waits for the next read, or is under way. */
bool acks_wait(const struct vouch_consumer *c);
/* Some waits, and none is under way. */
bool acks_can_go(const struct vouch_consumer *c);
/* They go out without one. */
vouch_status acks_start(struct vouch_consumer *c, vouch_error *error);
vouch_status acks_finish(struct vouch_consumer *c, vouch_error *error);
/* Of one that is done. */
vouch_status read_finish(struct vouch_consumer *c, vouch_error *error);

/* recover.c: entries that others have had for too long, or that we have without knowing of them. */
bool recover_make_scripts(struct vouch_consumer *c, vouch_error *error);
/* A stream for which it is time; NULL: none. */
struct stream *recover_due(struct vouch_consumer *c, int64_t now);
vouch_status recover_start(struct vouch_consumer *c, struct stream *s, vouch_error *error);
vouch_status recover_finish(struct vouch_consumer *c, int64_t now, vouch_error *error);
int64_t recover_wake(const struct vouch_consumer *c);
vouch_status leave_start(struct vouch_consumer *c, struct owner *o, vouch_error *error);
vouch_status leave_finish(struct vouch_consumer *c, int64_t *given, vouch_error *error);
/* A stream whose group was not swept yet; NULL: none. */
struct stream *sweep_due(struct vouch_consumer *c);
vouch_status sweep_start(struct vouch_consumer *c, struct stream *s, vouch_error *error);
vouch_status sweep_finish(struct vouch_consumer *c, vouch_error *error);

/* settle.c */
vouch_status delivery_acknowledge(vouch_delivery *d, vouch_error *error);
bool delivery_hand(vouch_delivery *d, enum hand_action action, size_t first, size_t n,
                   const char *detail);
/* Instead of what it would cause, entry i becomes a dead letter when it is committed. False when memory is short. */
bool entry_bury(vouch_delivery *d, size_t i, const char *reason);
/* Before it is freed. */
void delivery_abandon(vouch_delivery *d);
void delivery_destroy(vouch_delivery *d);

/* spares.c: batches for effects. Give and free take NULL; a consumer that is closed has none. */
vouch_batch *spares_take(struct vouch_consumer *c);
void spares_give(struct vouch_consumer *c, vouch_batch *b);
void spares_free(struct vouch_consumer *c);

/* hand.c. False when memory is short; then nothing is changed. */
bool hand_add(vouch_delivery *d, enum hand_action action, size_t first, size_t n,
              const char *detail);
vouch_status hand_start(struct vouch_consumer *c, vouch_error *error);
vouch_status hand_finish(struct vouch_consumer *c, vouch_error *error);
/* The delivery is about to go. */
void hand_forget(struct vouch_consumer *c, const vouch_delivery *d);
void hand_free(struct hand *h);

/* exact.c: EXACTLY_ONCE. */
bool exact_make_scripts(struct vouch_consumer *c, vouch_error *error);
struct stream *exact_to_open(struct vouch_consumer *c);
vouch_status exact_open_start(struct vouch_consumer *c, struct stream *s, vouch_error *error);
vouch_status exact_open_finish(struct vouch_consumer *c, int64_t now, vouch_error *error);
/* Puts it in the queue, and says what is wrong with it, if anything is. */
vouch_status exact_submit(vouch_delivery *d, vouch_error *error);
vouch_status exact_commit_start(struct vouch_consumer *c, vouch_error *error);
/* OK: it is answered, and out of the queue; the words of a refusal are in *error then. */
vouch_status exact_commit_finish(struct vouch_consumer *c, vouch_error *error);

/* delivery.c */
struct intake *intake_new(void);
void intake_release(struct intake *a);
/* Counts the entries for their streams, and puts them in the queue. Takes the answer, and
 * whichever of results and call is set. */
void intake_queue(struct vouch_consumer *c, struct intake *a);
/* The next delivery, out of the queue. OK and NULL if there is none; ENOMEM leaves everything as
 * it is. */
vouch_status delivery_next(struct vouch_consumer *c, vouch_delivery **out, vouch_error *error);

#endif
