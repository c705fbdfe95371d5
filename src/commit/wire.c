/* A round of a commit on its lane: what goes out, what comes back, and how far it came when it is lost.
 * Pure; may call the lane. Decides nothing: the machine is told by `answered`, `lost`, `said` and the
 * fields of EXECUTING, and looks at them at rest.
 *
 * Invariants
 *   1. Of the round's `total` commands `sent` were pulled and `answered` were answered, in order.
 *   2. What depends on WATCH or MULTI goes out on the connection that answered those, or not at all:
 *      `connection`. A connection may go while nothing is in flight, and then nobody is told. */
#include "commit/commit.h"

#include <assert.h>
#include <string.h>

struct plain {
    const char *bytes;
    size_t size;
};

static const struct plain plain[OWN_KINDS] = {
    [OWN_UNWATCH] = {"*1\r\n$7\r\nUNWATCH\r\n", 17},
    [OWN_MULTI] = {"*1\r\n$5\r\nMULTI\r\n", 15},
    [OWN_EXEC] = {"*1\r\n$4\r\nEXEC\r\n", 14},
};

static const size_t exec_end[] = {14};

/* ---- putting a round together --------------------------------------------------------------- */

void commit_clear_round(struct commit *c)
{
    vouch_batch_clear(&c->own);
    c->own.own = true;
    c->own_count = 0;
    c->watch_open = false;
    vouch_batch_clear(&c->needing);
    c->needing.own = true;
}

void commit_note_own(struct commit *c, enum commit_own kind)
{
    assert(c->own_count < COMMIT_OWN_MAX);
    c->kinds[c->own_count++] = (uint8_t)kind;
}

void commit_add_plain(struct commit *c, enum commit_own kind)
{
    const struct plain *p = &plain[kind];
    bool added = kind == OWN_INFO ? batch_put(&c->own, evidence_ask, evidence_ask_size)
                                  : batch_put(&c->own, p->bytes, p->size);
    if (added)
        commit_note_own(c, kind);
}

void commit_watch(struct commit *c, const char *key, size_t size)
{
    if (!c->watch_open)
        vouch_batch_begin(&c->own, "WATCH");
    c->watch_open = true;
    vouch_batch_argument(&c->own, vouch_bytes(key, size));
}

/* Which part reads are. */
#define READS 2

static struct commit_part part_of(const struct vouch_batch *b, size_t from)
{
    return (struct commit_part){b->bytes, b->ends, from, b->count};
}

void commit_send(struct commit *c, enum commit_phase phase)
{
    memset(c->parts, 0, sizeof c->parts);
    c->parts[0] = part_of(&c->own, 0);
    c->parts[1] = part_of(&c->needing, 0);
    c->total = c->prelude = c->own.count + c->needing.count;
    if (phase == COMMIT_ASKING) {
        c->parts[READS] = part_of(&c->reads, c->answered_reads);
        c->total += c->reads.count - c->answered_reads;
    } else if (phase == COMMIT_EXECUTING) {
        c->parts[2] = part_of(&c->body, 0);
        c->parts[3] = (struct commit_part){plain[OWN_EXEC].bytes, exec_end, 0, 1};
        c->total += c->body.count + 1;
    }
    memset(c->said, 0, sizeof c->said);
    c->fate = READER_KEPT;
    c->sent = c->answered = 0;
    c->lost = c->denied = false; /* of the round before, as is the gate */
    /* In doubt always: commands that run one by one are not held back by the WATCH of the marker. */
    c->gate = phase == COMMIT_EXECUTING && (c->policy.strict || c->doubt);
    c->phase = phase;
    c->lane.x.arena = phase == COMMIT_EXECUTING ? &c->result->arena : &c->arena;
    lane_offer(&c->lane);
}

/* ---- as a lane ------------------------------------------------------------------------------ */

static struct commit *of_lane(struct lane *l)
{
    return (struct commit *)((char *)l - offsetof(struct commit, lane));
}

/* Found when about to send: the round is over before it began. */
static bool stop(struct commit *c)
{
    c->op.wake = c->lane.core->now;
    return false;
}

