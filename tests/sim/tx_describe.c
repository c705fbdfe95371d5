/* A case in words. */
#include "tx_sim.h"

#include <stdio.h>

static const char *const kind_names[SIM_KINDS] = {"nothing",
                                                  "the client's kernel takes only",
                                                  "the server gets only",
                                                  "late at the server, but",
                                                  "stalls at the server after",
                                                  "the client gets only",
                                                  "stalls at the client after"};

static void describe_knob(const struct tx_knob *k)
{
    if (k->action == TX_RELEASE)
        printf("  late bytes arrive %s %s\n",
               !k->command ? "at"
               : k->after  ? "after"
                           : "before",
               k->command ? k->command : "the very end");
    else if (k->command)
        printf("  %s %s %u: trouble %d %s\n", k->after ? "after" : "before", k->command, k->from,
               (int)k->action, k->what ? k->what : "");
}

static void describe_run(const struct tx_sim *s, int k)
{
    const struct tx_run *r = &s->runs[k];
    const struct tx_truth *t = &s->server.truth;
    printf("  run %d: %s %s, effect %s, cause %d: %s\n", k, vouch_tx_outcome_name(r->outcome),
           vouch_status_name(r->status), vouch_effect_name(r->error.effect), (int)r->error.cause,
           r->error.message);
    printf("    %u attempts, %u conflicts, copies %lld, round trips %llu, settled %llu; "
           "ended %lld us before its deadline; connections %d to %d\n",
           r->attempts, r->conflicts, (long long)r->copies,
           (unsigned long long)r->stats.round_trips, (unsigned long long)r->stats.settled,
           (long long)(r->deadline - r->ended), r->first_wire, r->last_wire - 1);
    for (size_t i = 0; i < tx_body_size(s->with.scenario); i++)
        printf("    %2zu %-12s %-13s executed %u (loose %u), failed %u\n", i,
               i < r->count ? vouch_status_name(r->results[i].status) : "-",
               i < r->count ? vouch_effect_name(r->results[i].effect) : "-", t->executed[k][i],
               t->loose[k][i], t->failed[k][i]);
}

void tx_describe(const struct tx_sim *s, const char *wrong)
{
    printf("\"%s\" (%s): %s\n", s->with.scenario->name, s->with.scenario->body,
           wrong ? wrong : "as it should be");
    for (int i = 0; i < 2; i++)
        if (s->with.faults[i].kind != SIM_NONE)
            printf("  connection %d: %s %zu bytes\n", s->with.faults[i].wire,
                   kind_names[s->with.faults[i].kind], s->with.faults[i].at);
    for (int i = 0; i < 2; i++)
        describe_knob(&s->with.extra[i]);
    if (s->with.cancel_at)
        printf("  cancelled in step %d\n", s->with.cancel_at);
    for (int k = 0; k < s->run_count; k++)
        describe_run(s, k);
}
