/* What the marker says, and making it say "aborted". Pure.
 *
 * Asked at the beginning of every attempt, and again (SETTLING) before a run that was in doubt may end as
 * not applied. The answers, of a run in doubt:
 *
 *     ours                   committed; by an attempt whose EXEC never left: it ran one by one
 *     another run's          the token was used, so none of our EXECs can still succeed
 *     absent, or aborted     none of ours has committed, if nothing could have removed the marker; and
 *                            none will: by SET NX now, or by the WATCH of an attempt that goes on
 */
#include "commit/commit.h"

#include <string.h>

/* ---- asking --------------------------------------------------------------------------------- */

/* INFO is worth asking again: there is a doubt, or what is known is old. */
static bool wants_info(struct commit *c)
{
    const struct link *l = c->lane.link;
    if (c->doubt || c->loose || !l || l->evidence_at == OP_NEVER ||
        c->lane.core->now - l->evidence_at > EVIDENCE_FRESH_US)
        return true;
    c->before = l->evidence;
    return false;
}

void commit_add_marker(struct commit *c)
{
    commit_watch(c, c->marker.name, c->marker.size);
    c->marker_asked = true;
}

/* WATCH is complete; what goes behind it. */
void commit_close_watch(struct commit *c)
{
    if (c->watch_open) {
        (void)vouch_batch_end(&c->own);
        commit_note_own(c, OWN_WATCH);
        c->watch_open = false;
    }
    if (!c->marker_asked || c->marker_heard)
        return;
    marker_add_get(&c->marker, &c->own);
    commit_note_own(c, OWN_GET);
    c->info_asked = wants_info(c);
    if (c->info_asked)
        commit_add_plain(c, OWN_INFO);
}

/* ---- judging -------------------------------------------------------------------------------- */

/* What INFO said just now; kept for the attempts to come. */
static struct evidence hear_info(struct commit *c)
{
    struct evidence e;
    evidence_read(&e, c->said[OWN_INFO]);
    if (c->lane.link) {
        c->lane.link->evidence = e;
        c->lane.link->evidence_at = c->lane.core->now;
    }
    return e;
}

/* An attempt whose MULTI was not heard of may have run one by one, or will when it arrives. */
static bool may_fall_apart(const struct commit *c)
{
    return (c->loose || c->unheard) && (!c->lane.link || !c->lane.link->may_multi);
}

/* Why an absent marker proves nothing; NULL if it does. */
static const char *against(const struct commit *c, const struct evidence *now)
{
    int64_t life = c->marker.life_ms == VOUCH_MARKER_KEEP ? -1 : c->marker.life_ms * 1000;
    if (may_fall_apart(c))
        return "MULTI is denied to this user now, and was perhaps denied then";
    if (life >= 0 && c->lane.core->uptime - c->first_exec > life / 2)
        return "more than half of marker_ms has passed since EXEC went out";
    return evidence_against(&c->before, now, life);
}

static void end_unproven(struct commit *c, const char *why)
{
    c->doubt = false;
    c->loose = 0;
    commit_put_results(c, VOUCH_EUNKNOWN, VOUCH_MAYBE_APPLIED, VOUCH_CAUSE_UNPROVEN);
    commit_end(c, VOUCH_OUTCOME_UNKNOWN, VOUCH_EUNKNOWN, VOUCH_CAUSE_UNPROVEN,
               "it may have committed, and the marker is not there to say so: %s", why);
}

/* Committed, by this run or by another of the same token. */
static void end_yes(struct commit *c, enum marker_state state, uint32_t attempt,
                    const struct vouch_reply *value)
{
    vouch_string v = vouch_reply_string(value);
    bool loose = state == MARKER_OURS && attempt == c->loose;
    bool apart = state == MARKER_OURS && !loose && may_fall_apart(c);
    c->was_settled = !apart && (c->doubt || c->loose);
    c->witness_size = v.size < sizeof c->witness ? v.size : 0;
    memcpy(c->witness, v.data, c->witness_size);
    c->doubt = false;
    c->loose = 0;
    if (loose) {
        /* Which of them were handed over, a later attempt may have forgotten. */
        commit_put_results(c, VOUCH_EUNKNOWN, VOUCH_MAYBE_APPLIED, VOUCH_CAUSE_MULTI);
        commit_end(c, VOUCH_OUTCOME_NOT_ATOMIC, VOUCH_ENOTATOMIC, VOUCH_CAUSE_MULTI,
                   "MULTI was refused: commands ran one by one, until the connection was lost");
    } else if (apart) {
        commit_put_results(c, VOUCH_EUNKNOWN, VOUCH_MAYBE_APPLIED, VOUCH_CAUSE_MULTI);
        commit_end(c, VOUCH_OUTCOME_UNKNOWN, VOUCH_EUNKNOWN, VOUCH_CAUSE_MULTI,
                   "it ran, but MULTI is denied to this user now, and was not heard to be accepted "
                   "then: perhaps one by one");
    } else if (state == MARKER_OURS) {
        commit_put_results(c, VOUCH_EUNKNOWN, VOUCH_MAYBE_APPLIED, VOUCH_CAUSE_LOST);
        commit_end_yes(c, VOUCH_OUTCOME_SETTLED);
    } else {
        c->result->count = 0;
        commit_end_yes(c, VOUCH_OUTCOME_ALREADY);
    }
}

