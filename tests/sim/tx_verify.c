/* What was reported against what happened. */
#include "tx_sim.h"

#include <string.h>

static uint32_t bit(vouch_tx_outcome o)
{
    return UINT32_C(1) << o;
}

static bool is_in(vouch_tx_outcome o, uint32_t set)
{
    return bit(o) & set;
}

#define RAN (bit(VOUCH_OUTCOME_COMMITTED) | bit(VOUCH_OUTCOME_ERRORS) | bit(VOUCH_OUTCOME_SETTLED))
#define YES (RAN | bit(VOUCH_OUTCOME_ALREADY))
#define NO                                                                                         \
    (bit(VOUCH_OUTCOME_CONFLICT) | bit(VOUCH_OUTCOME_REFUSED_QUEUEING) |                           \
     bit(VOUCH_OUTCOME_REFUSED_EXEC) | bit(VOUCH_OUTCOME_CANCELLED) | bit(VOUCH_OUTCOME_NOT_SENT))

static bool is_marked(const struct tx_scenario *c)
{
    return c->resolve || c->token;
}

/* ---- what the wires show -------------------------------------------------------------------- */

static void look_at_wire(const struct sim_wire *w, const struct tx_session *x, struct tx_doubts *d)
{
    struct tx_words words;
    bool inside = false, multi_answered = false, answered = true, greeted = false;
    size_t behind = 0, size;
    for (size_t k = 0, at = 0; at < w->accepted.size; k++, at += size) {
        size = tx_parse(w->accepted.at + at, w->accepted.size - at, &words);
        if (size == 0)
            break;
        bool before = answered;
        answered = k < x->replies && x->reply_end[k] <= w->returned;
        if (tx_word_is(words.at[0], "MULTI")) {
            inside = true;
            multi_answered = answered;
            behind = 0;
            d->early = d->early || (greeted && !before);
        } else if (tx_word_is(words.at[0], "DISCARD")) {
            inside = false;
            greeted = true;
        } else if (tx_word_is(words.at[0], "EXEC")) {
            d->exec = d->exec || !answered;
            inside = false;
        } else {
            behind++;
        }
    }
    d->loose = d->loose || (inside && !multi_answered && behind);
}

struct tx_doubts tx_look(const struct tx_sim *s, const struct tx_run *r)
{
    struct tx_doubts d = {false, false, false};
    for (int i = r->first_wire; i < r->last_wire; i++)
        look_at_wire(&s->wires[i], &s->sessions[i], &d);
    return d;
}

/* Stalls that took place: the client's time runs out over each. */
static unsigned stalls(const struct tx_sim *s, const struct tx_run *r)
{
    unsigned n = 0;
    for (int i = r->first_wire; i < r->last_wire; i++) {
        const struct sim_wire *w = &s->wires[i];
        n += (w->fault.kind == SIM_SERVER_STALL && w->accepted.size > w->fault.at) ||
             (w->fault.kind == SIM_CLIENT_STALL && s->sessions[i].out.size > w->fault.at);
    }
    return n;
}

static bool is_troubled(const struct tx_sim *s)
{
    return s->with.extra[1].command || s->with.scenario->unsure;
}

/* Commands ran outside of EXEC, and nothing could tell the client: MULTI was sent while it was allowed, or
 * seemed to be, and denied when it arrived. Only `strict` keeps that from happening. But what ran before
 * an EXEC did, its attempt could have known by the marker. */
static bool is_beyond_knowing(const struct tx_sim *s, int k)
{
    const struct tx_run *r = &s->runs[k];
    bool told = r->outcome == VOUCH_OUTCOME_NOT_ATOMIC || r->outcome == VOUCH_OUTCOME_UNKNOWN ||
                s->with.scenario->strict;
    for (int i = r->last_wire - 1; i > r->first_wire && !told; i--)
        told = s->sessions[i].multi_denied && s->wires[i].returned;
    return !told && is_troubled(s) && s->server.truth.loose[k][0] && !s->server.truth.again;
}

bool tx_is_beyond_knowing(const struct tx_sim *s)
{
    for (int k = 0; k < s->run_count; k++)
        if (is_beyond_knowing(s, k))
            return true;
    return false;
}

/* ---- effects -------------------------------------------------------------------------------- */

