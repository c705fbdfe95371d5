/* The fake driver. */
#include "sim.h"

#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEADLINE_MS 60000
/* Steps of a case, after which it counts as stuck. */
#define STEPS_MAX 200000

static void fail(struct sim *s, const char *what)
{
    if (!s->failure)
        s->failure = what;
}

/* ---- wires ---------------------------------------------------------------------------------- */

static struct sim_wire *wire_of(struct sim *s, const struct link *l)
{
    for (int i = 0; i < s->wire_count; i++)
        if (s->wires[i].link == l)
            return &s->wires[i];
    return NULL;
}

static void session_arrive(void *session, const char *bytes, size_t n)
{
    sim_session_arrive(session, bytes, n);
}

static void open_wire(struct sim *s, struct link *l)
{
    if (s->connects_refused < s->scenario->refuse_connects) {
        s->connects_refused++;
        link_unreachable(l, VOUCH_CAUSE_CONNECT, false, "refused");
        return;
    }
    if (s->wire_count == SIM_WIRES_MAX) {
        fail(s, "too many connections: it reconnects for ever");
        link_unreachable(l, VOUCH_CAUSE_CONNECT, false, "no more");
        return;
    }
    struct sim_wire *w = &s->wires[s->wire_count];
    struct sim_session *session = &s->sessions[s->wire_count];
    session->truth = &s->truth;
    session->node = (int)l->node;
    for (int i = 0; i < 2; i++)
        if (s->faults[i].kind != SIM_NONE && s->faults[i].wire == s->wire_count)
            w->fault = s->faults[i];
    s->wire_count++;
    sim_wire_open(w, l, (struct sim_far){session_arrive, session, &session->out});
}

/* One round over all connections. */
static bool move_all(struct sim *s)
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
            any = sim_wire_move(w, &s->scenario->pace) || any;
    }
    return any;
}

/* ---- what is counted and told --------------------------------------------------------------- */

static void add_result(struct sim *s, const vouch_result *r)
{
    vouch_totals *t = &s->observed.results;
    t->commands++;
    t->applied += r->effect == VOUCH_APPLIED;
    t->not_applied += r->effect == VOUCH_NOT_APPLIED;
    t->maybe += r->effect == VOUCH_MAYBE_APPLIED;
    t->errors += r->status == VOUCH_ESERVER;
    s->observed.retries += r->attempts ? r->attempts - 1U : 0;
}

static void take_event(const vouch_event *e, void *user)
{
    struct sim *s = user;
    struct sim_observed *o = &s->observed;
    if (!s->core.busy)
        fail(s, "the hook could call the client");
    if (e->kind < VOUCH_EVENT_CONNECTED || e->kind > VOUCH_EVENT_MAYBE) {
        fail(s, "an event of no known kind");
        return;
    }
    if (strstr(e->message, "secret"))
        fail(s, "an event tells the password");
    if (!*e->server && e->kind <= VOUCH_EVENT_UNREACHABLE)
        fail(s, "an event of a connection does not say to whom");
    if (e->kind >= VOUCH_EVENT_RETRIED && e->commands == 0)
        fail(s, "an event of no command");
    o->kinds[e->kind]++;
    o->commands[e->kind] += e->commands;
    if (e->kind == VOUCH_EVENT_MAYBE && e->cause == VOUCH_CAUSE_LOST)
        o->lost_maybe += e->commands;
    if (o->lost_maybe > o->commands[VOUCH_EVENT_LOST])
        fail(s, "MAYBE was told before the loss");
}

/* ---- the commands --------------------------------------------------------------------------- */

#define ASK  "*3\r\n$6\r\nSCRIPT\r\n$6\r\nEXISTS\r\n$40\r\n" SIM_SCRIPT_SHA "\r\n"
#define LOAD "*3\r\n$6\r\nSCRIPT\r\n$4\r\nLOAD\r\n$8\r\nreturn 1\r\n"
static const char *const missing[] = {SIM_NOSCRIPT, NULL};

static bool is_there(const struct need *need, const struct vouch_reply *reply)
{
    int64_t there = 0;
    (void)need;
    return vouch_reply_int64(vouch_reply_at(reply, 0), &there) && there;
}

