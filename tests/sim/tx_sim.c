/* The fake driver of transactions. */
#include "tx_sim.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

/* Steps of a run, after which it counts as stuck. */
#define STEPS_MAX 200000

static void fail(struct tx_sim *s, const char *what)
{
    if (!s->failure)
        s->failure = what;
}

/* ---- wires ---------------------------------------------------------------------------------- */

static struct sim_wire *wire_of(struct tx_sim *s, const struct link *l)
{
    for (int i = 0; i < s->wire_count; i++)
        if (s->wires[i].link == l)
            return &s->wires[i];
    return NULL;
}

static void open_wire(struct tx_sim *s, struct link *l)
{
    if (s->wire_count == TX_SESSIONS_MAX) {
        fail(s, "too many connections: it reconnects for ever");
        link_unreachable(l, VOUCH_CAUSE_CONNECT, true, "no more");
        return;
    }
    struct sim_wire *w = &s->wires[s->wire_count];
    struct tx_session *x = &s->sessions[s->wire_count];
    memset(w, 0, sizeof *w);
    tx_session_init(x, &s->server, s->run);
    for (int i = 0; i < 2; i++)
        if (s->with.faults[i].kind != SIM_NONE && s->with.faults[i].wire == s->wire_count)
            w->fault = s->with.faults[i];
    s->wire_count++;
    sim_wire_open(w, l, (struct sim_far){tx_session_arrive, x, &x->out});
}

/* A wire of a server that has gone down brings nothing there any more. */
static void mark_gone(struct tx_sim *s)
{
    for (int i = 0; i < s->wire_count; i++)
        s->wires[i].server_gone = s->sessions[i].epoch != s->server.epoch;
}

/* One round over all connections. */
static bool move_all(struct tx_sim *s)
{
    bool any = false;
    for (size_t i = 0; i < s->core.link_count; i++) {
        struct link *l = s->core.links[i];
        struct sim_wire *w = wire_of(s, l);
        if (l->close_transport) {
            l->close_transport = false;
            if (w)
                sim_wire_close(w);
            w = NULL;
            any = true;
        }
        if (l->state == LINK_OPENING && !w) {
            open_wire(s, l);
            any = true;
            continue;
        }
        if (w)
            any = sim_wire_move(w, &s->with.scenario->pace) || any;
        mark_gone(s);
    }
    return any;
}

/* What is late on connections that their client has closed. The server calls it. */
static void release(void *user, const struct tx_session *but)
{
    struct tx_sim *s = user;
    for (int i = 0; i < s->wire_count; i++)
        if (!s->wires[i].link && &s->sessions[i] != but && sim_wire_is_late(&s->wires[i]))
            sim_wire_arrive(&s->wires[i], SIZE_MAX);
}

/* ---- running -------------------------------------------------------------------------------- */

static void take_event(const vouch_event *e, void *user)
{
    struct tx_sim *s = user;
    if (!s->core.busy)
        fail(s, "the hook could call the client");
    if (e->kind >= VOUCH_EVENT_CONNECTED && e->kind <= VOUCH_EVENT_SETTLED)
        s->runs[s->run].told[e->kind]++;
    else
        fail(s, "an event of no known kind");
}

/* The time, as the driver tells it. */
static void tell_time(struct tx_sim *s)
{
    s->server.now = s->now;
    s->core.now = s->now;
    if (s->core.uptime_users)
        s->core.uptime = s->now + s->server.skew;
}

/* Turns the crank until the operation is done. */
static void drive(struct tx_sim *s, struct vouch_op *op)
{
    for (int step = 1; !op->done; step++) {
        if (step == STEPS_MAX) {
            fail(s, "stuck: neither done nor waiting");
            op->ops->expire(op, VOUCH_CAUSE_CANCELLED);
            return;
        }
        tell_time(s);
        core_advance(&s->core, s->now);
        if (step == s->with.cancel_at && !op->done) {
            op->ops->expire(op, VOUCH_CAUSE_CANCELLED);
            return;
        }
        if (move_all(s) || op->done)
            continue;
        int64_t wake = core_wake(&s->core);
        if (wake == OP_NEVER)
            fail(s, "nothing moves and nothing is waited for");
        s->now = wake > s->now ? wake : s->now + 1;
    }
}

/* What can still move without waiting does. */
static void come_to_rest(struct tx_sim *s)
{
    for (int step = 0; step < 1000; step++) {
        core_advance(&s->core, s->now);
        if (!move_all(s))
            return;
    }
    fail(s, "never at rest");
}

/* Whoever gets the connection next must not meet what this run left behind. */
static void check_connections(struct tx_sim *s)
{
    for (int i = 0; i < s->wire_count; i++) {
        const struct sim_wire *w = &s->wires[i];
        const struct tx_session *x = &s->sessions[i];
        if (!w->link || w->link->state != LINK_READY)
            continue;
        if (w->link->conn.pending || w->returned != x->out.size || w->arrived != w->accepted.size)
            fail(s, "a connection was left with answers to come");
        if (x->in_multi || x->dirty_exec)
            fail(s, "a connection was left inside MULTI");
        if (x->watched_count || x->dirty_cas)
            fail(s, "a connection was left with WATCH");
        if (w->link->indivisible)
            fail(s, "a connection counts as indivisible for good");
    }
    if (s->core.uptime_users)
        fail(s, "the time since boot is asked for in vain");
}

