/* A pipeline as an operation: its options, its time, its outcome. Pure. */
#include "pipeline/pipeline.h"

#include "base/alloc.h"
#include "base/error.h"

#include <stdio.h>
#include <string.h>

/* ---- time ----------------------------------------------------------------------------------- */

static bool is_over(const struct pipeline *p)
{
    if (p->stream)
        return stream_is_over(p);
    const struct segment *s = segment_at(p, p->head);
    return s->settled == s->count;
}

static void end(struct pipeline *p, vouch_cause cause)
{
    for (size_t i = 0; i < p->share_count; i++) {
        share_end(&p->shares[i], cause);
        if (p->shares[i].lane.failure.message[0])
            p->failure = p->shares[i].lane.failure;
    }
    p->op.done = true;
    for (size_t i = 0; i < p->share_count; i++)
        notice_tell(&p->shares[i], true);
}

static void watch_progress(struct pipeline *p, int64_t now)
{
    uint64_t activity = p->totals.commands;
    for (size_t i = 0; i < p->share_count; i++)
        activity += lane_activity(&p->shares[i].lane);
    if (activity != p->activity) {
        p->activity = activity;
        p->moved_at = now;
    }
}

static void expire(struct vouch_op *op, vouch_cause cause)
{
    struct pipeline *p = (struct pipeline *)op;
    p->cause = cause;
    end(p, cause);
    if (p->stream)
        (void)stream_turn(p);
}

static void advance(struct vouch_op *op, int64_t now)
{
    struct pipeline *p = (struct pipeline *)op;
    p->op.wake = OP_NEVER;
    for (size_t i = 0; i < p->share_count; i++) {
        notice_tell(&p->shares[i], false);
        lane_advance(&p->shares[i].lane, now);
    }
    if (p->stream && stream_turn(p))
        p->moved_at = now;
    if (is_over(p)) {
        end(p, VOUCH_CAUSE_NONE);
        return;
    }
    for (size_t i = 0; i < p->share_count; i++) {
        int64_t resume = p->shares[i].lane.resume;
        if (resume && resume < p->op.wake)
            p->op.wake = resume;
    }
    watch_progress(p, now);
    if (p->stall_us == OP_NEVER)
        return;
    if (now - p->moved_at >= p->stall_us)
        expire(op, VOUCH_CAUSE_STALLED);
    else if (p->moved_at + p->stall_us < p->op.wake)
        p->op.wake = p->moved_at + p->stall_us;
}

static const struct op_ops op_ops = {advance, expire};

/* ---- options -------------------------------------------------------------------------------- */

static vouch_status wrong(vouch_error *e, const char *field, const char *what)
{
    return error_set(e, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "options->%s: %s", field, what);
}

static int64_t limit_us(int64_t given, int64_t otherwise)
{
    int64_t ms = given ? given : otherwise;
    return ms == VOUCH_NO_DEADLINE ? OP_NEVER : ms * 1000;
}

/* The longest duration an option takes; longer ones would not fit in 64 bits of microseconds. */
#define DURATION_MAX_MS ((int64_t)1 << 50)

static vouch_status check(const vouch_pipeline_options *o, vouch_error *e)
{
    if (o->size != sizeof *o)
        return wrong(e, "size", "not set by VOUCH_PIPELINE_OPTIONS_INIT");
    if (o->deadline_ms < VOUCH_NO_DEADLINE || o->deadline_ms > DURATION_MAX_MS)
        return wrong(e, "deadline_ms", "out of range");
    if (o->stall_ms < VOUCH_NO_DEADLINE || o->stall_ms > DURATION_MAX_MS)
        return wrong(e, "stall_ms", "out of range");
    return VOUCH_OK;
}

