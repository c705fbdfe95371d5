/* Every cut of every scenario. A case has a number; VOUCH_SIM_CASE=n replays it alone and says what
 * happened. */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct sim_scenario scenarios[] = {
    {.name = "plain", .commands = "IIIIII", .nodes = 1, .window = 1000},
    {.name = "two lanes", .commands = "IIIIIIII", .nodes = 2, .window = 1000},
    {.name = "three lanes", .commands = "IIIIIIIIII", .nodes = 3, .window = 1000},
    {.name = "RESP2", .commands = "IGIBLI", .nodes = 1, .window = 1000, .resp2_only = true},
    {.name = "all kinds", .commands = "IGBLLLIGI", .nodes = 1, .window = 1000},
    {.name = "all kinds, two lanes", .commands = "IGBLLLIGI", .nodes = 2, .window = 1000},
    {.name = "byte by byte", .commands = "IGBLIL", .nodes = 1, .window = 1000, .pace.split = 1},
    {.name = "three bytes", .commands = "IGLBII", .nodes = 1, .window = 1000, .pace.split = 3},
    {.name = "narrow window", .commands = "IIIIIIII", .nodes = 1, .window = 2},
    {.name = "narrow, split", .commands = "IGILIIBI", .nodes = 2, .window = 1, .pace.split = 7},
    {.name = "reads", .commands = "GGGGGG", .nodes = 1, .window = 3},
    {.name = "idempotent", .commands = "IIIGIII", .nodes = 1, .window = 1000, .idempotent = true},
    {.name = "idempotent, lanes",
     .commands = "IILIGI",
     .nodes = 3,
     .window = 2,
     .idempotent = true},
    {.name = "reorder", .commands = "IIIIIII", .nodes = 1, .window = 3, .reorder_ok = true},
    {.name = "reorder, lanes",
     .commands = "IGILIBII",
     .nodes = 2,
     .window = 4,
     .pace.split = 9,
     .reorder_ok = true},
    {.name = "loading first", .commands = "IIIIII", .nodes = 1, .window = 1000, .refuse_to = 4},
    {.name = "loading late",
     .commands = "IIIIII",
     .nodes = 1,
     .window = 1000,
     .refuse_from = 4,
     .refuse_to = 9},
    {.name = "loading between",
     .commands = "IIIIIIII",
     .nodes = 1,
     .window = 4,
     .refuse_from = 2,
     .refuse_to = 4},
    {.name = "loading, reorder",
     .commands = "IIIIIIII",
     .nodes = 1,
     .window = 4,
     .refuse_from = 2,
     .refuse_to = 4,
     .reorder_ok = true},
    {.name = "loading, lanes",
     .commands = "IGIIBIII",
     .nodes = 3,
     .window = 3,
     .refuse_from = 1,
     .refuse_to = 5},
    {.name = "scripts", .commands = "SISGS", .nodes = 1, .window = 1000},
    {.name = "scripts, lanes", .commands = "SISSGSI", .nodes = 2, .window = 3},
    {.name = "script vanishes", .commands = "ISSSI", .nodes = 1, .window = 2, .flush_once = true},
    {.name = "script vanishes, wide",
     .commands = "ISSSI",
     .nodes = 1,
     .window = 1000,
     .flush_once = true},
    {.name = "doubtful scripts", .commands = "IDSDGD", .nodes = 1, .window = 1000},
    {.name = "doubtful script vanishes",
     .commands = "IDDDI",
     .nodes = 1,
     .window = 2,
     .flush_once = true},
    {.name = "doubtful script vanishes, wide",
     .commands = "DDSDI",
     .nodes = 1,
     .window = 1000,
     .flush_once = true},
    {.name = "forged", .commands = "IDFDSI", .nodes = 1, .window = 1000},
    {.name = "forged, narrow", .commands = "FIFD", .nodes = 1, .window = 1},
    {.name = "forged, vanishes",
     .commands = "DFFSI",
     .nodes = 1,
     .window = 1000,
     .flush_once = true},
    {.name = "forged, lanes", .commands = "DFISDFIFSD", .nodes = 3, .window = 3},
    {.name = "forged, reorder", .commands = "IDFDSFI", .nodes = 2, .window = 3, .reorder_ok = true},
    {.name = "forged, vanishes, reorder",
     .commands = "DDFSDI",
     .nodes = 1,
     .window = 1000,
     .flush_once = true,
     .reorder_ok = true},
    {.name = "forged, stream",
     .commands = "DIFDSIIDFIDSIIII",
     .nodes = 1,
     .window = 4,
     .stream = true,
     .flush_once = true},
    {.name = "forged, loading",
     .commands = "IDFDSI",
     .nodes = 1,
     .window = 1000,
     .refuse_from = 1,
     .refuse_to = 3},
    /* More loads than a lane has in flight at once (LANE_LOADS_MAX). */
    {.name = "many needs",
     .commands =
         "NNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNN",
     .nodes = 1,
     .window = 1000,
     .step = 37},
    {.name = "slow to open", .commands = "IIIII", .nodes = 2, .window = 1000, .refuse_connects = 3},
    {.name = "neighbour",
     .commands = "IIIIIIII",
     .nodes = 1,
     .window = 20,
     .pace.split = 40,
     .neighbour = true},
    {.name = "neighbour, narrow",
     .commands = "IGIILI",
     .nodes = 1,
     .window = 3,
     .pace.split = 11,
     .neighbour = true},
    {.name = "stream", .commands = "IIIGIIBIILIIIIII", .nodes = 1, .window = 4, .stream = true},
    {.name = "stream, lanes",
     .commands = "IIIGIIBIILIIIIIIIIII",
     .nodes = 3,
     .window = 8,
     .pace.split = 30,
     .stream = true},
    {.name = "stream, reorder",
     .commands = "IIIGIIBIILIIIIIIIIII",
     .nodes = 2,
     .window = 8,
     .stream = true,
     .reorder_ok = true},
    {.name = "stream, loading",
     .commands = "IIIIIIIIIIIIIIII",
     .nodes = 1,
     .window = 4,
     .stream = true,
     .refuse_from = 5,
     .refuse_to = 8},
    {.name = "stream, loading, reorder",
     .commands = "IIIIIIIIIIIIIIII",
     .nodes = 1,
     .window = 4,
     .stream = true,
     .refuse_from = 5,
     .refuse_to = 7,
     .reorder_ok = true},
    /* As under TLS: bytes taken into a record that the kernel does not have yet. */
    {.name = "records", .commands = "IIIIII", .nodes = 1, .window = 1000, .pace.record = 50},
    {.name = "small records", .commands = "IGBLII", .nodes = 1, .window = 1000, .pace.record = 7},
    {.name = "large records, split",
     .commands = "IGILIIBI",
     .nodes = 2,
     .window = 1000,
     .pace.split = 9,
     .pace.record = 16384},
    {.name = "records, narrow",
     .commands = "IIIIIIII",
     .nodes = 2,
     .window = 2,
     .pace.split = 5,
     .pace.record = 64},
    {.name = "records, reorder",
     .commands = "IGILIBII",
     .nodes = 2,
     .window = 4,
     .pace.split = 9,
     .pace.record = 40,
     .reorder_ok = true},
    {.name = "records, idempotent",
     .commands = "IIIGIII",
     .nodes = 1,
     .window = 5,
     .pace.record = 33,
     .idempotent = true},
    {.name = "records, scripts", .commands = "SISSGSI", .nodes = 2, .window = 3, .pace.record = 60},
    {.name = "records, loading",
     .commands = "IIIIIIII",
     .nodes = 1,
     .window = 4,
     .pace.split = 11,
     .pace.record = 45,
     .refuse_from = 2,
     .refuse_to = 4},
    {.name = "records, neighbour",
     .commands = "IIIIIIII",
     .nodes = 1,
     .window = 20,
     .pace.split = 40,
     .pace.record = 70,
     .neighbour = true},
    {.name = "records, stream",
     .commands = "IIIGIIBIILIIIIIIIIII",
     .nodes = 2,
     .window = 8,
     .pace.split = 30,
     .pace.record = 100,
     .stream = true},
};
#define SCENARIOS (sizeof scenarios / sizeof *scenarios)

