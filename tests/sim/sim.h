/* The fake driver: a core run against servers in memory, in simulated time, with faults exact to the
 * byte. A case is a scenario and up to two faults; it is the same every time it is run. */
#ifndef SIM_H
#define SIM_H

#include "client/core.h"
#include "pipeline/pipeline.h"
#include "sim_server.h"

enum { SIM_WIRES_MAX = 64 };

enum sim_fault_kind {
    SIM_NONE,
    SIM_ACCEPT_CUT,   /* the client's kernel takes n bytes, then the connection breaks; the server
                         gets all n, its answers do not come back */
    SIM_SERVER_CUT,   /* the kernel takes all, the server gets n bytes, answers, and is gone */
    SIM_SERVER_LATE,  /* the same, and the rest arrives when the call has long returned */
    SIM_SERVER_STALL, /* the same, but the client is not shown an end: its deadline must pass */
    SIM_CLIENT_CUT,   /* the client gets n bytes of answers, then the end; the server gets all */
    SIM_CLIENT_STALL, /* the same without the end */
    SIM_KINDS
};

struct sim_fault {
    enum sim_fault_kind kind;
    int wire; /* connections are numbered in the order in which they were opened */
    size_t at;
};

struct sim_scenario {
    const char *name;
    /* One letter a command: I INCR, G GET, B one that is refused for good, L a large reply,
     * S a script that needs a load. */
    const char *commands;
    size_t nodes;  /* 1 to 3 */
    size_t window; /* commands */
    size_t split;  /* bytes moved at once, each way; 0: all there is */
    size_t
        record; /* as with TLS: the client's bytes go out in records of that many at most, and of a
                      record nothing can be read before its last byte is there. 0: no records */
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

/* One connection. */
struct sim_wire {
    struct link *link; /* NULL once the client closed it */
    struct sim_session session;
    struct sim_bytes accepted; /* what the client's kernel took; of records, only whole ones */
    struct sim_bytes ends;     /* for each byte of those, whether a record ends with it */
    struct sim_bytes held;     /* the record that is going out */
    size_t held_out;           /* bytes of it that the kernel took */
    size_t took;               /* what the kernel took in all */
    size_t arrived;            /* of those, at the server */
    size_t returned;           /* of its output, at the client */
    struct sim_fault fault;
    bool server_gone;
};

struct sim {
    const struct sim_scenario *scenario;
    struct sim_fault faults[2];
    struct core core;
    vouch_batch *batches[2];
    struct need needs[SIM_COMMANDS_MAX]; /* of the commands N */
    struct sim_truth truth;
    struct sim_wire wires[SIM_WIRES_MAX];
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