/* The pipeline with all that is as long as its shares and segments, in one piece and zeroed. */
static struct pipeline *lay_out(struct core *core, size_t segments)
{
    size_t shares = core->nodes, parts = segments * shares;
    size_t size = sizeof(struct pipeline) + segments * sizeof(struct segment) +
                  parts * sizeof(struct part) + shares * sizeof(struct share);
    bool used = false;
    struct pipeline *p = core_block(core, &(struct block_kind){size, NULL}, &used);
    if (!p)
        return NULL;
    if (used)
        memset(p, 0, size - shares * sizeof(struct share)); /* share_init clears those */
    p->block = size;
    p->segments = (struct segment *)(p + 1);
    p->segment_count = segments;
    struct part *part = (struct part *)(p->segments + segments);
    for (size_t i = 0; i < segments; i++)
        p->segments[i].parts = part + i * shares;
    p->shares = (struct share *)(part + parts);
    p->share_count = shares;
    return p;
}

_Static_assert(sizeof(struct pipeline) % 8 == 0 && sizeof(struct segment) % 8 == 0 &&
                   sizeof(struct part) % 8 == 0,
               "what follows is aligned");

struct pipeline *pipeline_new(struct core *core, const vouch_pipeline_options *options,
                              size_t segments, bool leased, vouch_error *error)
{
    static const vouch_pipeline_options none = VOUCH_PIPELINE_OPTIONS_INIT;
    const vouch_pipeline_options *o = options ? options : &none;
    const struct settings *set = &core->settings;
    if (check(o, error) != VOUCH_OK)
        return NULL;
    struct pipeline *p = lay_out(core, segments);
    if (!p) {
        (void)error_set(error, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "out of memory for a pipeline");
        return NULL;
    }
    p->op.ops = &op_ops;
    p->op.core = core;
    p->op.wake = core->now;
    p->idempotent = o->idempotent != 0;
    p->reorder_ok = o->reorder_ok != 0;
    p->moved_at = core->now;
    bool stream = segments > 1;
    int64_t limit = limit_us(o->deadline_ms, stream ? VOUCH_NO_DEADLINE : set->deadline_ms);
    p->op.deadline = limit == OP_NEVER ? OP_NEVER : core->now + limit;
    p->stall_us = stream ? limit_us(o->stall_ms, set->stall_ms) : OP_NEVER;
    for (size_t i = 0; i < p->share_count; i++)
        share_init(&p->shares[i], p, i, leased, o->outages ? o->outages : set->outages);
    return p;
}

void pipeline_free(struct pipeline *p)
{
    for (size_t i = 0; i < p->segment_count; i++)
        segment_free(p, &p->segments[i]);
    core_release(p->home, &(struct block_kind){p->block, NULL}, p);
}

/* ---- the outcome ---------------------------------------------------------------------------- */

/* What is to be said of the reply beside its words. */
static void explain(struct fault *f, const struct pipeline *p, const struct need *need,
                    const vouch_reply *reply)
{
    for (size_t i = 0; need && !f->explained && i < p->share_count; i++)
        f->explained = lane_explain(&p->shares[i].lane, need, reply, &f->detail);
}

static void note_fault(struct pipeline *p, enum fault_kind kind, const struct segment *s,
                       size_t index, uint64_t command)
{
    struct fault *f = &p->faults[kind];
    if (f->set)
        return;
    const vouch_result *r = &s->results[index], *before = index ? r - 1 : NULL;
    struct batch_words w = batch_words(s->batch, index);
    /* What a command was held back for is told with it. */
    f->behind = r->cause == VOUCH_CAUSE_ORDER && before && before->status == VOUCH_ESERVER;
    const vouch_reply *reply = f->behind ? before->reply : r->reply;
    vouch_string words = vouch_reply_string(reply);
    f->set = true;
    f->command = command;
    f->cause = r->cause;
    explain(f, p, batch_need(s->batch, f->behind ? index - 1 : index), reply);
    error_escape(f->name, sizeof f->name, w.name, w.name_size);
    if (words.data) {
        error_code(f->code, words.data, words.size);
        error_escape(f->words, sizeof f->words, words.data, words.size);
    }
}

