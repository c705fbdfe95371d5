/* pipeline/pipeline.h: the inside of a pipeline in progress.
 *
 * Commands come in segments: a run is one segment (the caller's batch), a stream a ring of them that
 * are filled, settled, delivered and filled again. Each connection that takes part has a share: its
 * commands in order, and how far they are. */
#ifndef PIPELINE_PIPELINE_H
#define PIPELINE_PIPELINE_H

#include "client/core.h"
#include "client/lane.h"
#include "command/batch.h"
#include "command/effect.h"

#include <vouch/pipeline.h>

/* Segments of a stream at once; together they hold about two windows. */
#define STREAM_SEGMENTS 8

/* One share's commands of one segment. */
struct part {
    size_t *order; /* indices into the segment; NULL: all of them */
    size_t count;
    struct arena arena; /* of their replies */
};

/* In `reserved` of a result that is not handed out yet. */
enum {
    RESULT_FINAL = 1,
    RESULT_DOUBT = 2 /* it was handed over, not answered, and sent again because it may run twice */
};

struct segment {
    vouch_batch *batch;
    size_t count;
    vouch_result *results; /* `reserved`: RESULT_FINAL, RESULT_DOUBT */
    size_t capacity;       /* of results */
    size_t settled;        /* how many are final */
    size_t delivered;      /* of a stream: how many the sink has had */
    struct part *parts;    /* one for each share */
};

/* A command of a share: by segment (numbered from the operation's first) and place in its part. */
struct cursor {
    uint64_t segment;
    size_t at;
};

struct pipeline;

/* What the hook has still to be told of a share. It is told when the machines are at rest, by the
 * next advance or the operation's end; so it hears of a lost connection first. */
struct news {
    size_t again; /* commands that were handed over and go again */
    vouch_cause again_cause;
    int64_t wait_us; /* after a refusal: until then; -1: not after one that passes with time */
    size_t lost;     /* MAYBE: handed over, and no reply will come */
    vouch_cause lost_cause;
    size_t failed;           /* MAYBE: answered with an error */
    const struct link *link; /* whose connection it was, or NULL */
};

struct share {
    struct lane lane; /* first */
    struct pipeline *p;
    size_t number;
    struct cursor next;   /* to be pulled */
    struct cursor oldest; /* to be answered */
    size_t flying;        /* pulled and not answered */
    /* Refused for a passing reason, and not yet decided: `refused` is the first such command.
     * Nothing is pulled until what is in flight has been answered. */
    bool waiting;
    struct cursor refused;
    bool overtaken;          /* a later command was answered for good */
    struct cursor overtaker; /* the last such */
    bool only_loads;         /* all of them only miss what can be loaded */
    uint64_t doubtful_on;    /* of some that is only likely, as heard on this connection; else 0 */
    bool gave_up;            /* a refusal became final: nothing is sent a second time */
    bool past_maybe;         /* reorder_ok: what runs now runs after a command of unknown effect */
    bool patchy;             /* reorder_ok: there may be final results beyond `next` */
    bool halted;             /* nothing more is sent */
    bool again;              /* some commands may have been handed over before */
    struct news news;
};

/* What can be wrong with a command, worst first. */
enum fault_kind { FAULT_MAYBE, FAULT_NOT_SENT, FAULT_ERROR, FAULT_KINDS };

struct fault {
    bool set;
    uint64_t command;
    vouch_cause cause;
    char name[32];
    char code[VOUCH_CODE_MAX];
    char words[VOUCH_MESSAGE_MAX];
    bool behind;                    /* the code and the words are of the command before it */
    const char *explained, *detail; /* see lane_explain */
};

struct stream;