static const struct need doubtful = {.digest = 2,
                                     .load = LOAD,
                                     .load_size = sizeof LOAD - 1,
                                     .missing = missing,
                                     .ask = ASK,
                                     .ask_size = sizeof ASK - 1,
                                     .is_there = is_there};
static const struct need script = {
    .digest = 1, .load = LOAD, .load_size = sizeof LOAD - 1, .missing = missing, .honest = true};

static void add_command(struct sim *s, vouch_batch *b, char kind, size_t i)
{
    char key[32];
    (void)snprintf(key, sizeof key, "%zu.k%zu", i * 7919 % 97, i);
    switch (kind) {
    case 'I':
        vouch_batch_add(b, "INCR", key);
        return;
    case 'G':
        vouch_batch_add(b, "GET", key);
        return;
    case 'B':
        vouch_batch_add(b, "LPUSH", key, "x");
        return;
    case 'L':
        vouch_batch_add(b, "GETSET", key, "x");
        return;
    case 'S':
        vouch_batch_add(b, "EVALSHA", SIM_SCRIPT_SHA, 1, key);
        (void)batch_set_need(b, &script); /* fails only with the sticky error set */
        return;
    case 'F':
        s->truth.forges[i] = true;
        vouch_batch_add(b, "EVALSHA", SIM_SCRIPT_SHA, 1, key);
        (void)batch_set_need(b, &doubtful);
        return;
    case 'D':
        vouch_batch_add(b, "EVALSHA", SIM_SCRIPT_SHA, 1, key);
        (void)batch_set_need(b, &doubtful);
        return;
    case 'N':
        s->needs[i] = script;
        s->needs[i].digest = 100 + i;
        vouch_batch_add(b, "EVALSHA", SIM_SCRIPT_SHA, 1, key);
        (void)batch_set_need(b, &s->needs[i]);
        return;
    default:
        abort();
    }
}

static bool source(vouch_batch *into, void *user)
{
    struct sim *s = user;
    if (s->asked < s->count) {
        add_command(s, into, s->scenario->commands[s->asked], s->asked);
        s->asked++;
    }
    return s->asked < s->count;
}

static bool sink(uint64_t index, const vouch_result *result, void *user)
{
    struct sim *s = user;
    if (index >= s->count || s->results[index].reserved)
        fail(s, "a result twice, or of no command");
    else
        s->results[index] = *result;
    add_result(s, result);
    return true;
}

/* ---- running -------------------------------------------------------------------------------- */

static bool set_up(struct sim *s)
{
    struct settings set;
    vouch_client_options o = VOUCH_CLIENT_OPTIONS_INIT;
    vouch_error e;
    o.window_commands = (uint32_t)s->scenario->window;
    o.reply_max_bytes = 45;
    o.reply_max_elements = 8;
    o.reply_max_depth = 4;
    o.on_event = take_event;
    o.event_user = s;
    if (settings_read(&set, "redis://:secret@sim/3", &o, &e) != VOUCH_OK)
        return false;
    core_init(&s->core, &set, 42);
    for (int i = 0; i < 2; i++)
        s->batches[i] = vouch_batch_new();
    s->core.nodes = s->scenario->nodes;
    /* HELLO's reply is within these limits: three pairs. */
    s->truth.refuse_from = s->scenario->refuse_from;
    s->truth.refuse_to = s->scenario->refuse_to;
    s->truth.resp2_only = s->scenario->resp2_only;
    s->truth.flush_once = s->scenario->flush_once;
    s->count = strlen(s->scenario->commands);
    return s->batches[0] && s->batches[1];
}

/* Turns the crank until the operation is done. */
static void drive(struct sim *s, const struct vouch_op *op, struct vouch_op *neighbour)
{
    for (int step = 0; !op->done; step++) {
        if (step == STEPS_MAX) {
            fail(s, "stuck: neither done nor waiting");
            op->ops->expire((struct vouch_op *)op, VOUCH_CAUSE_CANCELLED);
            return;
        }
        core_advance(&s->core, s->now);
        if (neighbour && !neighbour->done && step == 9)
            neighbour->ops->expire(neighbour, VOUCH_CAUSE_CANCELLED);
        if (move_all(s) || op->done)
            continue;
        int64_t wake = core_wake(&s->core);
        if (wake == OP_NEVER)
            fail(s, "nothing moves and nothing is waited for");
        s->now = wake > s->now ? wake : s->now + 1;
    }
}

