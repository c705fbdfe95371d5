/* The fake driver: a core run against servers in memory, in simulated time, with faults exact to the
 * byte. A case is a scenario and up to two faults; it is the same every time it is run. */
#ifndef SIM_H
#define SIM_H

#include "client/core.h"
#include "pipeline/pipeline.h"
#include "sim_server.h"
#include "sim_wire.h"

struct sim_scenario {
    const char *name;
    /* One letter a command: I INCR, G GET, B one that is refused for good, L a large reply,
     * S a script that needs a load, N one of its own each, D one whose "missing" must be checked, F one
     * that says so after it ran. */
    const char *commands;
    size_t nodes;  /* 1 to 3 */
    size_t window; /* commands */
    struct sim_pace pace;
    bool idempotent, reorder_ok, stream, resp2_only, flush_once;
    bool neighbour; /* a second pipeline shares the connection; it is cancelled half-way */
    size_t refuse_from, refuse_to;
    size_t step;              /* cut only at every so many bytes; 0: at every one */
    unsigned refuse_connects; /* that many connections are refused before one succeeds */
};

/* What the client's hook was told, and what its counters must be therefore and by the results. */
struct sim_observed {
    uint64_t kinds[VOUCH_EVENT_MAYBE + 1], commands[VOUCH_EVENT_MAYBE + 1]; /* by kind */
    uint64_t lost_maybe;  /* commands of MAYBE events for a lost connection */
    vouch_totals results; /* of all batches */
    uint64_t retries;
};

struct sim {
    const struct sim_scenario *scenario;
    struct sim_fault faults[2];
    struct core core;
    vouch_batch *batches[2];
    struct need needs[SIM_COMMANDS_MAX]; /* of the commands N */
    struct sim_truth truth;
    struct sim_wire wires[SIM_WIRES_MAX];
    struct sim_session sessions[SIM_WIRES_MAX]; /* the other end of each */
    int wire_count;
    unsigned connects_refused;
    int64_t now;
    bool memory_short;   /* allocations fail: a stream may stop before its source does */
    const char *failure; /* the first thing that went wrong */
    struct sim_observed observed;

    size_t count;
    vouch_result results[SIM_COMMANDS_MAX];
    size_t node_of[SIM_COMMANDS_MAX];
    vouch_status status;
    size_t asked; /* of a stream: commands given by the source */
    bool started; /* false: there was no memory even for that, and nothing was sent */
};

/* Runs the case to its end, delivers what is late, and collects the results. */
void sim_run(struct sim *s, const struct sim_scenario *scenario, const struct sim_fault faults[2],
             bool memory_short);
/* Compares every reported effect with the truth. NULL, or what is wrong. */
const char *sim_verify(struct sim *s);
/* Only that no effect is wrong: with memory short, much may go undone. */
const char *sim_verify_effects(const struct sim *s);
void sim_free(struct sim *s);

#endif