struct pipeline {
    struct vouch_op op;          /* first */
    struct vouch_client *client; /* that drives it; the simulator has none */
    bool idempotent, reorder_ok;
    int64_t stall_us; /* or OP_NEVER */
    int64_t moved_at; /* when something moved last */
    uint64_t activity;
    struct core *home;        /* of a run: takes the block back; NULL once the client is closed */
    size_t block;             /* bytes of all this, with segments, parts and shares behind it */
    struct segment *segments; /* a ring: [head, tail) modulo segment_count */
    size_t segment_count;
    uint64_t head, tail;
    struct share *shares;
    size_t share_count;
    vouch_totals totals;
    struct stream *stream;            /* NULL: a run */
    vouch_results *outcome;           /* of a run: where its results will go */
    vouch_cause cause;                /* why it ended early */
    struct lane_failure failure;      /* with ADDRESS, CONNECT, AUTH, HANDSHAKE, LOST, PROTOCOL */
    struct fault faults[FAULT_KINDS]; /* the first of each kind */
};

static inline struct segment *segment_at(const struct pipeline *p, uint64_t number)
{
    return &p->segments[number % p->segment_count];
}

/* ---- segment.c ------------------------------------------------------------------------------ */

/* Sizes the results and orders the batch's commands by share. False when memory is short. */
bool segment_load(struct pipeline *p, struct segment *s);
/* Ready to be filled again; keeps its memory. */
void segment_clear(struct pipeline *p, struct segment *s);
void segment_free(struct pipeline *p, struct segment *s);

/* ---- share.c -------------------------------------------------------------------------------- */

void share_init(struct share *s, struct pipeline *p, size_t number, bool leased, unsigned outages);
/* There are new segments. */
void share_offer(struct share *s);
/* Leaves its connection; settles everything that is not final, for this reason. */
void share_end(struct share *s, vouch_cause cause);

/* ---- notice.c ------------------------------------------------------------------------------- */

/* Counts a result that is final and not VOUCH_OK. */
void notice_final(struct share *s, const vouch_result *r);
/* It was handed over whole once more, and answered or lost. */
void notice_attempt(struct share *s, vouch_result *r);
/* So many commands that were handed over before go again, after what the lane waits. */
void notice_again(struct share *s, size_t commands, vouch_cause cause);
/* They do not, after all. */
void notice_halt(struct share *s);
/* Tells the hook; `over`: the operation has ended. */
void notice_tell(struct share *s, bool over);

/* ---- pipeline.c ----------------------------------------------------------------------------- */

/* Options with their defaults, and shares; no segments yet. NULL, with the error, when memory is
 * short or an option wrong. */
struct pipeline *pipeline_new(struct core *core, const vouch_pipeline_options *options,
                              size_t segments, bool leased, vouch_error *error);
/* With everything it owns; batches of a run are not its own. */
void pipeline_free(struct pipeline *p);
/* Adds a final result to the totals and, if something is wrong with it, to the faults. */
void pipeline_count(struct pipeline *p, const struct segment *s, size_t index, uint64_t command);
/* The status of the whole, and the error. */
vouch_status pipeline_report(const struct pipeline *p, vouch_error *error);

/* ---- run.c ---------------------------------------------------------------------------------- */

/* A run of the batch, which it freezes; then core_start. NULL with the error. */
struct pipeline *run_new(struct core *core, vouch_batch *batch,
                         const vouch_pipeline_options *options, vouch_error *error);
/* Outcome and results of a run that is done and has left the core; frees it. */
vouch_status run_finish(struct pipeline *p, vouch_results **out, vouch_error *error);
/* Frees a run that was not started. */
void run_free(struct pipeline *p);

/* ---- stream.c ------------------------------------------------------------------------------- */

/* As run_new, run_finish and run_free. */
struct pipeline *stream_new(struct core *core, vouch_source source, vouch_sink sink, void *user,
                            const vouch_pipeline_options *options, vouch_error *error);
vouch_status stream_finish(struct pipeline *p, vouch_totals *totals, vouch_error *error);
void stream_free(struct pipeline *p);

/* Delivers what is final and fills what is free; true if that changed anything. */
bool stream_turn(struct pipeline *p);
bool stream_is_over(const struct pipeline *p);

#endif