static const char *verify_count(const struct tx_sim *s, int k, size_t i)
{
    const struct tx_run *r = &s->runs[k];
    unsigned ran = s->server.truth.executed[k][i], failed = s->server.truth.failed[k][i];
    if (ran + failed > 1)
        return "applied twice";
    if (!r->started)
        return ran + failed ? "applied by a run that was not begun" : NULL;
    if (is_in(r->outcome, RAN) && ran + failed != 1)
        return "said to be committed, but was not";
    if (is_in(r->outcome, RAN) && s->server.truth.loose[k][i])
        return "said to be committed, but ran outside of EXEC";
    if (is_in(r->outcome, NO) && ran + failed)
        return "said not to be applied, but was";
    if (r->outcome == VOUCH_OUTCOME_ALREADY && ran + failed)
        return "said to have been committed by somebody else, but ran";
    if (r->outcome == VOUCH_OUTCOME_COMMITTED && failed && r->status == VOUCH_OK)
        return "a command failed, and all is said to be well";
    return NULL;
}

static const char *verify_result(const struct tx_sim *s, int k, size_t i)
{
    const struct tx_run *r = &s->runs[k];
    const vouch_result *v = &r->results[i];
    unsigned ran = s->server.truth.executed[k][i];
    bool whole = r->outcome == VOUCH_OUTCOME_COMMITTED || r->outcome == VOUCH_OUTCOME_ERRORS;
    if (v->effect == VOUCH_APPLIED && ran != 1)
        return "a command is APPLIED that did not run";
    if (v->effect == VOUCH_NOT_APPLIED && ran)
        return "a command is NOT_APPLIED that ran";
    if (v->effect > VOUCH_APPLIED)
        return "no such effect of a command";
    if (is_in(r->outcome, NO) && v->effect != VOUCH_NOT_APPLIED)
        return "not applied, with a command that may be";
    if (r->outcome == VOUCH_OUTCOME_COMMITTED && r->status == VOUCH_OK &&
        v->effect != VOUCH_APPLIED)
        return "committed, with a command that may not be";
    if (v->status == VOUCH_OK && whole && !r->has_reply[i])
        return "a reply is missing";
    if (v->status == VOUCH_OK && r->has_number[i] && r->numbers[i] != s->server.truth.reply[k][i])
        return "a reply is another command's";
    if (r->outcome == VOUCH_OUTCOME_UNKNOWN && v->effect == VOUCH_APPLIED)
        return "UNKNOWN with a command that is known to be applied";
    return NULL;
}

/* All or nothing, but for what is reported as not atomic, or may be. */
static const char *verify_whole(const struct tx_sim *s, int k, size_t n)
{
    const struct tx_truth *t = &s->server.truth;
    for (size_t i = 1; i < n; i++)
        if (t->executed[k][i] + t->failed[k][i] != t->executed[k][0] + t->failed[k][0] &&
            s->runs[k].outcome != VOUCH_OUTCOME_NOT_ATOMIC &&
            s->runs[k].outcome != VOUCH_OUTCOME_UNKNOWN)
            return "applied in part";
    return NULL;
}

/* With a token: once, whoever it was. */
static const char *verify_token(const struct tx_sim *s)
{
    unsigned ran = s->server.truth.used;
    bool yes = false, loose = false;
    if (!s->with.scenario->token || tx_body_size(s->with.scenario) == 0)
        return NULL;
    for (int k = 0; k < s->run_count; k++) {
        ran += s->server.truth.executed[k][0];
        yes = yes || is_in(s->runs[k].outcome, YES);
        /* It is used by the marker alone; of the commands that run told. */
        loose = loose || s->runs[k].outcome == VOUCH_OUTCOME_NOT_ATOMIC;
    }
    if (ran > 1)
        return "a token was committed twice";
    return yes && ran == 0 && !loose ? "a token is said to be committed, and is not" : NULL;
}

const char *tx_verify_effects(const struct tx_sim *s)
{
    const char *wrong = s->failure;
    size_t n = tx_body_size(s->with.scenario);
    if (tx_is_beyond_knowing(s))
        return wrong;
    for (int k = 0; k < s->run_count && !wrong; k++) {
        for (size_t i = 0; i < n && !wrong; i++)
            wrong = verify_count(s, k, i);
        for (size_t i = 0; i < s->runs[k].count && i < n && !wrong; i++)
            wrong = verify_result(s, k, i);
        if (!wrong && s->runs[k].count && s->runs[k].count != n)
            wrong = "not as many results as commands";
        if (!wrong)
            wrong = verify_whole(s, k, n);
    }
    if (!wrong && s->server.truth.stale)
        wrong = "what was read had changed before it was written";
    return wrong ? wrong : verify_token(s);
}

/* ---- status, as include/vouch/transaction.h has it ------------------------------------------ */

