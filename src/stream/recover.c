/* What others have had for too long, and leaving. Pure; starts and finishes calls of scripts/lua/stream/.
 *
 * A claim whose answer was lost leaves entries with us of which nobody knows, as a read does: the incarnation is
 * retired. What is left with a retired one is given back (leave.lua) when all that is known of it is settled and
 * acknowledged; what arrives later under its name others claim, and so do we. */
#include "base/alloc.h"
#include "base/error.h"
#include "stream/consumer.h"

#include <stdio.h>
#include <string.h>

#include "stream/sources.inc"

static const struct {
    const char *name, *bytes;
    size_t size;
} sources[SCRIPT_OPEN] = {
    [SCRIPT_CLAIM] = {"stream/claim", lua_claim, sizeof lua_claim},
    [SCRIPT_HAND] = {"stream/hand", lua_hand, sizeof lua_hand},
    [SCRIPT_LEAVE] = {"stream/leave", lua_leave, sizeof lua_leave},
    [SCRIPT_SWEEP] = {"stream/sweep", lua_sweep, sizeof lua_sweep},
};

bool recover_make_scripts(struct vouch_consumer *c, vouch_error *error)
{
    for (size_t i = 0; i < SCRIPT_OPEN; i++) {
        vouch_script_options o = VOUCH_SCRIPT_OPTIONS_INIT;
        o.name = sources[i].name;
        if (vouch_script_new(sources[i].bytes, sources[i].size, &o, &c->scripts[i], error))
            return false;
    }
    return exact_make_scripts(c, error);
}

/* ---- when ----------------------------------------------------------------------------------- */

static bool claims(const struct vouch_consumer *c)
{
    return c->o.claim_ms != VOUCH_NO_DEADLINE && c->o.ack != VOUCH_ACK_BEFORE;
}

/* Its time to be looked at is claim_at. As long as losses are untold they would be found again. */
static bool is_looked_at(const struct vouch_consumer *c, const struct stream *s)
{
    return claims(c) && !c->stopped && consumer_room(c) && !c->losses && s->grouped;
}

struct stream *recover_due(struct vouch_consumer *c, int64_t now)
{
    for (size_t i = 0; i < c->stream_count; i++)
        if (is_looked_at(c, &c->streams[i]) && c->streams[i].claim_at <= now)
            return &c->streams[i];
    return NULL;
}

int64_t recover_wake(const struct vouch_consumer *c)
{
    int64_t wake = INT64_MAX;
    for (size_t i = 0; i < c->stream_count; i++)
        if (is_looked_at(c, &c->streams[i]) && c->streams[i].claim_at < wake)
            wake = c->streams[i].claim_at;
    return wake;
}

/* ---- asking --------------------------------------------------------------------------------- */

static vouch_arg cursor_of(const struct stream *s)
{
    return s->cursor_size ? vouch_bytes(s->cursor, s->cursor_size) : vouch_text("-");
}

/* The owners before the present one that still have something: what the caller is slow with is not to be taken from
 * them, though a server may count it for an incarnation that is retired. The oldest of very many are passed over. */
#define FORMER_MAX 16

static size_t add_former(const struct vouch_consumer *c, vouch_arg args[static FORMER_MAX])
{
    size_t n = 0;
    for (const struct owner *o = c->owner->next; o && n < FORMER_MAX; o = o->next)
        if (owner_held(c, o))
            args[n++] = owner_arg(o);
    return n;
}

vouch_status recover_start(struct vouch_consumer *c, struct stream *s, vouch_error *error)
{
    vouch_arg keys[] = {arg_of(&s->name), arg_of(&s->dead_letter)};
    bool never = c->o.max_deliveries == VOUCH_NO_DEAD_LETTERS || c->o.ack == VOUCH_ACK_EXACTLY_ONCE;
    uint32_t most = never ? 0 : c->o.max_deliveries;
    vouch_arg args[6 + FORMER_MAX] = {arg_of(&c->group),        owner_arg(c->owner),
                                      vouch_int(c->o.claim_ms), vouch_uint(consumer_room(c)),
                                      vouch_uint(most),         cursor_of(s)};
    size_t former = add_former(c, args + 6);
    if (!c->spare_claim)
        c->spare_claim = intake_new();
    if (!c->spare_claim)
        return error_set(error, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "out of memory for a claim");
    c->spare_claim->owner = c->owner;
    c->spare_claim->stream = s;
    c->spare_claim->epoch = c->epoch;
    c->spare_claim->asked_at = c->now;
    return consumer_call(c, SCRIPT_CLAIM, vouch_args_of(keys, 2), vouch_args_of(args, 6 + former),
                         false, error);
}