static bool may_send(struct commit *c)
{
    uint64_t now_on = lane_connection(&c->lane);
    if (c->lost || c->denied || c->sent == c->total || (c->gate && c->sent))
        return false;
    if (c->connection == 0)
        c->connection = now_on;
    if (c->connection != now_on) {
        c->lost = true;
        c->lost_handed = c->answered;
        c->lost_cause = VOUCH_CAUSE_LOST;
        return stop(c);
    }
    bool multi = c->phase == COMMIT_EXECUTING || c->phase == COMMIT_TAKING;
    if (multi && !c->lane.link->may_multi) {
        c->denied = true;
        return stop(c);
    }
    return true;
}

static struct commit_part *next_part(struct commit *c)
{
    size_t i = 0;
    while (c->parts[i].next == c->parts[i].count)
        i++;
    return &c->parts[i];
}

static void note_sent(struct commit *c)
{
    struct link *l = c->lane.link;
    if (c->phase == COMMIT_EXECUTING || c->phase == COMMIT_TAKING)
        l->indivisible = true;
    if (c->phase == COMMIT_ASKING)
        c->watching = true;
    if (c->phase == COMMIT_EXECUTING && c->marker.on && !c->doubt)
        c->first_exec = c->lane.core->uptime;
}

static bool pull(struct lane *l, size_t commands, struct run *out, const struct need **need)
{
    struct commit *c = of_lane(l);
    (void)need;
    if (!may_send(c))
        return false;
    if (c->sent == 0)
        note_sent(c);
    struct commit_part *p = next_part(c);
    size_t base = p->next ? p->ends[p->next - 1] : 0, n = p->count - p->next;
    n = c->gate ? 1 : n < commands ? n : commands;
    *out = (struct run){p->bytes + base, p->ends + p->next, base, n, false};
    p->next += n;
    c->sent += n;
    out->last = c->sent == c->total || c->gate;
    return true;
}

static void on_unsent(struct lane *l, size_t unsent)
{
    struct commit *c = of_lane(l);
    c->sent -= unsent;
    for (size_t i = COMMIT_PARTS; unsent; i--) {
        struct commit_part *p = &c->parts[i - 1];
        size_t first = i - 1 == READS && c->phase == COMMIT_ASKING ? c->answered_reads : 0;
        size_t back = p->next - first < unsent ? p->next - first : unsent;
        p->next -= back;
        unsent -= back;
    }
}

static void on_lost(struct lane *l, size_t maybe, size_t unsent, vouch_cause cause)
{
    struct commit *c = of_lane(l);
    (void)unsent;
    c->lost = true;
    c->lost_handed = c->answered + maybe;
    c->lost_cause = cause;
}

static void on_failed(struct lane *l)
{
    of_lane(l)->failed = true;
}

/* ---- replies -------------------------------------------------------------------------------- */

static void hear_multi(struct commit *c, const struct vouch_reply *reply, enum reader_fate fate)
{
    c->multi_ok = commit_is_status(reply, "OK");
    c->multi_refused =
        !c->multi_ok && (vouch_reply_is_error(reply) || fate == READER_NO_MEMORY_FOR_ERROR);
    if (c->multi_refused && c->gate)
        c->lane.link->indivisible = false; /* no EXEC follows */
    if (c->multi_ok && c->gate) {
        c->gate = false;
        lane_offer(&c->lane);
    }
}

static void hear_own(struct commit *c, enum commit_own kind, const struct vouch_reply *reply,
                     enum reader_fate fate)
{
    c->said[kind] = reply;
    if (kind == OWN_MULTI && c->phase == COMMIT_EXECUTING)
        hear_multi(c, reply, fate);
    else if (kind == OWN_SET && c->phase == COMMIT_EXECUTING)
        c->set_queued = commit_is_status(reply, "QUEUED");
    else if (kind == OWN_UNWATCH && reply && !vouch_reply_is_error(reply))
        c->watching = c->phase == COMMIT_ASKING; /* by the WATCH behind it */
    else if (kind == OWN_EXEC)
        c->watching = false;
}