/* The connection that committed, or from which a doubt was settled, was there to the end. */
static bool can_count_copies(const struct tx_sim *s, const struct tx_run *r)
{
    bool calm = s->with.faults[1].kind == SIM_NONE && !s->with.cancel_at && s->run_count == 1;
    return calm && (s->with.faults[0].kind == SIM_NONE || r->outcome == VOUCH_OUTCOME_SETTLED);
}

static const char *verify_status(const struct tx_sim *s, const struct tx_run *r)
{
    const struct tx_scenario *c = s->with.scenario;
    static const struct {
        vouch_status status;
        vouch_effect effect;
    } table[] = {
        [VOUCH_OUTCOME_UNKNOWN] = {VOUCH_EUNKNOWN, VOUCH_MAYBE_APPLIED},
        [VOUCH_OUTCOME_COMMITTED] = {VOUCH_OK, VOUCH_APPLIED},
        [VOUCH_OUTCOME_ERRORS] = {VOUCH_EPARTIAL, VOUCH_PARTLY_APPLIED},
        [VOUCH_OUTCOME_SETTLED] = {VOUCH_OK, VOUCH_APPLIED},
        [VOUCH_OUTCOME_ALREADY] = {VOUCH_OK, VOUCH_APPLIED},
        [VOUCH_OUTCOME_CONFLICT] = {VOUCH_ECONFLICT, VOUCH_NOT_APPLIED},
        [VOUCH_OUTCOME_REFUSED_QUEUEING] = {VOUCH_ESERVER, VOUCH_NOT_APPLIED},
        [VOUCH_OUTCOME_REFUSED_EXEC] = {VOUCH_ESERVER, VOUCH_NOT_APPLIED},
        [VOUCH_OUTCOME_CANCELLED] = {VOUCH_ECANCELLED, VOUCH_NOT_APPLIED},
        [VOUCH_OUTCOME_NOT_SENT] = {VOUCH_ENOTSENT, VOUCH_NOT_APPLIED},
        [VOUCH_OUTCOME_NOT_ATOMIC] = {VOUCH_ENOTATOMIC, VOUCH_APPLIED},
    };
    vouch_status want = table[r->outcome].status;
    bool lacks = want == VOUCH_OK && c->copies && r->copies < (int64_t)c->copies;
    bool cancelled = r->outcome == VOUCH_OUTCOME_NOT_SENT && s->with.cancel_at;
    if (cancelled && r->status == VOUCH_ECANCELLED)
        want = VOUCH_ECANCELLED;
    if (r->status != (lacks ? VOUCH_ECOPIES : want))
        return "the status does not fit the outcome";
    if (lacks && r->copies < 0 && can_count_copies(s, r))
        return "nobody disturbed it, and it does not know how many copies there are";
    if (r->copies > (int64_t)c->replicas)
        return "more copies are reported than there are";
    if (r->error.status != r->status)
        return "status and error differ";
    if (r->status == VOUCH_OK || r->outcome == VOUCH_OUTCOME_NOT_ATOMIC)
        return NULL;
    bool maybe = false; /* of a script nobody knows whether it ran */
    for (size_t i = 0; i < r->count && r->outcome == VOUCH_OUTCOME_ERRORS; i++)
        maybe = maybe || r->results[i].effect == VOUCH_MAYBE_APPLIED;
    if (r->error.effect != (maybe ? VOUCH_MAYBE_APPLIED : table[r->outcome].effect))
        return "the effect does not fit the outcome";
    if (maybe && !strchr(c->body, 'Z'))
        return "a maybe, though it could be known";
    if (r->error.retriable && r->error.effect != VOUCH_NOT_APPLIED && !c->token)
        return "it may be run again, though it may have been applied";
    return r->error.message[0] ? NULL : "no words";
}

/* ---- doubts --------------------------------------------------------------------------------- */

/* UNKNOWN is what nobody could know, and nothing else. */
static const char *verify_doubt(const struct tx_sim *s, const struct tx_run *r)
{
    const struct tx_scenario *c = s->with.scenario;
    struct tx_doubts d = r->doubts;
    bool unknown = r->outcome == VOUCH_OUTCOME_UNKNOWN;
    if (d.early)
        return "MULTI went out before the answers to what was watched and read";
    if (c->strict && d.loose)
        return "strict, and commands went out before MULTI was answered";
    if (unknown && !d.exec && !d.loose)
        return "UNKNOWN, though it could be known";
    if (is_troubled(s))
        return NULL;
    if (!is_marked(c)) {
        if (!unknown && (d.exec || d.loose))
            return "not UNKNOWN, though nobody could know";
        if (unknown && !d.exec && r->error.cause != VOUCH_CAUSE_MULTI)
            return "UNKNOWN for the sake of MULTI, and it does not say so";
    } else if (unknown && !s->with.cancel_at && (stalls(s, r) < 2 || r->ended < r->deadline)) {
        return "UNKNOWN in spite of a marker";
    }
    return NULL;
}

