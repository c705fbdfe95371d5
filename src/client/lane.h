/* client/lane.h: an operation's share on one connection. The lane opens and reopens connections,
 * waits between tries, and sends ahead what commands need; what a reply means is the module's. */
#ifndef CLIENT_LANE_H
#define CLIENT_LANE_H

#include "command/need.h"
#include "net/exchange.h"

#include <stdbool.h>
#include <stdint.h>

struct core;
struct lane;
struct link;

/* Why a lane has no connection and will not get one. */
struct lane_failure {
    vouch_cause cause;
    char code[VOUCH_CODE_MAX];
    char message[VOUCH_MESSAGE_MAX];
};

/* What became of a question of lane_check. */
enum lane_answer {
    LANE_MISSING, /* it is not there */
    LANE_THERE,   /* it is */
    LANE_UNTOLD   /* that cannot be found out: see l->untold */
};

/* The module's side; as in struct exchange, without the loads of needs. */
struct lane_ops {
    /* A command with a need that lane_has does not have must be the only one of its run; *need says
     * which, or NULL. */
    bool (*pull)(struct lane *l, size_t commands, struct run *out, const struct need **need);
    void (*on_reply)(struct lane *l, const struct vouch_reply *reply, enum reader_fate fate);
    void (*on_lost)(struct lane *l, size_t maybe, size_t unsent, vouch_cause cause);
    void (*on_unsent)(struct lane *l, size_t unsent);
    /* No budget left, or trying again will not help: see l->failure. Nothing is in flight. */
    void (*on_failed)(struct lane *l);
    /* What lane_check asked. May be NULL in a lane that does not ask. */
    void (*on_checked)(struct lane *l, const struct need *need, enum lane_answer answer);
};

/* Loads of one lane in flight at once. */
#define LANE_LOADS_MAX 64

struct lane_load {
    uint64_t at; /* which of the lane's commands, counted from its first */
    const struct need *need;
    bool question; /* asks whether it is there, instead of loading it */
};

/* What is known of the load of a need that was missing. */
enum lane_load_state {
    LANE_LOAD_FINE,   /* nothing speaks against loading it (again) */
    LANE_LOAD_WAITS,  /* it was refused for the time being */
    LANE_LOAD_REFUSED /* it was refused: see l->refusal */
};

struct lane {
    struct exchange x; /* first */
    const struct lane_ops *ops;
    struct core *core;
    struct link *link;         /* the connection it is on, or NULL */
    struct lane *next_on_link; /* others on the same */
    struct lane *next_waiting; /* for a connection to become free */
    size_t node;
    bool leased;  /* wants a connection of its own */
    bool wants;   /* has, as far as is known, something to send */
    bool waiting; /* in the core's queue */
    bool failed;
    unsigned outages;  /* how many more it survives */
    unsigned attempts; /* in a row without success */
    int64_t resume;    /* sends nothing before; 0: now */
    struct lane_failure failure;

    const struct need *checking; /* to be asked about before anything else is sent; or NULL */
    uint64_t check_on;           /* the connection on which it was said to be missing */
    bool asked;                  /* the question is out */
    uint64_t checked;            /* digest of what was asked about last; 0: none */
    enum lane_answer answer;     /* to that */
    const struct need *doubled;  /* its load found it there: see judge_doubled */
    /* The load that was refused last. */
    uint64_t refused; /* its digest; 0: none */
    enum lane_load_state refused_state;
    char refusal[VOUCH_MESSAGE_MAX];

    uint64_t sent, answered; /* its commands, loads counted, that were pulled, answered */
    size_t load_head, load_tail;
    struct run held; /* pulled from the module, waits behind its load */
    /* ---- not cleared ---- */
    struct lane_load loads[LANE_LOADS_MAX]; /* in flight: a ring */
    char untold[VOUCH_MESSAGE_MAX];         /* why the last question has no answer */
};

void lane_init(struct lane *l, struct core *core, const struct lane_ops *ops, size_t node,
               bool leased, unsigned outages);
/* The module has something to send (again). Finds a connection if there is none. */
void lane_offer(struct lane *l);
/* A refusal that passes: sends nothing until a backoff is over; counts as an outage. False if there
 * is no budget left. */
bool lane_wait(struct lane *l);
/* A command was executed: the backoff starts from the beginning next time. */
static inline void lane_progress(struct lane *l)
{
    l->attempts = 0;
}
/* Time passes: resumes. */
void lane_advance(struct lane *l, int64_t now);
/* Its time is up: what it was waiting for becomes its failure, if nothing worse did before. */
void lane_out_of_time(struct lane *l);
/* Leaves its connection; as conn_abandon. A lane that is closed may be thrown away. */
void lane_close(struct lane *l, size_t *maybe, size_t *unsent);
/* The same, and the connection is closed whatever is in flight: it is in a state (WATCH, MULTI) that
 * nobody else must meet. */
void lane_close_hard(struct lane *l, size_t *maybe, size_t *unsent);
/* Which connection it is on, never the same twice; 0 while on none that is ready. */
uint64_t lane_connection(const struct lane *l);
/* The need is known to be on its connection, or its load is on the way. */
bool lane_has(const struct lane *l, const struct need *need);
/* The server says that the need is not there, whatever was known: the next pull loads it again. */
void lane_missing(struct lane *l, const struct need *need);
/* Whether loading it may help. */
enum lane_load_state lane_load(const struct lane *l, const struct need *need);
/* The server said that it is missing, and the words may be a script's own: asks whether it is there,
 * and sends nothing else until ops->on_checked. Only with nothing in flight. */
void lane_check(struct lane *l, const struct need *need);
/* What is to be said beside this reply, if it says that the need is missing: why it could not be loaded, or
 * not be asked for; else NULL. *detail, which goes behind it, may be empty. Borrowed from the lane. */
const char *lane_explain(const struct lane *l, const struct need *need,
                         const struct vouch_reply *reply, const char **detail);
/* The server says that this connection is not logged in. If there is somebody to ask for other
 * credentials it will log in again, before anything else is sent; else false. */
bool lane_reauthenticate(struct lane *l);
/* Changes whenever a byte moved on its connection. */
uint64_t lane_activity(const struct lane *l);

/* ---- for the link --------------------------------------------------------------------------- */

/* Its connection could not be opened, or was lost: costs one of its outages. */
void lane_outage(struct lane *l, const struct lane_failure *why, bool permanent);

#endif
