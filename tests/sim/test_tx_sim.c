/* Every cut of every transaction. A case has a number; VOUCH_TX_CASE=n replays it alone and says what
 * happened. VOUCH_TX_PAIRS=n takes every nth of those with two things wrong (their numbers depend on it); 1
 * is all of them. */
#include "tx_sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* When late bytes arrive; without a command: when the call has long returned. */
static const struct tx_knob moments[] = {
    {.action = TX_RELEASE},
    {"WATCH", .action = TX_RELEASE},
    {"WATCH", .after = true, .action = TX_RELEASE},
    {"EXEC", .action = TX_RELEASE},
    {"EXEC", .after = true, .action = TX_RELEASE},
    {"SETTLE", .action = TX_RELEASE},
    {"SETTLE", .after = true, .action = TX_RELEASE},
};
#define MOMENTS      (sizeof moments / sizeof *moments)
#define FIRST_SETTLE 5

#define PAIRS_STEP 5

struct tally {
    unsigned long next, only, failed; /* only: the case to replay, or ULONG_MAX */
    unsigned long pair, pairs_step;
    unsigned long beyond; /* of them, beyond what can be known */
    unsigned long outcomes[VOUCH_OUTCOME_NOT_ATOMIC + 1];
    const char *seen[16]; /* what was found wrong with this scenario: described once each */
    size_t seen_count;
};

static struct tx_sim sim, probe; /* large */

/* ---- one case ------------------------------------------------------------------------------- */

static void describe(const struct tally *t, unsigned long number, const char *wrong)
{
    printf("case %lu: ", number);
    tx_describe(&sim, wrong);
    printf("  replay with VOUCH_TX_PAIRS=%lu VOUCH_TX_CASE=%lu\n", t->pairs_step, number);
}

static bool is_new(struct tally *t, const char *wrong)
{
    for (size_t i = 0; i < t->seen_count; i++)
        if (t->seen[i] == wrong)
            return false;
    if (t->seen_count == sizeof t->seen / sizeof *t->seen)
        return false;
    t->seen[t->seen_count++] = wrong;
    return true;
}

static void run_case(struct tally *t, const struct tx_case *c)
{
    unsigned long number = t->next++;
    if (t->only != (unsigned long)-1 && t->only != number)
        return;
    tx_sim_run(&sim, c);
    const char *wrong = tx_verify(&sim);
    if (wrong)
        t->failed++;
    if ((wrong && is_new(t, wrong)) || t->only == number)
        describe(t, number, wrong);
    t->beyond += tx_is_beyond_knowing(&sim);
    for (int k = 0; k < sim.run_count; k++)
        t->outcomes[sim.runs[k].outcome]++;
    tx_sim_free(&sim);
}

/* ---- all faults of a kind, by byte ---------------------------------------------------------- */

/* Calls `each` with the case as given, or once for every moment at which late bytes may arrive. */
static void at_moments(struct tally *t, struct tx_case *c, size_t fault,
                       void (*each)(struct tally *t, struct tx_case *c))
{
    const struct tx_scenario *scenario = c->scenario;
    enum sim_fault_kind kind = c->faults[fault].kind;
    bool marked = scenario->resolve || scenario->token;
    size_t end = marked ? MOMENTS : FIRST_SETTLE;
    if (kind == SIM_SERVER_STALL)
        end = marked ? MOMENTS : 1;
    else if (kind != SIM_SERVER_LATE)
        end = 1;
    for (size_t i = 0; i < end; i++) {
        /* While it is stalled nobody else watches or commits. */
        if (kind == SIM_SERVER_STALL && i && i < FIRST_SETTLE && !scenario->runs)
            continue;
        c->extra[0] = moments[i];
        each(t, c);
    }
    c->extra[0] = moments[0];
}

static void just_run(struct tally *t, struct tx_case *c)
{
    run_case(t, c);
}

