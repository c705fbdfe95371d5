/* Every allocation of a transaction's life fails, alone and with all after it: no crash, no leak, no hang,
 * and no wrong outcome or effect. */
#include "heap.h"
#include "tx_sim.h"

#include <stdio.h>
#include <string.h>

#define COMMITTED VOUCH_OUTCOME_COMMITTED

static const struct tx_scenario scenarios[] = {
    {.name = "plain", .body = "r|u", .expect = COMMITTED},
    {.name = "resolve", .body = "rp|ui", .resolve = true, .expect = COMMITTED},
    {.name = "strict, split",
     .body = "m|r|uis",
     .strict = true,
     .resolve = true,
     .pace.split = 40,
     .expect = COMMITTED},
    {.name = "batch", .body = "iissiissiiLL", .fixed = true, .token = "job", .expect = COMMITTED},
    {.name = "conflicts",
     .body = "wr|uid",
     .resolve = true,
     .conflicts = 2,
     .knobs = {{"EXEC", .action = TX_RIVAL}},
     .expect = VOUCH_OUTCOME_CONFLICT},
    {.name = "errors", .body = "r|ueie", .resolve = true, .expect = VOUCH_OUTCOME_ERRORS},
    {.name = "refused", .body = "r|uqiq", .expect = VOUCH_OUTCOME_REFUSED_QUEUEING},
    {.name = "token twice",
     .body = "r|u",
     .token = "job",
     .runs = 2,
     .copies = 1,
     .replicas = 1,
     .expect = COMMITTED},
    {.name = "token aborted",
     .body = "r|u",
     .token = "job",
     .knobs = {{"WATCH", .from = 1, .action = TX_ABORT_TOKEN}},
     .expect = COMMITTED},
    {.name = "MULTI no more",
     .body = "r|uid",
     .resolve = true,
     .knobs = {{"MULTI", .from = 2, .action = TX_DENY, .what = "MULTI"}},
     .expect = VOUCH_OUTCOME_NOT_ATOMIC,
     .unsure = true},
};
#define SCENARIOS (sizeof scenarios / sizeof *scenarios)

static struct tx_sim sim;

/* False once no allocation is left to fail. */
static bool run_case(const struct tx_case *c, unsigned long n, unsigned long more,
                     unsigned long *wrong)
{
    heap_forget();
    heap_fail(n, more);
    tx_sim_run(&sim, c);
    bool reached = heap_recover() > n;
    const char *why = tx_verify_effects(&sim);
    if (!why && heap_live() != 0)
        why = "memory is not released";
    if (why && (*wrong)++ < 5) {
        printf("allocation %lu and %lu after it fail: ", n, more);
        tx_describe(&sim, why);
    }
    tx_sim_free(&sim);
    return reached;
}

static unsigned long run_fault(const struct tx_scenario *scenario, struct sim_fault fault,
                               struct tx_knob release, unsigned long *wrong)
{
    unsigned long cases = 0;
    struct tx_case c = {.scenario = scenario, .faults = {fault}, .extra = {release}};
    for (unsigned long more = 0; more <= 100000; more += 100000)
        for (unsigned long n = 0; run_case(&c, n, more, wrong); n++)
            cases++;
    return cases;
}

int main(void)
{
    static const struct tx_knob never = {.action = TX_RELEASE},
                                before = {"SETTLE", .action = TX_RELEASE};
    unsigned long cases = 0, wrong = 0;
    for (size_t i = 0; i < SCENARIOS; i++) {
        struct tx_case calm = {.scenario = &scenarios[i]};
        tx_sim_run(&sim, &calm);
        size_t out = sim.wires[0].accepted.size, in = sim.sessions[0].out.size;
        tx_sim_free(&sim);
        cases += run_fault(&scenarios[i], (struct sim_fault){SIM_NONE, 0, 0}, never, &wrong);
        for (size_t k = 1; k <= 6; k++) {
            struct sim_fault lost = {SIM_CLIENT_CUT, 0, in - k * 9},
                             late = {SIM_SERVER_LATE, 0, out - k * 17};
            cases += run_fault(&scenarios[i], lost, never, &wrong);
            cases += run_fault(&scenarios[i], late, k % 2 ? before : never, &wrong);
        }
    }
    printf("%lu cases, %lu wrong\n", cases, wrong);
    return wrong || cases < 1000;
}
