/* Every allocation of a pipeline's life fails once: no crash, no leak, and no wrong effect. */
#include "heap.h"
#include "sim.h"

#include <stdio.h>
#include <string.h>

static const struct sim_scenario scenarios[] = {
    {.name = "all kinds", .commands = "IGBLLLIGI", .nodes = 1, .window = 1000},
    {.name = "lanes, split", .commands = "IGILIIBI", .nodes = 3, .window = 3, .pace.split = 7},
    {.name = "scripts", .commands = "SISGS", .nodes = 1, .window = 2, .pace.split = 30},
    {.name = "stream",
     .commands = "IIIGIIBIILIIIIIIIIII",
     .nodes = 2,
     .window = 4,
     .pace.split = 25,
     .stream = true},
};

static struct sim sim;

/* False once no allocation is left to fail. */
static bool run_case(const struct sim_scenario *scenario, unsigned long n, unsigned long more,
                     struct sim_fault fault, unsigned long *wrong)
{
    struct sim_fault faults[2] = {fault, {SIM_NONE, 0, 0}};
    heap_fail(n, more);
    sim_run(&sim, scenario, faults, true);
    bool reached = heap_recover() > n;
    const char *why = sim.started ? sim_verify_effects(&sim) : NULL;
    if (why) {
        printf("\"%s\", allocation %lu and %lu after it fail: %s\n", scenario->name, n, more, why);
        if ((*wrong)++ == 0)
            for (size_t i = 0; i < sim.count; i++)
                printf("  %2zu %c %s %s cause %d attempts %u; executed %u\n", i,
                       scenario->commands[i], vouch_status_name(sim.results[i].status),
                       vouch_effect_name(sim.results[i].effect), (int)sim.results[i].cause,
                       sim.results[i].attempts, sim.truth.executed[i]);
    }
    sim_free(&sim);
    return reached;
}

int main(void)
{
    static const struct sim_fault faults[] = {
        {SIM_NONE, 0, 0}, {SIM_CLIENT_CUT, 0, 130}, {SIM_ACCEPT_CUT, 0, 300}};
    unsigned long cases = 0, wrong = 0;
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++)
        for (size_t f = 0; f < sizeof faults / sizeof *faults; f++)
            for (unsigned long more = 0; more <= 1000; more += 1000)
                for (unsigned long n = 0; run_case(&scenarios[i], n, more, faults[f], &wrong); n++)
                    cases++;
    printf("%lu cases, %lu wrong\n", cases, wrong);
    return wrong || cases < 100;
}