static bool cuts_answers(enum sim_fault_kind kind)
{
    return kind == SIM_CLIENT_CUT || kind == SIM_CLIENT_STALL;
}

static void run_singles(struct tally *t, const struct tx_scenario *scenario)
{
    size_t out[TX_SESSIONS_MAX], in[TX_SESSIONS_MAX];
    struct tx_case c = {.scenario = scenario};
    tx_sim_run(&probe, &c);
    int wires = probe.wire_count;
    for (int i = 0; i < wires; i++) {
        out[i] = probe.wires[i].accepted.size;
        in[i] = probe.sessions[i].out.size;
    }
    tx_sim_free(&probe);
    run_case(t, &c);
    for (int wire = 0; wire < wires; wire++)
        for (int kind = 1; kind < SIM_KINDS; kind++) {
            size_t end = cuts_answers((enum sim_fault_kind)kind) ? in[wire] : out[wire];
            for (size_t at = 0; at <= end; at += scenario->step ? scenario->step : 1) {
                c.faults[0] = (struct sim_fault){(enum sim_fault_kind)kind, wire, at};
                at_moments(t, &c, 0, just_run);
            }
        }
}

/* ---- by command: where a byte more or less makes a difference ------------------------------- */

struct cuts {
    struct sim_fault at[1024];
    size_t count;
};

static void add_cut(struct cuts *k, int kind, int wire, size_t at)
{
    if (k->count < sizeof k->at / sizeof *k->at)
        k->at[k->count++] = (struct sim_fault){(enum sim_fault_kind)kind, wire, at};
}

/* The first byte of a command or reply that is missing, and the last. */
static void add_cuts(struct cuts *k, int wire, size_t end, bool answers)
{
    for (int kind = 1; kind < SIM_KINDS; kind++)
        if (cuts_answers((enum sim_fault_kind)kind) == answers) {
            add_cut(k, kind, wire, end - 1);
            add_cut(k, kind, wire, end);
        }
}

/* All of a connection, the handshake's but for its end left out. */
static void find_cuts(const struct tx_sim *s, int wire, struct cuts *k)
{
    const struct sim_wire *w = &s->wires[wire];
    const struct tx_session *x = &s->sessions[wire];
    struct tx_words words;
    bool greeted = false;
    size_t number = 0, size;
    for (size_t at = 0; at < w->accepted.size; at += size, number++) {
        size = tx_parse(w->accepted.at + at, w->accepted.size - at, &words);
        if (size == 0)
            return;
        greeted = greeted || tx_word_is(words.at[0], "DISCARD");
        if (!greeted && number)
            continue;
        add_cuts(k, wire, at + size, false);
        if (number < x->replies)
            add_cuts(k, wire, x->reply_end[number], true);
    }
}

/* ---- pairs ---------------------------------------------------------------------------------- */

static void run_pair(struct tally *t, struct tx_case *c)
{
    if (t->pair++ % t->pairs_step == 0)
        run_case(t, c);
}

/* A second fault on each connection that the first one leads to. */
static void with_second(struct tally *t, struct tx_case *c)
{
    static struct cuts second;
    second.count = 0;
    tx_sim_run(&probe, c);
    for (int wire = c->faults[0].wire + 1; wire < probe.wire_count; wire++)
        find_cuts(&probe, wire, &second);
    tx_sim_free(&probe);
    for (size_t i = 0; i < second.count; i++) {
        c->faults[1] = second.at[i];
        run_pair(t, c);
    }
    c->faults[1] = (struct sim_fault){SIM_NONE, 0, 0};
}

static void run_pairs(struct tally *t, const struct tx_scenario *scenario)
{
    static struct cuts first;
    struct tx_case c = {.scenario = scenario};
    first.count = 0;
    tx_sim_run(&probe, &c);
    for (int wire = 0; wire < probe.wire_count; wire++)
        find_cuts(&probe, wire, &first);
    tx_sim_free(&probe);
    for (size_t i = 0; i < first.count; i++) {
        c.faults[0] = first.at[i];
        at_moments(t, &c, 0, with_second);
    }
}

