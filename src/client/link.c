/* Links. Pure; may call net's machines, lanes and the core.
 *
 * Invariants
 *   1. Lanes are offered to the connection only while READY: nothing of anybody's is sent before the
 *      handshake's replies.
 *   2. Lanes stay on their link through WAITING, OPENING and GREETING; a RETIRING link keeps only
 *      those that still wait for replies.
 *   3. A connection that was lost or retired is never used again: conn_restart makes a new one, and
 *      what was known of needs is forgotten with it. */
#include "client/link.h"

#include "base/alloc.h"
#include "base/error.h"
#include "client/core.h"
#include "client/renewal.h"
#include "net/stranger.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

struct link *link_new(struct core *core, size_t node)
{
    struct link *l = alloc_zeroed(1, sizeof *l);
    if (!l)
        return NULL;
    const struct settings *s = &core->settings;
    if (!conn_init(&l->conn, s->limits, s->window_commands, s->window_bytes)) {
        alloc_free(l);
        return NULL;
    }
    l->core = core;
    l->node = node;
    l->probe_multi = s->greeting.probe_multi;
    l->conn.retiring = true; /* no connection yet */
    l->renew_at = l->expires = l->evidence_at = OP_NEVER;
    endpoint_text(&s->endpoint, l->server);
    return l;
}

void link_free(struct link *l)
{
    renewal_clear(l);
    conn_free(&l->conn);
    alloc_free(l);
}

/* ---- going down ----------------------------------------------------------------------------- */

static struct lane_failure failure(const struct link *l, vouch_cause cause, const char *code,
                                   const char *why)
{
    struct lane_failure f = {.cause = cause};
    char text[ENDPOINT_TEXT_MAX + VOUCH_MESSAGE_MAX + 4];
    int n = snprintf(text, sizeof text, "%s: %s", l->server, why);
    error_escape(f.message, sizeof f.message, text,
                 n < 0                     ? 0
                 : (size_t)n < sizeof text ? (size_t)n
                                           : sizeof text - 1);
    memcpy(f.code, code, strnlen(code, sizeof f.code - 1));
    return f;
}

/* The connection is gone, or never came to be. */
static void drop(struct link *l, vouch_cause cause)
{
    bool idle = l->conn.pending == 0 && l->state == LINK_READY;
    /* Not at once after a loss with work in flight: all clients of a server that died would come at
     * the same moment. An idle connection that the server closed is no sign of trouble. */
    int64_t delay = idle || l->state == LINK_RETIRING ? 0 : core_backoff_us(l->core, ++l->failures);
    l->state = LINK_WAITING;
    l->until = l->core->now + delay;
    l->close_transport = true;
    conn_lost(&l->conn, cause);
    conn_restart(&l->conn);
    l->conn.retiring = true;
    l->connection = 0;
    l->indivisible = false;
    l->evidence_at = OP_NEVER;
    l->need_count = l->need_next = 0;
    renewal_clear(l);
}

static void become_idle(struct link *l)
{
    if (!l->lanes && l->state == LINK_WAITING)
        l->state = LINK_IDLE;
}

/* Takes the lanes that have failed off the link. */
static void shed(struct link *l)
{
    struct lane *next;
    for (struct lane *i = l->lanes; i; i = next) {
        next = i->next_on_link;
        if (i->failed)
            link_detach(l, i);
    }
    become_idle(l);
}

static void go_down(struct link *l, vouch_cause cause, bool permanent, const char *code,
                    const char *why)
{
    struct lane_failure f = failure(l, cause, code, why);
    vouch_event_kind kind = observe_failed(l);
    drop(l, cause);
    for (struct lane *i = l->lanes; i; i = i->next_on_link)
        if (i->wants && !i->failed)
            lane_outage(i, &f, permanent);
    shed(l);
    observe_down(l, kind, &f);
}

/* A retired connection has given its last reply, or one of no more use is replaced. */
static void end_quietly(struct link *l)
{
    observe_given_up(l);
    drop(l, VOUCH_CAUSE_NONE);
    become_idle(l);
    core_freed(l->core);
}

/* ---- time ----------------------------------------------------------------------------------- */