/* Nothing is given up without a reason. */
static const char *verify_diligence(const struct tx_sim *s, int k)
{
    const struct tx_scenario *c = s->with.scenario;
    const struct tx_run *r = &s->runs[k];
    uint32_t allowed = bit(c->expect) | c->may | bit(VOUCH_OUTCOME_UNKNOWN);
    if (stalls(s, r) || s->with.cancel_at)
        allowed |= bit(VOUCH_OUTCOME_NOT_SENT);
    if (is_marked(c) && (c->expect == VOUCH_OUTCOME_COMMITTED || c->expect == VOUCH_OUTCOME_ERRORS))
        allowed |= bit(VOUCH_OUTCOME_SETTLED);
    if (k && s->server.truth.executed[0][0])
        allowed = bit(VOUCH_OUTCOME_ALREADY) | (allowed & (NO | bit(VOUCH_OUTCOME_UNKNOWN)));
    if (s->with.extra[1].command || is_in(r->outcome, allowed))
        return NULL;
    return "given up, or ended otherwise, without a reason";
}

/* ---- counters and time ---------------------------------------------------------------------- */

static const char *verify_results_counted(const struct tx_run *r)
{
    const vouch_stats *n = &r->stats;
    uint64_t effects[3] = {0, 0, 0};
    for (size_t i = 0; i < r->count; i++)
        effects[r->results[i].effect]++;
    if (n->applied != effects[VOUCH_APPLIED] || n->not_applied != effects[VOUCH_NOT_APPLIED] ||
        n->maybe != effects[VOUCH_MAYBE_APPLIED])
        return "the counters are not the results";
    if (n->committed != is_in(r->outcome, YES))
        return "committed is not what was";
    if (n->conflicts != r->conflicts)
        return "conflicts are not those of the result";
    if (r->outcome == VOUCH_OUTCOME_SETTLED && !n->settled)
        return "settled is not counted";
    if (n->settled && r->outcome == VOUCH_OUTCOME_UNKNOWN)
        return "UNKNOWN counts as settled";
    if (r->told[VOUCH_EVENT_SETTLED] != n->settled)
        return "SETTLED was not told once";
    if (r->told[VOUCH_EVENT_MAYBE] != (r->outcome == VOUCH_OUTCOME_UNKNOWN))
        return "MAYBE was not told once";
    return NULL;
}

static const char *verify_wires_counted(const struct tx_sim *s, const struct tx_run *r)
{
    const vouch_stats *n = &r->stats;
    uint64_t out = 0, in = 0;
    for (int i = r->first_wire; i < r->last_wire; i++) {
        out += s->wires[i].accepted.size;
        in += s->wires[i].returned;
    }
    if (n->bytes_out != out || n->bytes_in != in)
        return "bytes are not what passed";
    if (n->connects != n->connections + n->lost + n->lost_idle + n->given_up)
        return "connections came or went uncounted";
    return NULL;
}

static const char *verify_trips(const struct tx_sim *s, const struct tx_run *r)
{
    const struct tx_scenario *c = s->with.scenario;
    uint64_t want = c->trips == TX_NO_TRIP ? 0 : c->trips;
    if (!c->trips || s->with.faults[0].kind != SIM_NONE || s->with.extra[1].command ||
        s->with.cancel_at)
        return NULL;
    return r->stats.round_trips == want ? NULL : "not the round trips that it should take";
}

static const char *verify_run(const struct tx_sim *s, int k)
{
    const struct tx_run *r = &s->runs[k];
    const char *wrong = verify_status(s, r);
    if (!wrong)
        wrong = verify_doubt(s, r);
    if (!wrong)
        wrong = verify_diligence(s, k);
    if (!wrong)
        wrong = verify_results_counted(r);
    if (!wrong)
        wrong = verify_wires_counted(s, r);
    if (!wrong)
        wrong = verify_trips(s, r);
    if (!wrong && r->ended > r->deadline)
        wrong = "it took longer than its deadline";
    return wrong;
}

const char *tx_verify(const struct tx_sim *s)
{
    const char *wrong = tx_verify_effects(s);
    for (int k = 0; k < s->run_count && !wrong; k++)
        wrong = verify_run(s, k);
    return wrong;
}
