/* Lanes. Pure; may call link, conn, core and the module that owns the lane.
 *
 * To its connection a lane is an exchange; the module sees the same, except that the lane slips loads
 * in between: a command whose need the connection is not known to have is held back while the load is
 * pulled, and goes right behind it in the same write. Only the load's own good reply makes the need
 * known: a load that was refused, or undone with a transaction, left nothing behind.
 *
 * The line that says "missing" is also what a script may answer that did run. Then the server is asked
 * whether it has it (lane_check). Only the connection that gave that answer can be believed: another may
 * lead to a server that lost it since.
 *
 * Invariants
 *   1. sent - answered commands of the lane, loads counted, are in its connection; `held` is not.
 *   2. What the module is told of (replies, losses, unsent) never counts a load, and always counts
 *      `held`: the module pulled it. */
#include "client/lane.h"

#include "base/error.h"
#include "client/core.h"
#include "client/link.h"
#include "client/renewal.h"
#include "command/effect.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* ---- loads ---------------------------------------------------------------------------------- */

static bool is_coming(const struct lane *l, const struct need *need)
{
    for (size_t i = l->load_head; i != l->load_tail; i++)
        if (l->loads[i % LANE_LOADS_MAX].need->digest == need->digest)
            return true;
    return false;
}

/* Forgets the loads from the lane's command `from` on; returns how many they were. */
static size_t drop_loads(struct lane *l, uint64_t from)
{
    size_t n = 0;
    for (; l->load_tail != l->load_head && l->loads[(l->load_tail - 1) % LANE_LOADS_MAX].at >= from;
         l->load_tail--)
        n++;
    return n;
}

static void put_load_first(struct lane *l, const struct need *need, struct run *out)
{
    l->held = *out;
    l->loads[l->load_tail++ % LANE_LOADS_MAX] = (struct lane_load){l->sent, need, false};
    *out = (struct run){need->load, &need->load_size, 0, 1, false};
}

/* ---- questions ------------------------------------------------------------------------------ */

static void end_check(struct lane *l, enum lane_answer answer)
{
    const struct need *need = l->checking;
    l->checking = NULL;
    l->asked = false;
    l->checked = need->digest;
    l->answer = answer;
    l->ops->on_checked(l, need, answer);
}

/* Only the connection that gave the answer could be asked, and it is gone. */
static void drop_question(struct lane *l)
{
    static const char gone[] = "the connection was lost";
    memcpy(l->untold, gone, sizeof gone);
    end_check(l, LANE_UNTOLD);
}

static void answer_question(struct lane *l, const struct vouch_reply *reply)
{
    static const char nothing[] = "the answer was lost";
    if (reply && reply->type != VOUCH_TYPE_ERROR) {
        end_check(l, l->checking->is_there(l->checking, reply) ? LANE_THERE : LANE_MISSING);
        return;
    }
    error_escape(l->untold, sizeof l->untold, reply ? reply->as.text : nothing,
                 reply ? reply->n : sizeof nothing - 1);
    end_check(l, LANE_UNTOLD);
}

/* True if the question goes out, or is out: nothing else may. */
static bool put_question(struct lane *l, struct run *out)
{
    const struct need *need = l->checking;
    if (l->asked)
        return false;
    l->asked = true;
    l->loads[l->load_tail++ % LANE_LOADS_MAX] = (struct lane_load){l->sent, need, true};
    *out = (struct run){need->ask, &need->ask_size, 0, 1, true};
    l->sent++;
    return true;
}

/* ---- as an exchange ------------------------------------------------------------------------- */

static bool pull(struct exchange *x, size_t commands, struct run *out)
{
    struct lane *l = (struct lane *)x;
    if (l->checking && lane_connection(l) != l->check_on)
        drop_question(l);
    if (l->resume || l->failed)
        return false;
    if (l->checking)
        return put_question(l, out);
    if (l->held.count) {
        *out = l->held;
        l->held.count = 0;
        out->last = !l->wants;
    } else if (l->load_tail - l->load_head == LANE_LOADS_MAX) {
        return false; /* until a load is answered */
    } else {
        const struct need *need = NULL;
        if (!l->ops->pull(l, commands, out, &need)) {
            l->wants = false;
            return false;
        }
        l->wants = !out->last;
        if (need && !lane_has(l, need))
            put_load_first(l, need, out);
    }
    l->sent += out->count;
    return true;
}