/* ---- cancelled ------------------------------------------------------------------------------ */

/* By the caller, between any two bytes; in calm, and after a connection was lost in the middle. */
static void run_cancels(struct tally *t, const struct tx_scenario *scenario)
{
    static const enum sim_fault_kind kinds[] = {SIM_NONE, SIM_SERVER_LATE, SIM_CLIENT_CUT};
    struct tx_scenario slowly = *scenario;
    struct tx_case c = {.scenario = &slowly};
    slowly.pace.split = 3;
    tx_sim_run(&probe, &c);
    size_t out = probe.wires[0].accepted.size, in = probe.sessions[0].out.size;
    tx_sim_free(&probe);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        for (size_t m = 0; m < (kinds[k] == SIM_SERVER_LATE ? MOMENTS : 1); m++)
            for (int step = 1; step < 800; step += 1 + (int)k) {
                c.faults[0] = (struct sim_fault){kinds[k], 0, k == 1 ? out - 9 : in - 9};
                c.extra[0] = moments[m];
                c.cancel_at = step;
                run_case(t, &c);
            }
}

/* ---- troubles of the server ----------------------------------------------------------------- */

#define MINUTES(n) (INT64_C(60000000) * (n))

static const struct tx_knob troubles[] = {
    {.action = TX_EVICT},
    {.action = TX_FLUSHALL},
    {.action = TX_RESTART},
    {.action = TX_RESTART_EMPTY},
    {.action = TX_FAILOVER},
    {.action = TX_RESETSTAT},
    {.action = TX_SUSPEND, .us = MINUTES(4)},
    {.action = TX_SUSPEND, .us = MINUTES(6)},
    {.action = TX_SUSPEND, .us = MINUTES(11)},
    {.action = TX_CLOCK, .us = MINUTES(6)},
    {.action = TX_CLOCK, .us = MINUTES(11)},
    {.action = TX_DENY, .what = "MULTI"},
    {.action = TX_DENY, .what = "EXEC"},
    {.action = TX_DENY, .what = "WATCH"},
    {.action = TX_DENY, .what = "UNWATCH"},
    {.action = TX_DENY, .what = "INFO"},
    {.action = TX_DENY, .what = "GET"},
    {.action = TX_DENY, .what = "INCRBY"},
    {.action = TX_DENY, .what = "SET"},
    {.action = TX_DENY, .what = "marker"},
    {.action = TX_RIVAL},
    {.action = TX_USE_TOKEN},
    {.action = TX_ABORT_TOKEN},
};

/* When it comes. */
static const struct tx_knob troubled[] = {
    {"WATCH", .from = 1},  {"WATCH", .from = 1, .after = true},
    {"MULTI", .from = 2},  {"MULTI", .from = 2, .after = true},
    {"EXEC", .from = 1},   {"EXEC", .from = 1, .after = true},
    {"HELLO", .from = 2},  {"WATCH", .from = 2},
    {"EXEC", .from = 2},   {"WATCH", .from = 2, .after = true},
    {"SETTLE", .from = 1}, {"SETTLE", .from = 1, .after = true},
};

