/* Making and releasing a run: its options, checked and with their defaults. Pure. */
#include "base/alloc.h"
#include "base/error.h"
#include "commit/commit.h"

#include <string.h>

static vouch_status wrong(vouch_error *e, const char *field, const char *what)
{
    return error_set(e, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "options->%s: %s", field, what);
}

/* The longest duration an option takes; longer ones would not fit in 64 bits of microseconds. */
#define DURATION_MAX_MS ((int64_t)1 << 50)

static size_t token_size(const vouch_tx_options *o)
{
    return o->token ? (o->token_size ? o->token_size : strlen(o->token)) : 0;
}

static vouch_status check_marker(const vouch_tx_options *o, vouch_error *e)
{
    const char *prefix = o->marker_prefix ? o->marker_prefix : "";
    size_t token = token_size(o);
    if (!o->token && o->token_size)
        return wrong(e, "token_size", "without a token");
    if (o->token && !token)
        return wrong(e, "token", "empty");
    if (token > VOUCH_TOKEN_MAX)
        return wrong(e, "token", "longer than VOUCH_TOKEN_MAX");
    if (strlen(prefix) > VOUCH_TOKEN_MAX)
        return wrong(e, "marker_prefix", "longer than VOUCH_TOKEN_MAX");
    if (strchr(prefix, '{') || strchr(prefix, '}'))
        return wrong(e, "marker_prefix",
                     "has a brace in it, which would move the marker to another slot");
    if (o->marker_ms != 0 && o->marker_ms != VOUCH_MARKER_KEEP &&
        (o->marker_ms < VOUCH_MARKER_MIN_MS || o->marker_ms > VOUCH_MARKER_MAX_MS))
        return wrong(e, "marker_ms", "out of range");
    return VOUCH_OK;
}

static vouch_status check(const vouch_tx_options *o, vouch_error *e)
{
    if (o->size != sizeof *o)
        return wrong(e, "size", "not set by VOUCH_TX_OPTIONS_INIT");
    if (o->deadline_ms < VOUCH_NO_DEADLINE || o->deadline_ms > DURATION_MAX_MS)
        return wrong(e, "deadline_ms", "out of range");
    if (o->copies_ms < 0 || o->copies_ms > DURATION_MAX_MS)
        return wrong(e, "copies_ms", "out of range");
    if (o->copies > VOUCH_TX_MAX_COPIES)
        return wrong(e, "copies", "more than VOUCH_TX_MAX_COPIES");
    vouch_status status = check_marker(o, e);
    return status ? status : vouch_retry_check(o->retry, e);
}

static void take_policy(struct commit *c, const struct settings *set, const vouch_tx_options *o)
{
    static const vouch_retry retry = VOUCH_RETRY_INIT;
    struct commit_policy *p = &c->policy;
    p->strict = o->strict != 0;
    p->fsync = o->fsync != 0;
    p->load_inside = o->load_inside != 0;
    p->copies = o->copies;
    p->copies_us = o->copies_ms * 1000;
    p->retry = o->retry ? *o->retry : retry;
    if (p->retry.outages == 0)
        p->retry.outages = set->outages;
    p->outages = p->retry.outages == VOUCH_RETRY_NONE ? 0 : p->retry.outages;
}

/* How much of the time is kept for settling: a quarter, at most this. */
#define SETTLE_MAX_US INT64_C(2000000)

static void take_time(struct commit *c, struct core *core, const vouch_tx_options *o)
{
    int64_t ms = o->deadline_ms ? o->deadline_ms : core->settings.deadline_ms;
    c->op.wake = core->now;
    c->op.deadline = c->settle_at = OP_NEVER;
    if (ms == VOUCH_NO_DEADLINE)
        return;
    int64_t keep = ms * 1000 / 4;
    c->op.deadline = core->now + ms * 1000;
    c->settle_at = c->op.deadline - (keep < SETTLE_MAX_US ? keep : SETTLE_MAX_US);
}

struct commit *commit_new(struct core *core, const struct commit_ops *ops,
                          const vouch_tx_options *options, vouch_error *error)
{
    static const vouch_tx_options none = VOUCH_TX_OPTIONS_INIT;
    const vouch_tx_options *o = options ? options : &none;
    if (check(o, error) != VOUCH_OK)
        return NULL;
    bool marked = o->resolve || o->token, used = false;
    const char *prefix = o->marker_prefix ? o->marker_prefix : "vouch:";
    struct commit *c = core_block(core, &ops->kind, &used);
    vouch_tx_result *r =
        c ? result_new(marked ? marker_name_size(strlen(prefix), token_size(o)) : 0) : NULL;
    if (!r) {
        if (c)
            core_release(core, &ops->kind, c);
        (void)error_set(error, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "out of memory for a transaction");
        return NULL;
    }
    memset(c, 0, offsetof(struct commit, reads));
    c->op.ops = &commit_op_ops;
    c->op.core = core;
    c->ops = ops;
    c->home = core;
    c->result = r;
    take_policy(c, &core->settings, o);
    take_time(c, core, o);
    c->retry.random = retry_random_next(&core->random);
    lane_init(&c->lane, core, &commit_lane_ops, 0, true, c->policy.outages);
    if (marked) {
        marker_init(&c->marker, core, r->marker, prefix, o->token, token_size(o),
                    o->marker_ms ? o->marker_ms : VOUCH_MARKER_DEFAULT_MS);
        core->uptime_users++;
    }
    commit_begin(c);
    return c;
}

/* What a block keeps at most of each thing that grows with a run. */
#define KEEP_BYTES    ((size_t)65536)
#define KEEP_COMMANDS ((size_t)1024)

void commit_trim(struct vouch_batch *b)
{
    vouch_batch_clear(b);
    if (b->capacity <= KEEP_BYTES && b->ends_capacity <= KEEP_COMMANDS)
        return;
    batch_release(b);
    *b = (struct vouch_batch){0};
}

void commit_discard(struct commit *c)
{
    batch_release(&c->own);
    batch_release(&c->needing);
    batch_release(&c->reads);
    batch_release(&c->body);
    alloc_free(c->answers);
    arena_free(&c->arena);
}

void commit_free(struct commit *c)
{
    size_t maybe, unsent;
    if (!c->op.done) {
        lane_close(&c->lane, &maybe, &unsent);
        if (c->marker.on)
            c->lane.core->uptime_users--;
    }
    commit_trim(&c->own);
    commit_trim(&c->needing);
    commit_trim(&c->reads);
    commit_trim(&c->body);
    if (c->answers_capacity > KEEP_COMMANDS) {
        alloc_free(c->answers);
        c->answers = NULL;
        c->answers_capacity = 0;
    }
    arena_reset(&c->arena);
    vouch_tx_result_free(c->result);
    core_release(c->home, &c->ops->kind, c);
}

vouch_status commit_finish(struct commit *c, vouch_tx_result **out, vouch_error *error)
{
    vouch_status status = commit_report(c, error);
    if (out) {
        *out = c->result;
        c->result = NULL;
    }
    commit_free(c);
    return status;
}
