/* What a run tells: status, effect and words to its caller, counts and events to the client. Pure, but
 * for the hook. */
#include "base/error.h"
#include "commit/commit.h"

#include <string.h>

/* ---- to the caller -------------------------------------------------------------------------- */

struct totals {
    size_t applied, not_applied, maybe, errors;
};

static struct totals count(const vouch_tx_result *r)
{
    struct totals t = {0};
    for (size_t i = 0; i < r->count; i++) {
        t.applied += r->results[i].effect == VOUCH_APPLIED;
        t.not_applied += r->results[i].effect == VOUCH_NOT_APPLIED;
        t.maybe += r->results[i].effect == VOUCH_MAYBE_APPLIED;
        t.errors += r->results[i].status == VOUCH_ESERVER;
    }
    return t;
}

static vouch_effect effect_of(const struct commit *c)
{
    struct totals t = count(c->result);
    switch (c->end.outcome) {
    case VOUCH_OUTCOME_COMMITTED:
    case VOUCH_OUTCOME_SETTLED:
    case VOUCH_OUTCOME_ALREADY:
        return VOUCH_APPLIED;
    case VOUCH_OUTCOME_ERRORS:
        return t.maybe ? VOUCH_MAYBE_APPLIED : VOUCH_PARTLY_APPLIED;
    case VOUCH_OUTCOME_NOT_ATOMIC:
        return t.maybe ? VOUCH_MAYBE_APPLIED : t.not_applied ? VOUCH_PARTLY_APPLIED : VOUCH_APPLIED;
    case VOUCH_OUTCOME_UNKNOWN:
        return VOUCH_MAYBE_APPLIED;
    case VOUCH_OUTCOME_CONFLICT:
    case VOUCH_OUTCOME_REFUSED_QUEUEING:
    case VOUCH_OUTCOME_REFUSED_EXEC:
    case VOUCH_OUTCOME_CANCELLED:
    case VOUCH_OUTCOME_NOT_SENT:
    case VOUCH_OUTCOME_LAST_:
        break;
    }
    return VOUCH_NOT_APPLIED;
}

/* Committed, and the copies that were asked for are not known to have it. */
static bool lacks_copies(const struct commit *c)
{
    bool yes = c->end.outcome == VOUCH_OUTCOME_COMMITTED ||
               c->end.outcome == VOUCH_OUTCOME_SETTLED || c->end.outcome == VOUCH_OUTCOME_ALREADY;
    return yes && c->end.status == VOUCH_OK && (c->policy.copies || c->policy.fsync) && !c->copied;
}

static vouch_status report_copies(const struct commit *c, vouch_error *error)
{
    const char *words = c->end.message[0] ? c->end.message : "";
    if (c->result->copies < 0)
        (void)error_set(error, VOUCH_ECOPIES, VOUCH_CAUSE_COPIES,
                        "committed, but not known on how many copies: %s",
                        words[0] ? words : "no answer in time");
    else
        (void)error_set(error, VOUCH_ECOPIES, VOUCH_CAUSE_COPIES,
                        "committed, but on %lld replicas instead of %u%s",
                        (long long)c->result->copies, c->policy.copies,
                        c->policy.fsync ? ", or not in the server's append-only file" : "");
    if (error)
        error->effect = VOUCH_APPLIED;
    return VOUCH_ECOPIES;
}

vouch_status commit_report(const struct commit *c, vouch_error *error)
{
    const struct commit_end *e = &c->end;
    if (lacks_copies(c))
        return report_copies(c, error);
    if (e->status == VOUCH_OK) {
        error_clear(error);
        return VOUCH_OK;
    }
    (void)error_set(error, e->status, e->cause, "%s", e->message);
    if (!error)
        return e->status;
    error->command = e->command;
    memcpy(error->code, e->code, sizeof error->code);
    error->effect = effect_of(c);
    /* A token may be used again: it is committed once at most. */
    bool safe = error->effect == VOUCH_NOT_APPLIED ||
                (c->marker.named && e->outcome == VOUCH_OUTCOME_UNKNOWN);
    error->retriable = safe && e->status != VOUCH_EINVAL && e->status != VOUCH_ELIMIT;
    return e->status;
}

/* ---- to the client -------------------------------------------------------------------------- */

static void tell(struct commit *c, vouch_event e)
{
    const struct lane_failure *f = &c->lane.failure;
    if (c->lane.link)
        e.server = c->lane.link->server;
    bool same = f->cause == e.cause && f->message[0];
    if (!e.message) {
        e.message = same ? f->message : vouch_cause_sentence(e.cause);
        e.code = same ? f->code : NULL;
    }
    observe_tell(c->lane.core, e);
}

void commit_tell(struct commit *c)
{
    vouch_event_kind kind = c->news.kind;
    if (!kind)
        return;
    c->news.kind = 0;
    tell(c, (vouch_event){.kind = kind,
                          .cause = c->news.cause,
                          .commands = c->result->count,
                          .wait_ms = observe_ms(c->news.wait_us)});
}

void commit_tell_over(struct commit *c)
{
    vouch_stats *counts = &c->lane.core->counts;
    struct totals t = count(c->result);
    counts->applied += t.applied;
    counts->not_applied += t.not_applied;
    counts->maybe += t.maybe;
    counts->errors += t.errors;
    counts->committed += c->end.outcome != VOUCH_OUTCOME_NOT_ATOMIC &&
                         (effect_of(c) == VOUCH_APPLIED || c->end.outcome == VOUCH_OUTCOME_ERRORS);
    counts->settled += c->was_settled;
    commit_tell(c);
    if (c->end.outcome == VOUCH_OUTCOME_UNKNOWN)
        tell(c, (vouch_event){.kind = VOUCH_EVENT_MAYBE,
                              .cause = c->end.cause,
                              .commands = t.maybe,
                              .message = c->end.message});
    else if (c->was_settled)
        tell(c, (vouch_event){.kind = VOUCH_EVENT_SETTLED,
                              .commands = c->result->count,
                              .message = effect_of(c) == VOUCH_NOT_APPLIED
                                             ? "a doubt was settled: not applied"
                                             : "a doubt was settled: committed"});
}
