/* The fake driver of transactions: a core runs a scenario's transaction against the server in memory, in
 * simulated time, with faults exact to the byte. A case is a scenario, up to two faults, and the moment
 * at which late bytes arrive; it is the same every time it is run. */
#ifndef TX_SIM_H
#define TX_SIM_H

#include "client/core.h"
#include "sim_wire.h"
#include "transaction/transaction.h"
#include "tx_server.h"

#define TX_DEADLINE_MS 5000
#define TX_NO_TRIP     UINT64_MAX

/* One letter does one thing.
 *   reading   r GET of the next body key, watched   p GET of a key that is not watched
 *             m MGET of the first two, watched      w a bare watch of the next body key
 *             | the answers are wanted from here on
 *   writing   to the body key of the command's number:
 *             u INCRBY of the first value read, plus one   i INCRBY 7   d DECRBY 3
 *             s SET   L SET of 300 bytes
 *             z a script that adds 11   Z the same, of which "missing" is not believed
 *             e LPUSH, which fails in EXEC   q SET with a word too few, refused while queueing
 *   x         cancels, from attempt `cancel_from` on */
struct tx_scenario {
    const char *name, *body;
    bool fixed; /* vouch_transaction_exec */
    bool resolve, strict, load_inside, resp2_only, pushes;
    const char *token;
    unsigned runs; /* one after the other, each by another client; 0: one */
    uint32_t copies, conflicts, outages;
    unsigned replicas;
    size_t window, reply_max;
    struct sim_pace pace;
    int64_t deadline_ms, marker_ms;
    unsigned cancel_from;
    vouch_tx_outcome expect; /* if nothing goes wrong */
    uint32_t may;            /* other outcomes (1 << …) that the knobs can cause */
    bool unsure;             /* … or UNKNOWN in spite of a marker */
    uint64_t trips;          /* if nothing goes wrong, or TX_NO_TRIP; 0: not looked at */
    struct tx_knob knobs[TX_KNOBS_MAX];
    struct tx_refusal refusals[2];
    size_t step; /* cut only at every so many bytes; 0: at every one */
    bool pairs;  /* second faults, everywhere */
};

/* What nobody at the client can know of a run, by what was handed over and what came back. */
struct tx_doubts {
    bool exec;  /* an EXEC went out whole, and was not answered */
    bool loose; /* commands went out behind a MULTI that was not answered, and no EXEC */
    bool early; /* MULTI went out before what was asked before it was answered */
};

/* What one run reported. */
struct tx_run {
    bool started; /* false: there was no memory even for that */
    vouch_status status;
    vouch_error error;
    vouch_tx_outcome outcome;
    size_t count;
    vouch_result results[TX_BODY_MAX];
    bool has_reply[TX_BODY_MAX], has_number[TX_BODY_MAX];
    int64_t numbers[TX_BODY_MAX];
    size_t queue_errors, exec_errors;
    uint32_t attempts, conflicts;
    int64_t copies;
    vouch_stats stats;
    uint64_t told[VOUCH_EVENT_SETTLED + 1]; /* events, by kind */
    int64_t ended, deadline;
    int first_wire, last_wire; /* its connections: [first, last) */
    struct tx_doubts doubts;   /* at its end */
};

struct tx_case {
    const struct tx_scenario *scenario;
    struct sim_fault faults[2];
    struct tx_knob extra[2]; /* more of them: when late bytes arrive, and what else goes wrong */
    int cancel_at;           /* the step at which the caller cancels; 0: never */
};

struct tx_sim {
    struct tx_case with;
    struct core core;
    struct tx_server server;
    struct sim_wire wires[TX_SESSIONS_MAX];
    struct tx_session sessions[TX_SESSIONS_MAX];
    int wire_count;
    int64_t now;
    struct tx_run runs[TX_RUNS_MAX];
    int run; /* that is in progress */
    int run_count;
    const char *failure; /* the first thing that went wrong */
};

/* Runs the case to its end, and delivers what is late. */
void tx_sim_run(struct tx_sim *s, const struct tx_case *with);
void tx_sim_free(struct tx_sim *s);
struct tx_doubts tx_look(const struct tx_sim *s, const struct tx_run *r);
/* Compares what was reported with the truth. NULL, or what is wrong. */
const char *tx_verify(const struct tx_sim *s);
/* Only that no outcome or effect is wrong: with memory short, much may go undone. */
const char *tx_verify_effects(const struct tx_sim *s);

/* Something went wrong that no client can know of: MULTI was denied between its going out and its
 * arrival. Its effects are not looked at. */
bool tx_is_beyond_knowing(const struct tx_sim *s);

/* tx_describe.c: prints the case, and what it was reported to come to. */
void tx_describe(const struct tx_sim *s, const char *wrong);

/* tx_body.c: its commands. */
size_t tx_body_size(const struct tx_scenario *c);
vouch_tx_step tx_body(vouch_tx *tx, void *user); /* a struct tx_case */
/* The same as a batch, of a body that reads nothing; NULL when memory is short. */
vouch_batch *tx_batch(const struct tx_scenario *c);

/* tx_scenarios.c */
extern const struct tx_scenario tx_scenarios[];
extern const size_t tx_scenario_count;

#endif