void pipeline_count(struct pipeline *p, const struct segment *s, size_t index, uint64_t command)
{
    const vouch_result *r = &s->results[index];
    p->totals.commands++;
    if (r->status == VOUCH_OK) {
        p->totals.applied++;
        return;
    }
    p->totals.applied += r->effect == VOUCH_APPLIED;
    p->totals.not_applied += r->effect == VOUCH_NOT_APPLIED;
    p->totals.maybe += r->effect == VOUCH_MAYBE_APPLIED;
    p->totals.errors += r->status == VOUCH_ESERVER;
    enum fault_kind kind = r->effect == VOUCH_MAYBE_APPLIED ? FAULT_MAYBE
                           : r->status == VOUCH_ENOTSENT    ? FAULT_NOT_SENT
                                                            : FAULT_ERROR;
    note_fault(p, kind, s, index, command);
}

static vouch_status status_of(const struct pipeline *p)
{
    if (p->faults[FAULT_MAYBE].set)
        return VOUCH_EUNKNOWN;
    if (p->cause == VOUCH_CAUSE_INTERRUPTED)
        return VOUCH_EINTERRUPTED;
    if (p->cause == VOUCH_CAUSE_CANCELLED)
        return VOUCH_ECANCELLED;
    if (p->faults[FAULT_NOT_SENT].set || p->cause != VOUCH_CAUSE_NONE)
        return VOUCH_ENOTSENT;
    return p->faults[FAULT_ERROR].set ? VOUCH_EPARTIAL : VOUCH_OK;
}

static vouch_effect effect_of(const vouch_totals *t)
{
    if (t->maybe)
        return VOUCH_MAYBE_APPLIED;
    if (t->applied == t->commands)
        return VOUCH_APPLIED;
    return t->applied ? VOUCH_PARTLY_APPLIED : VOUCH_NOT_APPLIED;
}

/* What ended it, in the most telling words there are. */
static void reason(const struct pipeline *p, const struct fault *f, char *out, size_t room)
{
    const char *trouble = p->failure.message, *sentence = vouch_cause_sentence(f->cause);
    bool waited = f->cause == VOUCH_CAUSE_DEADLINE || f->cause == VOUCH_CAUSE_STALLED;
    bool moved = strcmp(f->code, "MOVED") == 0;
    if (f->words[0])
        (void)snprintf(out, room, "%s%s%s%s%s",
                       f->behind ? "held back, the one before was refused: " : "", f->words,
                       f->explained ? f->explained : "", f->explained ? f->detail : "",
                       moved ? " (a cluster: the key is on another of its nodes)" : "");
    else if (f->cause == VOUCH_CAUSE_LIMIT)
        (void)snprintf(out, room,
                       "executed, but its reply was dropped: over reply_max_bytes, "
                       "reply_max_elements or reply_max_depth");
    else if (trouble[0] && waited)
        (void)snprintf(out, room, "%s (last trouble: %s)", sentence, trouble);
    else if (trouble[0] && f->cause != VOUCH_CAUSE_INTERRUPTED && f->cause != VOUCH_CAUSE_CANCELLED)
        (void)snprintf(out, room, "%s", trouble);
    else
        (void)snprintf(out, room, "%s", sentence);
}

vouch_status pipeline_report(const struct pipeline *p, vouch_error *error)
{
    vouch_status status = status_of(p);
    const vouch_totals *t = &p->totals;
    if (status == VOUCH_OK) {
        error_clear(error);
        return VOUCH_OK;
    }
    const struct fault *f = NULL;
    for (int i = FAULT_KINDS - 1; i >= 0; i--)
        if (p->faults[i].set)
            f = &p->faults[i];
    char why[2 * VOUCH_MESSAGE_MAX];
    if (f)
        reason(p, f, why, sizeof why);
    if (f)
        (void)error_set(error, status, f->cause,
                        "command %llu (%s): %s [%llu applied, %llu not applied, %llu maybe]",
                        (unsigned long long)f->command, f->name, why,
                        (unsigned long long)t->applied, (unsigned long long)t->not_applied,
                        (unsigned long long)t->maybe);
    else
        (void)error_set(error, status, p->cause, "%s [%llu applied]",
                        vouch_cause_sentence(p->cause), (unsigned long long)t->applied);
    if (!error)
        return status;
    if (f) {
        error->command = (size_t)f->command;
        memcpy(error->code, f->code, sizeof error->code);
    }
    error->effect = effect_of(t);
    error->retriable = t->applied == 0 && t->maybe == 0;
    return status;
}