/* Calls have returned; what was held up arrives now. */
static void deliver_late(struct sim *s)
{
    for (int i = 0; i < s->wire_count; i++) {
        struct sim_wire *w = &s->wires[i];
        if (w->fault.kind != SIM_SERVER_CUT)
            sim_wire_arrive(w, SIZE_MAX);
    }
}

/* A second pipeline on the same connection; NULL if there is no memory for it. */
static struct pipeline *start_neighbour(struct sim *s, vouch_batch *b,
                                        const vouch_pipeline_options *o)
{
    vouch_error e;
    for (size_t i = 0; i < 6; i++)
        add_command(s, b, 'G', SIM_COMMANDS_MAX - 1 - i);
    struct pipeline *p = run_new(&s->core, b, o, &e);
    if (p && core_start(&s->core, &p->op, &e) != VOUCH_OK)
        abort();
    return p;
}

static void take_results(struct sim *s, vouch_results *results)
{
    if (!results)
        abort(); /* what was started has results, however short memory is */
    s->started = true;
    for (size_t i = 0; i < s->count; i++)
        s->results[i] = *vouch_results_at(results, i);
    for (size_t i = 0; i < vouch_results_count(results); i++)
        add_result(s, vouch_results_at(results, i));
    vouch_results_free(results);
}

static void run_batch(struct sim *s, const vouch_pipeline_options *o)
{
    vouch_error e;
    vouch_results *results = NULL;
    vouch_batch *b = s->batches[0], *nb = s->batches[1];
    struct pipeline *neighbour = s->scenario->neighbour ? start_neighbour(s, nb, o) : NULL;
    for (size_t i = 0; i < s->count; i++)
        add_command(s, b, s->scenario->commands[i], i);
    struct pipeline *p = vouch_batch_error(b, &e) == VOUCH_OK ? run_new(&s->core, b, o, &e) : NULL;
    if (p) {
        if (core_start(&s->core, &p->op, &e) != VOUCH_OK)
            abort();
        drive(s, &p->op, neighbour ? &neighbour->op : NULL);
        core_end(&s->core, &p->op);
        s->status = run_finish(p, &results, &e);
        take_results(s, results);
    }
    if (neighbour) {
        core_end(&s->core, &neighbour->op);
        (void)run_finish(neighbour, &results, &e);
        for (size_t i = 0; i < vouch_results_count(results); i++)
            add_result(s, vouch_results_at(results, i));
        vouch_results_free(results);
    }
}

static void run_stream(struct sim *s, const vouch_pipeline_options *o)
{
    vouch_error e;
    struct pipeline *p = stream_new(&s->core, source, sink, s, o, &e);
    if (!p)
        return;
    if (core_start(&s->core, &p->op, &e) != VOUCH_OK)
        abort();
    drive(s, &p->op, NULL);
    size_t taken = (size_t)p->totals.commands;
    core_end(&s->core, &p->op);
    s->status = stream_finish(p, NULL, &e);
    s->started = true;
    /* A stream that a fault stopped asks no further; what it took, it reports. */
    if (!s->memory_short && taken != s->asked)
        fail(s, "a stream lost commands");
    s->count = taken;
}

void sim_run(struct sim *s, const struct sim_scenario *scenario, const struct sim_fault faults[2],
             bool memory_short)
{
    memset(s, 0, sizeof *s);
    s->scenario = scenario;
    s->memory_short = memory_short;
    s->now = 1000000;
    s->faults[0] = faults[0];
    s->faults[1] = faults[1];
    if (!set_up(s))
        return;
    vouch_pipeline_options o = VOUCH_PIPELINE_OPTIONS_INIT;
    o.idempotent = scenario->idempotent;
    o.reorder_ok = scenario->reorder_ok;
    o.deadline_ms = DEADLINE_MS;
    s->core.now = s->now;
    if (scenario->stream)
        run_stream(s, &o);
    else
        run_batch(s, &o);
    deliver_late(s);
}

void sim_free(struct sim *s)
{
    core_free(&s->core);
    for (int i = 0; i < 2; i++)
        vouch_batch_free(s->batches[i]);
    for (int i = 0; i < s->wire_count; i++) {
        sim_session_free(&s->sessions[i]);
        sim_wire_free(&s->wires[i]);
    }
}
