/* What was reported against what happened. */
#include "command/slot.h"
#include "sim.h"

#include <stdio.h>
#include <string.h>

static char kind_of(const struct sim *s, size_t i)
{
    return s->scenario->commands[i];
}

static bool writes(char kind)
{
    return kind == 'I' || kind == 'L' || kind == 'S' || kind == 'N' || kind == 'D';
}

static bool has_stall(const struct sim *s)
{
    for (int i = 0; i < 2; i++)
        if (s->faults[i].kind == SIM_SERVER_STALL || s->faults[i].kind == SIM_CLIENT_STALL)
            return true;
    return false;
}

/* How often the kernel took command i whole; *unanswered: at least once without its reply having
 * come back whole. */
static unsigned handed(const struct sim *s, size_t i, bool *unanswered)
{
    unsigned times = 0;
    *unanswered = false;
    for (int k = 0; k < s->wire_count; k++) {
        const struct sim_wire *w = &s->wires[k];
        const struct sim_session *session = &s->sessions[k];
        size_t at = 0, size, position = 0;
        const char *name;
        size_t name_size;
        int command;
        for (; at < w->accepted.size; at += size) {
            size =
                sim_parse(w->accepted.at + at, w->accepted.size - at, &name, &name_size, &command);
            if (size == 0)
                break;
            if (command < 0)
                continue;
            if ((size_t)command == i) {
                times++;
                if (position >= session->replies || session->reply_end[position] > w->returned)
                    *unanswered = true;
            }
            position++;
        }
    }
    return times;
}

static const char *verify_command(const struct sim *s, size_t i)
{
    const vouch_result *r = &s->results[i];
    unsigned ran = s->truth.executed[i];
    bool unanswered, twice_ok = s->scenario->idempotent;
    unsigned times = handed(s, i, &unanswered);
    if (!r->reserved)
        return "no final result";
    if (ran > 1 && !twice_ok)
        return "executed twice";
    if (r->effect == VOUCH_NOT_APPLIED && ran)
        return "NOT_APPLIED, but executed";
    if (r->effect == VOUCH_APPLIED && writes(kind_of(s, i)) && !ran)
        return "APPLIED, but not executed";
    if (kind_of(s, i) == 'F' && r->effect == VOUCH_APPLIED)
        return "a forged answer is said to be a result";
    /* A question that was lost with its connection is not asked on another; and what it finds there may
     * have been loaded since. */
    bool vague = s->faults[0].kind != SIM_NONE || s->scenario->flush_once || s->scenario->refuse_to;
    bool asked = kind_of(s, i) == 'F' || (kind_of(s, i) == 'D' && vague);
    if (r->effect == VOUCH_MAYBE_APPLIED && !unanswered && r->status != VOUCH_ENOMEM && !asked)
        return "MAYBE, though it could be known";
    if (r->effect != VOUCH_APPLIED && r->effect != VOUCH_NOT_APPLIED &&
        r->effect != VOUCH_MAYBE_APPLIED)
        return "no such effect of a command";
    if (r->attempts != times)
        return "attempts is not how often it was handed over";
    if (kind_of(s, i) == 'L' && r->effect == VOUCH_APPLIED && r->status != VOUCH_ETOOLARGE &&
        r->status != VOUCH_ENOMEM)
        return "a reply over the limit was not said to be";
    if (kind_of(s, i) == 'B' && r->effect == VOUCH_APPLIED)
        return "a refused command is said to be applied";
    return NULL;
}

static size_t node_of(const struct sim *s, size_t i)
{
    char key[32];
    int n = snprintf(key, sizeof key, "%zu.k%zu", i * 7919 % 97, i);
    return core_node_of(&s->core, slot_of(key, (size_t)n));
}

/* The writes of a node took effect in the order of the batch, unless what moved is flagged. */
static const char *verify_order(const struct sim *s)
{
    const struct sim_truth *t = &s->truth;
    for (size_t a = 0; a < t->log_count; a++)
        for (size_t b = a + 1; b < t->log_count; b++) {
            size_t i = (size_t)t->log[a], j = (size_t)t->log[b];
            if (j >= i || node_of(s, i) != node_of(s, j))
                continue;
            if (!s->scenario->reorder_ok)
                return "executed out of order";
            if (!s->results[i].moved && !s->results[j].moved)
                return "executed out of order and not flagged";
        }
    return NULL;
}

/* Nothing is held back without the order rule, or a deadline, asking for it. */
static const char *verify_diligence(const struct sim *s)
{
    for (size_t i = 0; i < s->count; i++) {
        const vouch_result *r = &s->results[i];
        if (r->status != VOUCH_ENOTSENT)
            continue;
        bool in_time = r->cause != VOUCH_CAUSE_DEADLINE && r->cause != VOUCH_CAUSE_STALLED;
        if (!in_time && has_stall(s))
            continue;
        if (r->cause != VOUCH_CAUSE_ORDER)
            return "not sent, though there was a connection";
        if (s->scenario->reorder_ok)
            return "held back for the order's sake in spite of reorder_ok";
        bool why = false;
        for (size_t j = 0; j < i; j++)
            why = why || (node_of(s, j) == node_of(s, i) &&
                          (s->results[j].effect == VOUCH_MAYBE_APPLIED ||
                           (s->results[j].status == VOUCH_ESERVER && kind_of(s, j) != 'B')));
        if (!why)
            return "held back without reason";
    }
    return NULL;
}