/* The body's command i. Inside MULTI it was queued or refused; else it ran. */
static void hear_body(struct commit *c, size_t i, const struct vouch_reply *reply,
                      enum reader_fate fate)
{
    vouch_result *r = &c->result->results[i];
    r->attempts = 1;
    r->reply = reply;
    if (commit_is_status(reply, "QUEUED")) {
        r->reserved = 1;
        r->reply = NULL;
        c->queued++;
    } else if (fate == READER_NO_MEMORY_FOR_ERROR) {
        r->status = VOUCH_ENOMEM;
    }
}

static void hear_exec(struct commit *c, const struct vouch_reply *reply, enum reader_fate fate)
{
    c->exec_answered = true;
    c->exec = reply;
    c->exec_fate = fate;
    c->lane.link->indivisible = false;
    c->watching = false;
}

static void hear_read(struct commit *c, size_t i, const struct vouch_reply *reply)
{
    c->answers[c->answered_reads + i].reply = reply;
}

/* "+OK" and "+QUEUED" of thousands of commands would swell the result. */
static void keep_or_drop(struct commit *c, size_t i, const struct vouch_reply *reply)
{
    bool own = i < c->own_count;
    if (!commit_is_status(reply, "QUEUED") && !(own && commit_is_status(reply, "OK"))) {
        c->heard = arena_mark(&c->result->arena);
        return;
    }
    arena_rewind(&c->result->arena, c->heard);
    if (own)
        c->said[c->kinds[i]] = NULL;
    else if (i >= c->prelude)
        c->result->results[i - c->prelude].reply = NULL;
}

static void on_reply(struct lane *l, const struct vouch_reply *reply, enum reader_fate fate)
{
    struct commit *c = of_lane(l);
    size_t i = c->answered++;
    lane_progress(l);
    if (fate != READER_KEPT)
        c->fate = fate;
    if (i < c->own_count) {
        hear_own(c, (enum commit_own)c->kinds[i], reply, fate);
        if (i + 1 == c->own_count && c->phase == COMMIT_TAKING)
            l->link->indivisible = false;
    } else if (i < c->prelude) {
        commit_hear_need(c, i - c->own_count, reply);
    } else if (c->phase == COMMIT_ASKING) {
        hear_read(c, i - c->prelude, reply);
    } else if (i + 1 == c->total) {
        hear_exec(c, reply, fate);
        return;
    } else {
        hear_body(c, i - c->prelude, reply, fate);
    }
    if (c->phase == COMMIT_EXECUTING)
        keep_or_drop(c, i, reply);
}

const struct lane_ops commit_lane_ops = {pull, on_reply, on_lost, on_unsent, on_failed, NULL};

/* ---- its end -------------------------------------------------------------------------------- */

bool commit_is_through(struct commit *c)
{
    bool flying = c->sent != c->answered;
    if (c->lost || c->denied || c->answered == c->total)
        return true;
    if (c->gate && c->answered && !c->multi_ok)
        return true;
    /* Invariant 2: it went while nothing was in flight. */
    if (!flying && c->connection && lane_connection(&c->lane) != c->connection) {
        c->lost = true;
        c->lost_handed = c->answered;
        c->lost_cause = VOUCH_CAUSE_LOST;
    }
    return c->lost;
}

/* WATCH or MULTI may be in force. */
static bool is_soiled(const struct commit *c)
{
    bool inside = c->sent && ((c->phase == COMMIT_EXECUTING && !c->exec_answered) ||
                              (c->phase == COMMIT_TAKING && c->answered < c->total));
    return c->watching || inside;
}

void commit_hang_up(struct commit *c, vouch_cause cause)
{
    size_t maybe = 0, unsent = 0;
    if (is_soiled(c))
        lane_close_hard(&c->lane, &maybe, &unsent);
    else
        lane_close(&c->lane, &maybe, &unsent);
    if (!c->lost) {
        c->lost = true;
        c->lost_handed = c->answered + maybe;
        c->lost_cause = cause;
    }
    c->watching = false;
    c->connection = 0;
}
