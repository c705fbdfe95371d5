/* Who is told, and what the call says in which they were. Pure, but for the caller's callbacks. May
 * call base, command, and the pipeline's results.
 *
 * Invariant: each receiver of a load is called once, in order; and only here. */
#include "collector/collector.h"

#include "pipeline/results.h"

#include <assert.h>

/* TIME's reply: seconds and microseconds, as text. 0 if it is not that. */
static int64_t server_time(const vouch_result *time)
{
    int64_t seconds = 0, us = 0;
    if (time->status != VOUCH_OK || !vouch_reply_int64(vouch_reply_at(time->reply, 0), &seconds) ||
        !vouch_reply_int64(vouch_reply_at(time->reply, 1), &us))
        return 0;
    if (seconds < 0 || seconds > INT64_MAX / 1000000 - 1 || us < 0 || us >= 1000000)
        return 0;
    return seconds * 1000000 + us;
}

static void count(struct told *t, const vouch_result *r)
{
    if (r->status == VOUCH_OK) {
        t->applied++;
        return;
    }
    t->applied += r->effect == VOUCH_APPLIED;
    t->not_applied += r->effect == VOUCH_NOT_APPLIED;
    t->maybe += r->effect == VOUCH_MAYBE_APPLIED;
    t->unsent += r->status == VOUCH_ENOTSENT;
    t->errors += r->status != VOUCH_OK && r->status != VOUCH_ENOTSENT;
}

static void call(const struct load *l, size_t i, const vouch_result *r, int64_t server_us)
{
    if (l->receivers[i].callback)
        l->receivers[i].callback(r, server_us, l->receivers[i].user);
}

/* Whether the first n left something in doubt, or not executed though the server did not refuse it. */
static bool leaves_gap(const vouch_result *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (v[i].effect == VOUCH_MAYBE_APPLIED || v[i].status == VOUCH_ENOTSENT)
            return true;
    return false;
}

struct told tell_results(struct gather *g, const vouch_results *results)
{
    struct load *l = g->flying;
    const vouch_result *v = results->v + l->lead;
    struct told told = {.commands = l->count};
    assert(results->count == l->lead + l->count);
    int64_t server_us = l->lead ? server_time(results->v) : 0;
    if (g->strict_order && leaves_gap(v, l->count))
        g->held = true;
    for (size_t i = 0; i < l->count; i++) {
        count(&told, &v[i]);
        call(l, i, &v[i], server_us);
    }
    gather_told(g);
    return told;
}

void tell_unsent(struct gather *g, vouch_cause cause)
{
    const vouch_result unsent = {
        .status = VOUCH_ENOTSENT, .effect = VOUCH_NOT_APPLIED, .cause = cause};
    const struct load *l = g->flying;
    for (size_t i = 0; i < l->count; i++)
        call(l, i, &unsent, 0);
    gather_told(g);
}

/* ---- the outcome of a call ------------------------------------------------------------------ */

enum { FINE, PARTIAL, NOT_SENT, ENDED, UNKNOWN };

static int badness(vouch_status status)
{
    if (status == VOUCH_OK)
        return FINE;
    if (status == VOUCH_EPARTIAL)
        return PARTIAL;
    if (status == VOUCH_ENOTSENT)
        return NOT_SENT;
    return status == VOUCH_EUNKNOWN ? UNKNOWN : ENDED;
}

static vouch_status status_of(const vouch_error *error, const struct told *told)
{
    if (told->maybe)
        return VOUCH_EUNKNOWN;
    if (told->unsent && error->cause == VOUCH_CAUSE_INTERRUPTED)
        return VOUCH_EINTERRUPTED;
    if (told->unsent && error->cause == VOUCH_CAUSE_CANCELLED)
        return VOUCH_ECANCELLED;
    if (told->unsent)
        return VOUCH_ENOTSENT;
    return told->errors ? VOUCH_EPARTIAL : VOUCH_OK;
}

static vouch_effect effect_of(const struct told *t)
{
    if (t->maybe)
        return VOUCH_MAYBE_APPLIED;
    if (t->applied == t->commands)
        return VOUCH_APPLIED;
    return t->applied ? VOUCH_PARTLY_APPLIED : VOUCH_NOT_APPLIED;
}

void outcome_add(struct outcome *o, const vouch_error *error)
{
    if (badness(error->status) <= badness(o->status))
        return;
    o->status = error->status;
    *o->error = *error;
    o->error->command = VOUCH_NO_COMMAND;
}

void outcome_add_flush(struct outcome *o, const vouch_error *error, const struct told *told)
{
    vouch_error e = *error;
    e.status = status_of(error, told);
    e.effect = effect_of(told);
    e.retriable = told->applied == 0 && told->maybe == 0;
    outcome_add(o, &e);
}