void link_want(struct link *l)
{
    if (l->state != LINK_IDLE)
        return;
    l->state = LINK_WAITING;
    l->until = l->core->now;
    link_advance(l, l->core->now);
}

static const char *too_late(const struct link *l)
{
    static const char *const words[] = {
        [LINK_RESOLVING] = "the host's name was not resolved within connect_ms",
        [LINK_CONNECTING] = "no connection within connect_ms: a wrong address, or a firewall?",
        [LINK_SECURING] = "connected, but no TLS session within connect_ms; is this a TLS port?"};
    return l->state == LINK_OPENING
               ? words[l->stage]
               : "connected, but no handshake within connect_ms: a server that is stopped "
                 "or busy, or of another kind?";
}

void link_advance(struct link *l, int64_t now)
{
    switch (l->state) {
    case LINK_IDLE:
        return;
    case LINK_READY:
        renewal_advance(l, now);
        return;
    case LINK_WAITING:
        if (now < l->until)
            return;
        l->state = LINK_OPENING;
        l->stage = LINK_CONNECTING;
        l->connect_by = now + l->core->settings.connect_ms * 1000;
        return;
    case LINK_OPENING:
    case LINK_GREETING:
        if (now >= l->connect_by)
            go_down(l, VOUCH_CAUSE_DEADLINE, false, "", too_late(l));
        return;
    case LINK_RETIRING:
        if (conn_is_over(&l->conn))
            end_quietly(l);
        return;
    }
}

int64_t link_wake(const struct link *l)
{
    switch (l->state) {
    case LINK_WAITING:
        return l->until;
    case LINK_OPENING:
    case LINK_GREETING:
        return l->connect_by;
    case LINK_RETIRING:
        return conn_is_over(&l->conn) ? l->core->now : OP_NEVER;
    case LINK_READY:
        return renewal_wake(l);
    case LINK_IDLE:
        break;
    }
    return OP_NEVER;
}

/* ---- told by the driver --------------------------------------------------------------------- */

void link_connected(struct link *l)
{
    assert(l->state == LINK_OPENING);
    struct greeting greeting = l->core->settings.greeting;
    greeting.probe_multi = l->probe_multi;
    conn_restart(&l->conn);
    l->connection = ++l->core->connections;
    l->heard = false;
    l->state = LINK_GREETING;
    if (!renewal_ask(l, &greeting)) {
        go_down(l, VOUCH_CAUSE_AUTH, false, "", "the credentials hook has none");
        return;
    }
    if (handshake_init(&l->handshake, &greeting))
        conn_offer(&l->conn, &l->handshake.x);
    else
        go_down(l, VOUCH_CAUSE_MEMORY, false, "", "out of memory for the handshake");
}

void link_unreachable(struct link *l, vouch_cause cause, bool permanent, const char *why)
{
    const char *what = cause == VOUCH_CAUSE_ADDRESS   ? "the host has no address: "
                       : cause == VOUCH_CAUSE_CONNECT ? "cannot connect: "
                                                      : "";
    char text[VOUCH_MESSAGE_MAX];
    (void)snprintf(text, sizeof text, "%s%s", what, why);
    go_down(l, cause, permanent, "", text);
}

static void become_ready(struct link *l)
{
    l->state = LINK_READY;
    l->may_multi = l->handshake.may_multi;
    renewal_settle(l);
    for (struct lane *i = l->lanes; i; i = i->next_on_link)
        if (i->wants)
            lane_offer(i);
    observe_connected(l);
}

static void greet(struct link *l)
{
    struct handshake *h = &l->handshake;
    switch (h->state) {
    case HANDSHAKE_RUNNING:
        if (h->sent < h->count)
            conn_offer(&l->conn, &h->x);
        return;
    case HANDSHAKE_READY:
        become_ready(l);
        return;
    case HANDSHAKE_FAILED:
        /* The next password from a hook may be a better one. */
        go_down(l, h->cause,
                h->permanent && !(h->cause == VOUCH_CAUSE_AUTH && l->core->settings.credentials),
                h->code, h->message);
        return;
    case HANDSHAKE_NO_PROBE:
        l->probe_multi = false;
        end_quietly(l);
        return;
    }
}

void link_handed(struct link *l, size_t n)
{
    bool turning = conn_is_turning(&l->conn);
    conn_handed(&l->conn, n);
    observe_handed(l, n, turning && !conn_is_turning(&l->conn));
}