static const char *const kind_names[SIM_KINDS] = {"nothing",
                                                  "the client's kernel takes only",
                                                  "the server gets only",
                                                  "late at the server, but",
                                                  "stalls at the server after",
                                                  "the client gets only",
                                                  "stalls at the client after",
                                                  "the client gets, and with it the end,"};

struct tally {
    unsigned long next, only, failed; /* only: the case to replay, or ULONG_MAX */
    unsigned long effects[3];         /* reported, by effect */
};

static uint64_t mix(uint64_t x)
{
    x ^= x >> 31;
    x *= UINT64_C(0x9e3779b97f4a7c15);
    x ^= x >> 29;
    return x * UINT64_C(0xbf58476d1ce4e5b9) >> 7;
}

static void describe(const struct sim *s, unsigned long number, const char *wrong)
{
    printf("case %lu: \"%s\" (%s): %s\n", number, s->scenario->name, s->scenario->commands,
           wrong ? wrong : "as it should be");
    for (int i = 0; i < 2; i++)
        if (s->faults[i].kind != SIM_NONE)
            printf("  connection %d: %s %zu bytes\n", s->faults[i].wire,
                   kind_names[s->faults[i].kind], s->faults[i].at);
    for (size_t i = 0; i < s->count; i++)
        printf("  %2zu %c %-12s %-13s cause %d attempts %u moved %u; executed %u\n", i,
               s->scenario->commands[i], vouch_status_name(s->results[i].status),
               vouch_effect_name(s->results[i].effect), (int)s->results[i].cause,
               s->results[i].attempts, s->results[i].moved, s->truth.executed[i]);
    printf("  executed in the order");
    for (size_t i = 0; i < s->truth.log_count; i++)
        printf(" %d", s->truth.log[i]);
    printf("; %d connections; replay with VOUCH_SIM_CASE=%lu\n", s->wire_count, number);
}