/* On the client's way: whole lives, or one that is nearly over. */
static const struct tx_scenario in_trouble[] = {
    {.name = "trouble", .body = "r|ui", .resolve = true, .expect = VOUCH_OUTCOME_COMMITTED},
    {.name = "trouble, no marker", .body = "r|ui", .expect = VOUCH_OUTCOME_COMMITTED},
    {.name = "trouble, token", .body = "r|ui", .token = "job", .expect = VOUCH_OUTCOME_COMMITTED},
    {.name = "trouble, strict",
     .body = "r|ui",
     .resolve = true,
     .strict = true,
     .expect = VOUCH_OUTCOME_COMMITTED},
    {.name = "trouble, conflicts",
     .body = "r|ui",
     .resolve = true,
     .conflicts = VOUCH_RETRY_NONE,
     .knobs = {{"EXEC", .action = TX_RIVAL}},
     .expect = VOUCH_OUTCOME_CONFLICT},
    {.name = "trouble, cancels",
     .body = "r|uix",
     .resolve = true,
     .cancel_from = 2,
     .expect = VOUCH_OUTCOME_COMMITTED},
    {.name = "trouble, for ever",
     .body = "r|ui",
     .resolve = true,
     .marker_ms = VOUCH_MARKER_KEEP,
     .expect = VOUCH_OUTCOME_COMMITTED},
};

static void run_troubles(struct tally *t, const struct tx_scenario *scenario)
{
    static struct cuts first;
    struct tx_case c = {.scenario = scenario};
    first.count = 0;
    tx_sim_run(&probe, &c);
    find_cuts(&probe, 0, &first);
    tx_sim_free(&probe);
    for (size_t k = 0; k < sizeof troubles / sizeof *troubles; k++)
        for (size_t m = 0; m < sizeof troubled / sizeof *troubled; m++) {
            c.extra[1] = troubles[k];
            c.extra[1].command = troubled[m].command;
            c.extra[1].from = troubled[m].from;
            c.extra[1].after = troubled[m].after;
            c.faults[0] = (struct sim_fault){SIM_NONE, 0, 0};
            run_case(t, &c);
            for (size_t i = 0; i < first.count; i++) {
                c.faults[0] = first.at[i];
                at_moments(t, &c, 0, run_pair);
            }
        }
}

/* ---- all of it ------------------------------------------------------------------------------ */

static void run_scenario(struct tally *t, const struct tx_scenario *scenario,
                         void (*how)(struct tally *t, const struct tx_scenario *scenario),
                         const char *what)
{
    unsigned long first = t->next, failed = t->failed;
    t->seen_count = 0;
    how(t, scenario);
    if (t->only == (unsigned long)-1)
        printf("%-38s %-8s %6lu cases%s\n", scenario->name, what, t->next - first,
               t->failed > failed ? "  WRONG" : "");
}

int main(void)
{
    const char *only = getenv("VOUCH_TX_CASE"), *pairs = getenv("VOUCH_TX_PAIRS");
    struct tally t = {.only = only ? strtoul(only, NULL, 10) : (unsigned long)-1,
                      .pairs_step = pairs ? strtoul(pairs, NULL, 10) : PAIRS_STEP};
    if (t.pairs_step == 0)
        t.pairs_step = 1;
    for (size_t i = 0; i < tx_scenario_count; i++)
        run_scenario(&t, &tx_scenarios[i], run_singles, "");
    for (size_t i = 0; i < sizeof in_trouble / sizeof *in_trouble; i++)
        run_scenario(&t, &in_trouble[i], run_troubles, "");
    for (size_t i = 0; i < tx_scenario_count; i++)
        if (tx_scenarios[i].pairs)
            run_scenario(&t, &tx_scenarios[i], run_pairs, "pairs");
    for (size_t i = 0; i < tx_scenario_count; i++)
        if (tx_scenarios[i].pairs)
            run_scenario(&t, &tx_scenarios[i], run_cancels, "cancels");
    if (!only) {
        printf("%lu cases, %lu wrong, %lu beyond knowing; outcomes:", t.next, t.failed, t.beyond);
        for (int i = 0; i <= VOUCH_OUTCOME_NOT_ATOMIC; i++)
            printf(" %s %lu", vouch_tx_outcome_name((vouch_tx_outcome)i), t.outcomes[i]);
        printf("\n");
    }
    if (only && *only && t.only >= t.next) {
        printf("there is no case %lu\n", t.only);
        return 1;
    }
    return t.failed || (!only && t.next < 10000);
}