static void note_refusal(struct lane *l, const struct need *need, const struct vouch_reply *reply)
{
    const char *text = reply ? reply->as.text : "(its words were lost)";
    size_t n = reply ? reply->n : strlen(text);
    bool passes = reply && effect_remedy(text, n) == REMEDY_WAIT;
    l->refused = need->digest;
    l->refused_state = passes ? LANE_LOAD_WAITS : LANE_LOAD_REFUSED;
    error_escape(l->refusal, sizeof l->refusal, text, n);
}

static bool says_there_already(const struct need *need, const struct vouch_reply *reply)
{
    size_t n = need->there_already ? strlen(need->there_already) : 0;
    return n && reply && reply->n == n && memcmp(reply->as.text, need->there_already, n) == 0;
}

static void on_load_reply(struct lane *l, const struct vouch_reply *reply, enum reader_fate fate)
{
    struct lane_load load = l->loads[l->load_head++ % LANE_LOADS_MAX];
    bool error = fate == READER_NO_MEMORY_FOR_ERROR || vouch_reply_is_error(reply);
    if (load.question)
        answer_question(l, reply);
    else if (error)
        note_refusal(l, load.need, reply);
    else if (l->refused == load.need->digest)
        l->refused = 0;
    bool doubled = !load.question && error && says_there_already(load.need, reply);
    if (doubled || (!load.question && !error))
        link_learn(l->link, load.need);
    l->doubled = doubled ? load.need : NULL;
    if (l->wants)
        conn_offer(&l->link->conn, &l->x); /* there is room for another load */
}

static bool says_missing(const struct need *need, const struct vouch_reply *reply)
{
    for (const char *const *line = need->missing; vouch_reply_is_error(reply) && *line; line++)
        if (reply->n == strlen(*line) && memcmp(reply->as.text, *line, reply->n) == 0)
            return true;
    return false;
}

/* The reply right behind a load that found it there. A library may be there without the function: then
 * no load helps. If the function is in it a load helps again, should it vanish later. */
static void judge_doubled(struct lane *l, const struct vouch_reply *reply)
{
    const struct need *need = l->doubled;
    l->doubled = NULL;
    if (need && l->refused == need->digest && !says_missing(need, reply))
        l->refused = 0;
}

static void on_reply(struct exchange *x, const struct vouch_reply *reply, enum reader_fate fate)
{
    struct lane *l = (struct lane *)x;
    l->link->failures = 0;
    uint64_t at = l->answered++;
    if (l->load_head != l->load_tail && l->loads[l->load_head % LANE_LOADS_MAX].at == at) {
        on_load_reply(l, reply, fate);
        return;
    }
    judge_doubled(l, reply);
    l->ops->on_reply(l, reply, fate);
}

/* Turns counts of all commands into counts without loads, and empties the lane. */
static void settle(struct lane *l, size_t *maybe, size_t *unsent)
{
    *unsent -= drop_loads(l, l->answered + *maybe);
    *maybe -= drop_loads(l, l->answered);
    *unsent += l->held.count;
    l->held.count = 0;
    l->answered = l->sent;
    l->doubled = NULL;
    if (l->checking)
        drop_question(l);
}

static void on_lost(struct exchange *x, size_t maybe, size_t unsent, vouch_cause cause)
{
    struct lane *l = (struct lane *)x;
    settle(l, &maybe, &unsent);
    l->link->in_doubt += maybe;
    l->wants = true;
    l->ops->on_lost(l, maybe, unsent, cause);
}

static void on_unsent(struct exchange *x, size_t unsent)
{
    struct lane *l = (struct lane *)x;
    l->sent -= unsent;
    unsent -= drop_loads(l, l->sent);
    unsent += l->held.count;
    l->held.count = 0;
    l->wants = true;
    if (unsent)
        l->ops->on_unsent(l, unsent);
}

/* ---- for the module ------------------------------------------------------------------------- */

void lane_init(struct lane *l, struct core *core, const struct lane_ops *ops, size_t node,
               bool leased, unsigned outages)
{
    memset(l, 0, offsetof(struct lane, loads));
    l->x = (struct exchange){
        .pull = pull, .on_reply = on_reply, .on_lost = on_lost, .on_unsent = on_unsent};
    l->ops = ops;
    l->core = core;
    l->node = node;
    l->leased = leased;
    l->outages = outages;
}

void lane_offer(struct lane *l)
{
    l->wants = true;
    if (l->failed || l->waiting || l->resume)
        return;
    if (!l->link)
        core_attach(l->core, l);
    else if (l->link->state == LINK_READY)
        conn_offer(&l->link->conn, &l->x);
    else
        link_want(l->link);
}