/* ---- answers -------------------------------------------------------------------------------- */

static bool is_claim(const vouch_reply *r)
{
    return vouch_reply_count(r) == 4 && vouch_reply_string(vouch_reply_at(r, 0)).data;
}

/* Where the next look begins, and when: at once as long as there is more. */
static void go_on(struct vouch_consumer *c, struct stream *s, const vouch_reply *r, int64_t now)
{
    vouch_string next = vouch_reply_string(vouch_reply_at(r, 0));
    bool more = next.size > 1 && next.size < sizeof s->cursor;
    s->cursor_size = more ? next.size : 0;
    memcpy(s->cursor, next.data, s->cursor_size);
    s->claim_at = more ? now : now + c->o.claim_every_ms * 1000;
}

vouch_status recover_finish(struct vouch_consumer *c, int64_t now, vouch_error *error)
{
    struct intake *a = c->spare_claim;
    struct stream *s = a->stream;
    vouch_call *call = NULL;
    vouch_status status = vouch_call_finish(c->side, &call, error);
    const vouch_reply *r = vouch_call_reply(call);
    s->claim_at = now + c->o.claim_every_ms * 1000;
    if (status != VOUCH_OK || !is_claim(r)) {
        bool maybe =
            vouch_call_result(call) && vouch_call_result(call)->effect != VOUCH_NOT_APPLIED;
        c->retire = c->retire || (maybe && a->owner == c->owner);
        vouch_call_free(call);
        return status;
    }
    go_on(c, s, r, now);
    c->spare_claim = NULL;
    a->call = call;
    a->claimed = vouch_reply_at(r, 1);
    c->counts.claimed += vouch_reply_count(a->claimed);
    c->losses += vouch_reply_count(vouch_reply_at(r, 2));
    c->counts.lost += vouch_reply_count(vouch_reply_at(r, 2));
    c->counts.dead += vouch_reply_count(vouch_reply_at(r, 3));
    intake_queue(c, a);
    return VOUCH_OK;
}

/* ---- leaving -------------------------------------------------------------------------------- */

static bool has_state(const struct vouch_consumer *c)
{
    return c->o.ack == VOUCH_ACK_EXACTLY_ONCE;
}

vouch_status leave_start(struct vouch_consumer *c, struct owner *o, vouch_error *error)
{
    const struct stream *s = &c->streams[o->left];
    vouch_arg keys[] = {arg_of(&s->name), arg_of(&s->state)};
    int64_t idle = c->o.claim_ms == VOUCH_NO_DEADLINE ? 0 : c->o.claim_ms;
    vouch_arg args[] = {arg_of(&c->group), owner_arg(o), vouch_int(idle)};
    return consumer_call(c, SCRIPT_LEAVE, vouch_args_of(keys, has_state(c) ? 2 : 1),
                         vouch_args_of(args, 3), true, error);
}

/* True if this stream is done with: also if there is no group to leave. */
vouch_status leave_finish(struct vouch_consumer *c, int64_t *given, vouch_error *error)
{
    vouch_call *call = NULL;
    vouch_status status = vouch_call_finish(c->side, &call, error);
    (void)vouch_reply_int64(vouch_call_reply(call), given);
    if (status == VOUCH_ESERVER && strcmp(error->code, "NOGROUP") == 0)
        status = VOUCH_OK;
    vouch_call_free(call);
    return status;
}

/* ---- sweeping ------------------------------------------------------------------------------- */

struct stream *sweep_due(struct vouch_consumer *c)
{
    bool wanted = c->o.forget_ms != VOUCH_NO_DEADLINE && !c->stopped;
    for (size_t i = 0; wanted && i < c->stream_count; i++)
        if (c->streams[i].grouped && !c->streams[i].swept)
            return &c->streams[i];
    return NULL;
}

vouch_status sweep_start(struct vouch_consumer *c, struct stream *s, vouch_error *error)
{
    vouch_arg keys[] = {arg_of(&s->name), arg_of(&s->state)};
    vouch_arg args[] = {arg_of(&c->group), vouch_int(c->o.forget_ms)};
    c->sweeping = s;
    return consumer_call(c, SCRIPT_SWEEP, vouch_args_of(keys, has_state(c) ? 2 : 1),
                         vouch_args_of(args, 2), true, error);
}

/* Once for each stream: whoever opens next does it again. */
vouch_status sweep_finish(struct vouch_consumer *c, vouch_error *error)
{
    vouch_call *call = NULL;
    vouch_status status = vouch_call_finish(c->side, &call, error);
    c->sweeping->swept = status == VOUCH_OK || status == VOUCH_ESERVER;
    vouch_call_free(call);
    return c->sweeping->swept ? VOUCH_OK : status;
}