static struct sim sim; /* large */

static void run_case(struct tally *t, const struct sim_scenario *scenario,
                     const struct sim_fault faults[2])
{
    unsigned long number = t->next++;
    if (t->only != (unsigned long)-1 && t->only != number)
        return;
    sim_run(&sim, scenario, faults, false);
    const char *wrong = sim_verify(&sim);
    if (wrong)
        t->failed++;
    if ((wrong && t->failed <= 5) || t->only == number)
        describe(&sim, number, wrong);
    for (size_t i = 0; i < sim.count; i++)
        if (sim.results[i].effect <= VOUCH_APPLIED)
            t->effects[sim.results[i].effect]++;
    sim_free(&sim);
}

/* Alone, and with a second fault on a later connection. */
static void run_fault(struct tally *t, const struct sim_scenario *scenario, struct sim_fault fault)
{
    struct sim_fault faults[2] = {fault, {SIM_NONE, 0, 0}};
    run_case(t, scenario, faults);
    uint64_t r = mix(t->next * 31 + fault.at);
    faults[1] =
        (struct sim_fault){(enum sim_fault_kind)(1 + r % (SIM_KINDS - 1)),
                           fault.wire + 1 + (int)(r / 7 % scenario->nodes), (size_t)(r / 64 % 500)};
    run_case(t, scenario, faults);
}

static void run_scenario(struct tally *t, const struct sim_scenario *scenario)
{
    static const struct sim_fault none[2];
    size_t out[SIM_WIRES_MAX], in[SIM_WIRES_MAX];
    sim_run(&sim, scenario, none, false);
    int wires = sim.wire_count;
    for (int i = 0; i < wires; i++) {
        out[i] = sim.wires[i].accepted.size;
        in[i] = sim.sessions[i].out.size;
    }
    sim_free(&sim);
    run_case(t, scenario, none);
    for (int wire = 0; wire < wires; wire++)
        for (int kind = 1; kind < SIM_KINDS; kind++) {
            bool answers =
                kind == SIM_CLIENT_CUT || kind == SIM_CLIENT_STALL || kind == SIM_CLIENT_END;
            size_t end = answers ? in[wire] : out[wire];
            for (size_t at = 0; at <= end; at += scenario->step ? scenario->step : 1)
                run_fault(t, scenario, (struct sim_fault){(enum sim_fault_kind)kind, wire, at});
        }
}

int main(void)
{
    const char *only = getenv("VOUCH_SIM_CASE");
    struct tally t = {.only = only ? strtoul(only, NULL, 10) : (unsigned long)-1};
    for (size_t i = 0; i < SCENARIOS; i++) {
        unsigned long first = t.next, failed = t.failed;
        run_scenario(&t, &scenarios[i]);
        if (!only)
            printf("%-26s %6lu cases%s\n", scenarios[i].name, t.next - first,
                   t.failed > failed ? "  WRONG" : "");
    }
    if (!only)
        printf("%lu cases, %lu wrong; effects reported: %lu maybe, %lu not applied, %lu applied\n",
               t.next, t.failed, t.effects[VOUCH_MAYBE_APPLIED], t.effects[VOUCH_NOT_APPLIED],
               t.effects[VOUCH_APPLIED]);
    if (only && *only && t.only >= t.next) {
        printf("there is no case %lu\n", t.only);
        return 1;
    }
    return t.failed || (!only && t.next < 10000);
}