bool lane_wait(struct lane *l)
{
    if (l->outages == 0)
        return false;
    l->outages--;
    l->resume = l->core->now + core_backoff_us(l->core, ++l->attempts);
    return true;
}

void lane_advance(struct lane *l, int64_t now)
{
    if (!l->resume || now < l->resume)
        return;
    l->resume = 0;
    if (l->wants)
        lane_offer(l);
}

static const char *waits_for(const struct lane *l)
{
    switch (l->link->state) {
    case LINK_READY:
    case LINK_RETIRING:
        return l->x.pending ? "no answer yet" : "others' commands fill the connection's window";
    case LINK_GREETING:
        return "the handshake is not answered yet";
    case LINK_OPENING:
        if (l->link->stage == LINK_RESOLVING)
            return "the host's name is not resolved yet";
        if (l->link->stage == LINK_SECURING)
            return "TLS is not set up yet";
        break;
    case LINK_IDLE:
    case LINK_WAITING:
        break;
    }
    return "not connected yet";
}

void lane_out_of_time(struct lane *l)
{
    static const char full[] = "all VOUCH_CLIENT_MAX_CONNECTIONS connections are in use";
    struct lane_failure *f = &l->failure;
    char text[ENDPOINT_TEXT_MAX + 64];
    if (l->link && (!f->message[0] || l->link->state == LINK_READY)) {
        (void)snprintf(text, sizeof text, "%s: %s", l->link->server, waits_for(l));
        error_escape(f->message, sizeof f->message, text, strlen(text));
    } else if (l->waiting && !f->message[0]) {
        memcpy(f->message, full, sizeof full);
    }
}

void lane_close(struct lane *l, size_t *maybe, size_t *unsent)
{
    *maybe = *unsent = 0;
    struct link *link = l->link;
    if (l->waiting)
        core_forget(l->core, l);
    if (link) {
        conn_abandon(&link->conn, &l->x, maybe, unsent);
        settle(l, maybe, unsent);
        link_detach(link, l);
    }
    l->wants = false;
}

void lane_close_hard(struct lane *l, size_t *maybe, size_t *unsent)
{
    if (l->link && l->link->state == LINK_READY)
        conn_retire(&l->link->conn);
    lane_close(l, maybe, unsent);
}

uint64_t lane_connection(const struct lane *l)
{
    return l->link && l->link->state == LINK_READY ? l->link->connection : 0;
}

uint64_t lane_activity(const struct lane *l)
{
    return l->link ? conn_activity(&l->link->conn) : 0;
}

bool lane_has(const struct lane *l, const struct need *need)
{
    return (l->link && link_has(l->link, need)) || is_coming(l, need);
}

void lane_missing(struct lane *l, const struct need *need)
{
    if (l->link)
        link_forget(l->link, need);
}

enum lane_load_state lane_load(const struct lane *l, const struct need *need)
{
    return l->refused == need->digest ? l->refused_state : LANE_LOAD_FINE;
}

const char *lane_explain(const struct lane *l, const struct need *need,
                         const struct vouch_reply *reply, const char **detail)
{
    enum lane_answer answer = l->checked == need->digest ? l->answer : LANE_MISSING;
    *detail = "";
    if (!says_missing(need, reply))
        return NULL;
    if (answer == LANE_THERE)
        return "; the server has it, so these may be its own words";
    if (answer == LANE_UNTOLD) {
        *detail = l->untold;
        return "; whether the server has it could not be asked: ";
    }
    if (lane_load(l, need) == LANE_LOAD_FINE)
        return NULL;
    *detail = l->refusal;
    return "; loading it was refused: ";
}

void lane_check(struct lane *l, const struct need *need)
{
    assert(l->load_head == l->load_tail && !l->held.count);
    l->checking = need;
    l->check_on = lane_connection(l);
    lane_offer(l);
}

bool lane_reauthenticate(struct lane *l)
{
    if (!l->core->settings.credentials)
        return false;
    if (l->link)
        renewal_now(l->link);
    return true;
}

/* ---- for the link --------------------------------------------------------------------------- */

void lane_outage(struct lane *l, const struct lane_failure *why, bool permanent)
{
    l->failure = *why;
    if (!permanent && l->outages) {
        l->outages--;
        return;
    }
    l->failed = true;
    l->ops->on_failed(l);
}