/* Where everything may be sent again, nothing stays in doubt. */
static const char *verify_certainty(const struct sim *s)
{
    bool reads = strspn(s->scenario->commands, "GB") == strlen(s->scenario->commands) &&
                 !strchr(s->scenario->commands, 'B');
    if (has_stall(s) || !(reads || s->scenario->idempotent))
        return NULL;
    for (size_t i = 0; i < s->count; i++)
        if (s->results[i].effect == VOUCH_MAYBE_APPLIED)
            return "MAYBE, though it may be sent again";
    return NULL;
}

static const char *verify_status(const struct sim *s)
{
    bool maybe = false, unsent = false, error = false;
    for (size_t i = 0; i < s->count; i++) {
        maybe = maybe || s->results[i].effect == VOUCH_MAYBE_APPLIED;
        unsent = unsent || s->results[i].status == VOUCH_ENOTSENT;
        error = error || s->results[i].status != VOUCH_OK;
    }
    vouch_status want = maybe    ? VOUCH_EUNKNOWN
                        : unsent ? VOUCH_ENOTSENT
                        : error  ? VOUCH_EPARTIAL
                                 : VOUCH_OK;
    if (s->status == want)
        return NULL;
    /* The deadline came after the last command was settled, or stopped a stream between two. */
    if (has_stall(s) && s->status == VOUCH_ENOTSENT && !maybe)
        return NULL;
    return "the status of the whole does not fit its commands";
}

/* ---- counters and events against results ---------------------------------------------------- */

static const char *verify_bytes(const struct sim *s, const vouch_stats *n)
{
    uint64_t out = 0, in = 0;
    for (int i = 0; i < s->wire_count; i++) {
        out += s->wires[i].accepted.size;
        in += s->wires[i].returned;
    }
    return n->bytes_out == out && n->bytes_in == in ? NULL : "bytes are not what passed";
}

/* Undisturbed and within the window a batch is one round trip for each server. */
static const char *verify_round_trips(const struct sim *s, const vouch_stats *n)
{
    const struct sim_scenario *c = s->scenario;
    uint64_t answered = 0;
    for (size_t i = 0; i < VOUCH_LATENCY_BUCKETS; i++)
        answered += n->latency[i];
    if (answered > n->round_trips)
        return "more answers than round trips";
    if (n->connects == 0 && n->round_trips)
        return "a handshake is counted as a round trip";
    bool calm = s->faults[0].kind == SIM_NONE && !c->refuse_to && !c->flush_once &&
                !strchr(c->commands, 'F');
    if (!calm || s->count > c->window || s->count > LANE_LOADS_MAX || c->stream || c->neighbour)
        return NULL;
    bool used[3] = {false, false, false};
    size_t nodes = 0;
    for (size_t i = 0; i < s->count; i++)
        used[node_of(s, i)] = true;
    for (size_t i = 0; i < 3; i++)
        nodes += used[i];
    if (n->round_trips != nodes || answered != nodes)
        return "a batch is not one round trip";
    return NULL;
}

static const char *verify_events(const struct sim *s, const vouch_stats *n)
{
    const struct sim_observed *o = &s->observed;
    const uint64_t *commands = o->commands;
    bool refusals = s->scenario->refuse_to || s->scenario->flush_once;
    if (o->kinds[VOUCH_EVENT_CONNECTED] != n->connects ||
        o->kinds[VOUCH_EVENT_LOST] != n->lost + n->lost_idle ||
        o->kinds[VOUCH_EVENT_UNREACHABLE] != n->connect_failures)
        return "events of connections are not as many as were counted";
    if (commands[VOUCH_EVENT_MAYBE] != n->maybe)
        return "MAYBE was not told once of every such command";
    if (commands[VOUCH_EVENT_RETRIED] + commands[VOUCH_EVENT_WAITED] < n->retries)
        return "not told of all that was sent again";
    if (!refusals && commands[VOUCH_EVENT_RETRIED] > commands[VOUCH_EVENT_LOST] - o->lost_maybe)
        return "what was not in doubt is told to go again";
    return NULL;
}

static const char *verify_counters(const struct sim *s)
{
    const struct sim_observed *o = &s->observed;
    vouch_stats n = VOUCH_STATS_INIT;
    observe_stats(&s->core, &n);
    if (n.commands != o->results.commands || n.applied != o->results.applied ||
        n.not_applied != o->results.not_applied || n.maybe != o->results.maybe ||
        n.errors != o->results.errors)
        return "the counters are not the results";
    if (n.retries != o->retries)
        return "retries are not what was handed over again";
    if (n.connects != n.connections + n.lost + n.lost_idle + n.given_up)
        return "connections came or went uncounted";
    const char *wrong = verify_bytes(s, &n);
    if (!wrong)
        wrong = verify_round_trips(s, &n);
    return wrong ? wrong : verify_events(s, &n);
}

const char *sim_verify_effects(const struct sim *s)
{
    const char *wrong = s->failure;
    for (size_t i = 0; !wrong && i < s->count; i++)
        wrong = verify_command(s, i);
    if (!wrong && !s->scenario->idempotent)
        wrong = verify_order(s);
    return wrong;
}

const char *sim_verify(struct sim *s)
{
    const char *wrong = sim_verify_effects(s);
    if (!wrong)
        wrong = verify_diligence(s);
    if (!wrong)
        wrong = verify_certainty(s);
    if (!wrong)
        wrong = verify_counters(s);
    return wrong ? wrong : verify_status(s);
}