/* What came is no reply, or answers nothing. */
static void broke_protocol(struct link *l, const char *bytes, size_t n)
{
    char why[VOUCH_MESSAGE_MAX];
    bool known = false;
    if (l->state == LINK_GREETING && l->conn.stray[0]) {
        handshake_turned_away(&l->handshake, l->conn.stray);
        greet(l);
        return;
    }
    if (!l->heard)
        known = stranger_describe(bytes, n, l->conn.fault, why, sizeof why);
    else
        (void)snprintf(why, sizeof why, "what came is not Redis' protocol (%s)%s%s", l->conn.fault,
                       l->conn.stray[0] ? ": " : "", l->conn.stray);
    go_down(l, VOUCH_CAUSE_PROTOCOL, known, "", why);
}

void link_received(struct link *l, const char *bytes, size_t n)
{
    if (l->state != LINK_GREETING && l->state != LINK_READY && l->state != LINK_RETIRING)
        return;
    bool good = conn_received(&l->conn, bytes, n);
    observe_received(l, n);
    if (!good) {
        broke_protocol(l, bytes, n);
        return;
    }
    l->heard = true;
    if (l->state == LINK_GREETING)
        greet(l);
    else if (l->state == LINK_READY)
        renewal_received(l);
    else if (l->state == LINK_RETIRING)
        link_advance(l, l->core->now);
}

/* A full server, one in protected mode and one that wants TLS may all just close. */
static void turned_away(struct link *l, const char *why)
{
    char text[VOUCH_MESSAGE_MAX];
    (void)snprintf(text, sizeof text,
                   "%s before the handshake's end: a wrong port, or TLS, or too many clients?",
                   why);
    go_down(l, VOUCH_CAUSE_CONNECT, false, "", text);
}

void link_broken(struct link *l, vouch_cause cause, bool permanent, const char *why)
{
    if (l->state == LINK_RETIRING && conn_is_over(&l->conn))
        end_quietly(l);
    else if (l->state == LINK_GREETING && cause == VOUCH_CAUSE_LOST)
        turned_away(l, why);
    else if (l->state != LINK_IDLE && l->state != LINK_WAITING)
        go_down(l, cause, permanent, "", why);
}

/* ---- used by lanes -------------------------------------------------------------------------- */

void link_attach(struct link *l, struct lane *lane)
{
    lane->link = l;
    lane->next_on_link = l->lanes;
    l->lanes = lane;
    l->leased = lane->leased;
    if (l->state == LINK_READY)
        conn_offer(&l->conn, &lane->x);
    else
        link_want(l);
}

/* Lanes with nothing in flight go elsewhere; the others wait for their replies. */
static void retire(struct link *l)
{
    l->state = LINK_RETIRING;
    renewal_abandon(l);
    struct lane *next;
    for (struct lane *i = l->lanes; i; i = next) {
        next = i->next_on_link;
        if (i->x.pending)
            continue;
        link_detach(l, i);
        if (i->wants)
            lane_offer(i);
    }
}

void link_detach(struct link *l, struct lane *lane)
{
    struct lane **at = &l->lanes;
    while (*at && *at != lane)
        at = &(*at)->next_on_link;
    if (*at)
        *at = lane->next_on_link;
    lane->link = NULL;
    lane->next_on_link = NULL;
    l->leased = false;
    if (l->state == LINK_READY && l->conn.retiring)
        retire(l);
    become_idle(l);
    core_freed(l->core);
}

bool link_has(const struct link *l, const struct need *need)
{
    for (size_t i = 0; i < l->need_count; i++)
        if (l->needs[i] == need->digest)
            return true;
    return false;
}

void link_learn(struct link *l, const struct need *need)
{
    if (link_has(l, need))
        return;
    l->needs[l->need_next] = need->digest;
    l->need_next = (l->need_next + 1) % LINK_NEEDS_MAX;
    if (l->need_count < LINK_NEEDS_MAX)
        l->need_count++;
}

void link_forget(struct link *l, const struct need *need)
{
    for (size_t i = 0; i < l->need_count; i++)
        if (l->needs[i] == need->digest)
            l->needs[i] = 0;
}