/* The marker's commands were refused. True if that passes, and is tried again. */
static bool refused(struct commit *c, const struct vouch_reply *words)
{
    enum remedy remedy = effect_remedy(words->as.text, words->n);
    return remedy == REMEDY_WAIT || (remedy == REMEDY_AUTH && lane_reauthenticate(&c->lane));
}

/* Another run has given up, and its "aborted" is in the way of ours. Removed under the WATCH that was
 * just answered; whatever comes of that, the attempt begins again. */
static void take_over(struct commit *c)
{
    commit_clear_round(c);
    commit_add_plain(c, OWN_MULTI);
    marker_add_delete(&c->marker, &c->own);
    commit_note_own(c, OWN_DELETE);
    commit_add_plain(c, OWN_EXEC);
    commit_send(c, COMMIT_TAKING);
}

bool commit_judge_marker(struct commit *c)
{
    uint32_t attempt = 0;
    const struct vouch_reply *value = c->said[OWN_GET];
    if (!c->marker_asked || c->marker_heard)
        return true;
    if (!value) {
        commit_end(c, VOUCH_OUTCOME_NOT_SENT, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY,
                   "the marker's value was dropped: it is too large, or memory is short");
        return false;
    }
    if (vouch_reply_is_error(value)) {
        if (refused(c, value))
            commit_again_refused(c, VOUCH_OUTCOME_REFUSED_QUEUEING, VOUCH_NO_COMMAND,
                                 "GET (marker)", value);
        else
            commit_end_refused(c, VOUCH_OUTCOME_REFUSED_QUEUEING, VOUCH_NO_COMMAND, "GET (marker)",
                               value);
        return false;
    }
    c->marker_heard = true;
    struct evidence now = c->info_asked ? hear_info(c) : c->before;
    enum marker_state state = marker_read(&c->marker, value, &attempt);
    if (state == MARKER_OURS || state == MARKER_USED) {
        end_yes(c, state, attempt, value);
        return false;
    }
    const char *why = c->doubt || c->loose ? against(c, &now) : NULL;
    if (why) {
        end_unproven(c, why);
        return false;
    }
    c->loose = 0; /* its connection is gone, and EXEC never left */
    if (!c->doubt)
        c->before = now;
    if (state != MARKER_ABSENT)
        c->doubt = false; /* whoever wrote it made ours fail */
    if (!c->doubt)
        (void)result_begin(c->result, 0); /* what may have run, did not */
    if (state == MARKER_ABSENT)
        return true;
    take_over(c);
    return false;
}

/* ---- settling ------------------------------------------------------------------------------- */

void commit_settle(struct commit *c)
{
    if (c->failed) {
        c->failed = false;
        lane_init(&c->lane, c->op.core, &commit_lane_ops, c->lane.node, true, c->policy.outages);
    }
    commit_clear_round(c);
    if (c->watching)
        commit_add_plain(c, OWN_UNWATCH);
    marker_add_get(&c->marker, &c->own);
    commit_note_own(c, OWN_GET);
    marker_add_abort(&c->marker, &c->own);
    commit_note_own(c, OWN_SET);
    commit_add_plain(c, OWN_INFO);
    c->connection = 0;
    arena_reset(&c->arena);
    if (c->own.first.status)
        end_unproven(c, "out of memory for asking it");
    else
        commit_send(c, COMMIT_SETTLING);
}

void commit_judge_settle(struct commit *c)
{
    uint32_t attempt = 0;
    if (c->failed) {
        end_unproven(c, c->lane.failure.message[0] ? c->lane.failure.message : "no connection");
        return;
    }
    if (c->lost) {
        commit_settle(c);
        return;
    }
    const struct vouch_reply *seen = c->said[OWN_GET], *old = c->said[OWN_SET];
    enum marker_state state = MARKER_ABSENT;
    if (seen && !vouch_reply_is_error(seen))
        state = marker_read(&c->marker, seen, &attempt);
    if (state == MARKER_OURS || state == MARKER_USED) {
        end_yes(c, state, attempt, seen);
    } else if (!old || vouch_reply_is_error(old)) {
        if (old && refused(c, old))
            commit_again_refused(c, c->end.outcome, VOUCH_NO_COMMAND, "SET (marker)", old);
        else
            end_unproven(c, old ? old->as.text : "out of memory for its reply");
    } else {
        state = marker_read(&c->marker, old, &attempt);
        struct evidence now = hear_info(c);
        const char *why = against(c, &now);
        if (state == MARKER_OURS || state == MARKER_USED)
            end_yes(c, state, attempt, old);
        else if (why)
            end_unproven(c, why);
        else
            commit_end_settled(c);
    }
}
