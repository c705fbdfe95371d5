/* How a run ends: settled first if it must be, then copied, then with a clean connection. Pure.
 *
 * Invariants
 *   1. No end that says "not applied" is reached while `doubt` or `loose` is set, but through SETTLING:
 *      all ends pass `reach`.
 *   2. What leaves a connection with WATCH or MULTI on it closes it (commit_hang_up). */
#include "base/error.h"
#include "commit/commit.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void commit_close(struct commit *c)
{
    vouch_tx_result *r = c->result;
    commit_hang_up(c, VOUCH_CAUSE_NONE);
    c->phase = COMMIT_OVER;
    r->outcome = c->end.outcome;
    r->attempts = c->attempt;
    r->conflicts = c->retry.conflicts;
    r->has_marker = c->marker.pinned;
    r->marker_size = c->marker.size;
    if (c->marker.on)
        c->lane.core->uptime_users--;
    c->op.done = true;
    commit_tell_over(c);
}

/* UNWATCH first, if that is all that is wrong with the connection. */
void commit_leave(struct commit *c)
{
    if (!c->watching || c->final || c->sent != c->answered || lane_connection(&c->lane) == 0) {
        commit_close(c);
        return;
    }
    commit_clear_round(c);
    commit_add_plain(c, OWN_UNWATCH);
    if (c->own.first.status)
        commit_close(c);
    else
        commit_send(c, COMMIT_LEAVING);
}

static bool is_yes(vouch_tx_outcome outcome)
{
    return outcome == VOUCH_OUTCOME_COMMITTED || outcome == VOUCH_OUTCOME_ERRORS ||
           outcome == VOUCH_OUTCOME_SETTLED || outcome == VOUCH_OUTCOME_ALREADY;
}

/* Waits for replicas, on the connection that wrote last; after a commit that is only known from its
 * marker, the marker is written again, or there is nothing to wait for. */
static void copy(struct commit *c)
{
    int64_t left = c->op.deadline == OP_NEVER ? OP_NEVER : c->op.deadline - c->lane.core->now;
    /* Some of it is kept for the answer. */
    int64_t wait = left == OP_NEVER ? c->policy.copies_us : left - left / 10;
    if (c->policy.copies_us && c->policy.copies_us < wait)
        wait = c->policy.copies_us;
    if (c->final || (left != OP_NEVER && wait < 1000)) {
        commit_leave(c);
        return;
    }
    commit_clear_round(c);
    if (c->witness_size) {
        marker_add_again(&c->marker, &c->own, (vouch_string){c->witness, c->witness_size});
        commit_note_own(c, OWN_SET);
    }
    vouch_arg words[] = {vouch_text("WAITAOF"), vouch_int(1), vouch_uint(c->policy.copies),
                         vouch_int(wait / 1000)};
    if (!c->policy.fsync) {
        words[1] = words[2];
        words[2] = words[3];
        words[0] = vouch_text("WAIT");
    }
    (void)vouch_batch_addv(&c->own, vouch_args_of(words, c->policy.fsync ? 4 : 3));
    commit_note_own(c, OWN_WAIT);
    arena_reset(&c->arena);
    if (c->own.first.status)
        commit_leave(c);
    else
        commit_send(c, COMMIT_COPYING);
}

void commit_judge_copies(struct commit *c)
{
    const struct vouch_reply *said = c->lost || c->failed ? NULL : c->said[OWN_WAIT];
    const struct vouch_reply *again = c->said[OWN_SET];
    int64_t local = 1;
    if (c->policy.fsync && vouch_reply_count(said) == 2) {
        (void)vouch_reply_int64(vouch_reply_at(said, 0), &local);
        said = vouch_reply_at(said, 1);
    }
    bool written = !c->witness_size || (again && again->type == VOUCH_TYPE_STATUS);
    if (!written || !vouch_reply_int64(said, &c->result->copies))
        c->result->copies = -1;
    c->copied = c->result->copies >= (int64_t)c->policy.copies && local >= 1;
    if (said && vouch_reply_is_error(said))
        error_escape(c->end.message, sizeof c->end.message, said->as.text, said->n);
    commit_leave(c);
}

/* What is reached when nothing is left in doubt. */
static void conclude(struct commit *c)
{
    if (is_yes(c->end.outcome) && (c->policy.copies || c->policy.fsync))
        copy(c);
    else
        commit_leave(c);
}

/* A doubt stands, and this end would deny it. */
static bool denies_a_doubt(const struct commit *c)
{
    return (c->doubt || c->loose) && !is_yes(c->end.outcome) &&
           c->end.outcome != VOUCH_OUTCOME_UNKNOWN;
}

static void make_unknown(struct commit *c)
{
    struct commit_end *e = &c->end;
    commit_put_results(c, VOUCH_EUNKNOWN, VOUCH_MAYBE_APPLIED, e->cause);
    e->outcome = VOUCH_OUTCOME_UNKNOWN;
    e->status = VOUCH_EUNKNOWN;
    e->command = VOUCH_NO_COMMAND;
    c->result->queue_error_count = c->result->exec_error_count = 0;
}