static bool set_up(struct tx_sim *s)
{
    static const char *const identities[TX_RUNS_MAX] = {"11111111111111111111111111111111",
                                                        "22222222222222222222222222222222"};
    const struct tx_scenario *c = s->with.scenario;
    struct settings set;
    vouch_client_options o = VOUCH_CLIENT_OPTIONS_INIT;
    vouch_error e;
    o.window_commands = c->window ? (uint32_t)c->window : 1000;
    o.reply_max_bytes = c->reply_max;
    o.on_event = take_event;
    o.event_user = s;
    if (settings_read(&set, "redis://:secret@sim/3", &o, &e) != VOUCH_OK)
        return false;
    core_init(&s->core, &set, 42 + (uint64_t)s->run);
    memcpy(s->core.identity, identities[s->run], CORE_IDENTITY_MAX);
    return true;
}

static struct vouch_tx *make(struct tx_sim *s, vouch_error *error)
{
    const struct tx_scenario *c = s->with.scenario;
    vouch_tx_options o = VOUCH_TX_OPTIONS_INIT;
    vouch_retry retry = VOUCH_RETRY_INIT;
    retry.conflicts = c->conflicts;
    retry.outages = c->outages;
    o.resolve = c->resolve;
    o.strict = c->strict;
    o.load_inside = c->load_inside;
    o.copies = c->copies;
    o.token = c->token;
    o.retry = &retry;
    o.marker_ms = c->marker_ms;
    o.deadline_ms = c->deadline_ms ? c->deadline_ms : TX_DEADLINE_MS;
    if (!c->fixed)
        return transaction_new(&s->core, tx_body, &s->with, &o, error);
    vouch_batch *b = tx_batch(c);
    struct vouch_tx *tx = b ? transaction_new_fixed(&s->core, b, &o, error) : NULL;
    vouch_batch_free(b);
    return tx;
}

static void take_result(struct tx_run *r, vouch_tx_result *result)
{
    const vouch_queue_error *q;
    const vouch_exec_error *e;
    if (!result)
        abort(); /* what was begun has a result, however short memory is */
    r->outcome = vouch_tx_result_outcome(result);
    r->count = vouch_tx_result_count(result);
    for (size_t i = 0; i < r->count && i < TX_BODY_MAX; i++) {
        const vouch_reply *reply = vouch_tx_result_reply(result, i);
        r->results[i] = *vouch_tx_result_at(result, i);
        r->has_reply[i] = reply != NULL;
        r->has_number[i] = vouch_reply_int64(reply, &r->numbers[i]);
    }
    r->queue_errors = vouch_tx_queue_errors(result, &q);
    r->exec_errors = vouch_tx_exec_errors(result, &e);
    r->attempts = vouch_tx_result_attempts(result);
    r->conflicts = vouch_tx_result_conflicts(result);
    r->copies = vouch_tx_result_copies(result);
    vouch_tx_result_free(result);
}

static void run(struct tx_sim *s, struct tx_run *r)
{
    vouch_tx_result *result = NULL;
    vouch_error e;
    tell_time(s);
    struct vouch_tx *tx = make(s, &e);
    if (!tx)
        return;
    struct vouch_op *op = &tx->commit.op;
    r->started = true;
    r->deadline = op->deadline;
    if (core_start(&s->core, op, &e) != VOUCH_OK)
        abort();
    drive(s, op);
    r->ended = s->now;
    r->last_wire = s->wire_count;
    r->doubts = tx_look(s, r);
    core_end(&s->core, op);
    r->status = commit_finish(&tx->commit, &result, &r->error);
    take_result(r, result);
    come_to_rest(s);
    r->last_wire = s->wire_count;
    r->stats = (vouch_stats)VOUCH_STATS_INIT;
    observe_stats(&s->core, &r->stats);
    check_connections(s);
}

static void set_server(struct tx_sim *s)
{
    const struct tx_scenario *c = s->with.scenario;
    struct tx_server *v = &s->server;
    tx_server_init(v);
    v->resp2_only = c->resp2_only;
    v->pushes = c->pushes;
    v->reads_are_bases = strchr(c->body, 'u') != NULL;
    v->replicas = c->replicas;
    v->knobs[0] = c->knobs;
    v->knob_count[0] = TX_KNOBS_MAX;
    v->knobs[1] = s->with.extra;
    v->knob_count[1] = 2;
    v->refusals = c->refusals;
    while (v->refusal_count < 2 && c->refusals[v->refusal_count].command)
        v->refusal_count++;
    v->release = release;
    v->user = s;
}

void tx_sim_run(struct tx_sim *s, const struct tx_case *with)
{
    s->with = *with;
    s->wire_count = 0;
    s->now = 1000000;
    s->failure = NULL;
    s->run_count = with->scenario->runs ? (int)with->scenario->runs : 1;
    set_server(s);
    memset(s->runs, 0, sizeof s->runs);
    for (s->run = 0; s->run < s->run_count; s->run++) {
        struct tx_run *r = &s->runs[s->run];
        r->first_wire = r->last_wire = s->wire_count;
        if (!set_up(s))
            continue;
        run(s, r);
        core_free(&s->core);
        for (int i = 0; i < s->wire_count; i++)
            sim_wire_close(&s->wires[i]);
    }
    s->server.releasing = true;
    for (int i = 0; i < s->wire_count; i++)
        if (s->wires[i].fault.kind != SIM_SERVER_CUT)
            sim_wire_arrive(&s->wires[i], SIZE_MAX);
    s->server.releasing = false;
}

void tx_sim_free(struct tx_sim *s)
{
    for (int i = 0; i < s->wire_count; i++) {
        tx_session_free(&s->sessions[i]);
        sim_wire_free(&s->wires[i]);
    }
}