/* What an attempt in doubt left in the results, and a later one has not replaced. */
static void deny_all(struct commit *c)
{
    for (size_t i = 0; i < c->result->count; i++) {
        vouch_result *r = &c->result->results[i];
        if (r->effect == VOUCH_NOT_APPLIED)
            continue;
        r->status = VOUCH_ENOTSENT;
        r->effect = VOUCH_NOT_APPLIED;
        r->cause = c->end.cause;
        r->reply = NULL;
    }
}

static void reach(struct commit *c)
{
    if (denies_a_doubt(c)) {
        bool may_settle = c->marker.on && !c->final && c->end.outcome != VOUCH_OUTCOME_NOT_ATOMIC;
        if (may_settle) {
            commit_settle(c);
            return;
        }
        make_unknown(c);
    }
    c->doubt = false;
    c->loose = 0;
    if (!is_yes(c->end.outcome) && c->end.outcome != VOUCH_OUTCOME_UNKNOWN &&
        c->end.outcome != VOUCH_OUTCOME_NOT_ATOMIC)
        deny_all(c);
    conclude(c);
}

static void set_end(struct commit *c, vouch_tx_outcome outcome, vouch_status status,
                    vouch_cause cause)
{
    c->end.outcome = outcome;
    c->end.status = status;
    c->end.cause = cause;
    c->end.command = VOUCH_NO_COMMAND;
    c->end.code[0] = c->end.message[0] = 0;
}

void commit_end(struct commit *c, vouch_tx_outcome outcome, vouch_status status, vouch_cause cause,
                const char *format, ...)
{
    char text[2 * VOUCH_MESSAGE_MAX];
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    set_end(c, outcome, status, cause);
    if (n > 0)
        error_escape(c->end.message, sizeof c->end.message, text, strlen(text));
    reach(c);
}

void commit_end_yes(struct commit *c, vouch_tx_outcome outcome)
{
    set_end(c, outcome, VOUCH_OK, VOUCH_CAUSE_NONE);
    reach(c);
}

void commit_word_refusal(char message[static VOUCH_MESSAGE_MAX], char code[static VOUCH_CODE_MAX],
                         size_t index, const char *name, const struct vouch_reply *words)
{
    char text[VOUCH_MESSAGE_MAX + 64], said[VOUCH_MESSAGE_MAX] = "(its words were lost)";
    memset(code, 0, VOUCH_CODE_MAX);
    if (vouch_reply_is_error(words)) {
        error_code(code, words->as.text, words->n);
        error_escape(said, sizeof said, words->as.text, words->n);
    }
    if (index == VOUCH_NO_COMMAND)
        (void)snprintf(text, sizeof text, "%s: %s", name, said);
    else
        (void)snprintf(text, sizeof text, "command %zu (%s): %s", index, name, said);
    error_escape(message, VOUCH_MESSAGE_MAX, text, strlen(text));
}

void commit_list_refusal(struct commit *c, vouch_tx_outcome outcome, const char *name,
                         const struct vouch_reply *words)
{
    vouch_tx_result *r = c->result;
    vouch_queue_error *e = r->queue_errors;
    if (outcome != VOUCH_OUTCOME_REFUSED_QUEUEING || r->queue_error_count || c->doubt || c->loose ||
        !vouch_reply_is_error(words))
        return;
    char *copy = arena_get(&r->arena, (size_t)words->n + 1);
    if (!copy)
        return;
    memcpy(copy, words->as.text, (size_t)words->n + 1);
    memset(e, 0, sizeof *e);
    e->index = VOUCH_NO_COMMAND;
    error_escape(e->command, sizeof e->command, name, strlen(name));
    e->words = (vouch_string){copy, words->n};
    r->queue_error_count = 1;
}

/* Why what a command needs is missing. */
static void add_load_refusal(struct commit *c, const struct vouch_reply *words)
{
    char text[3 * VOUCH_MESSAGE_MAX], said[VOUCH_MESSAGE_MAX];
    const struct vouch_reply *load = c->load_refused;
    if (!load || load == words || c->phase != COMMIT_EXECUTING)
        return;
    error_escape(said, sizeof said, load->as.text, load->n);
    (void)snprintf(text, sizeof text, "%s; %s: %s", c->end.message,
                   c->needs[c->load_refused_at].need->name, said);
    /* Escaped already; only shortened. */
    error_escape(c->end.message, sizeof c->end.message, text, strlen(text));
}

void commit_end_refused(struct commit *c, vouch_tx_outcome outcome, size_t index, const char *name,
                        const struct vouch_reply *words)
{
    vouch_status status = outcome == VOUCH_OUTCOME_ERRORS       ? VOUCH_EPARTIAL
                          : outcome == VOUCH_OUTCOME_NOT_ATOMIC ? VOUCH_ENOTATOMIC
                                                                : VOUCH_ESERVER;
    set_end(c, outcome, status, VOUCH_CAUSE_REFUSED);
    commit_list_refusal(c, outcome, name, words);
    commit_word_refusal(c->end.message, c->end.code, index, name, words);
    add_load_refusal(c, words);
    c->end.command = index;
    reach(c);
}

void commit_end_settled(struct commit *c)
{
    c->was_settled = true;
    c->doubt = false;
    c->loose = 0;
    commit_put_results(c, VOUCH_ENOTSENT, VOUCH_NOT_APPLIED, c->end.cause);
    conclude(c);
}
