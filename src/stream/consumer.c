/* What a consumer does next. Pure: it is told the time, and starts and finishes operations that others drive.
 *
 *     no group  ──GROUP──> groups  ──read──> entries ──> deliveries ──commit──> acknowledged
 *        ^                            │ NOGROUP, UNBLOCKED
 *        └────────────────────────────┘ (told, and made again if the options say so)
 *
 * Invariants
 *   1. At most one `read` and one `side` operation are under way.
 *   2. Nothing is read for a stream whose group is not known to be there.
 *   3. What the server delivered is in the queue or with the caller until it is settled (holding.held). */
#include "stream/consumer.h"
#include "base/alloc.h"
#include "base/error.h"

#include <stdio.h>
#include <string.h>

/* After an operation that failed. */
#define RETRY_US 50000

size_t consumer_room(const struct vouch_consumer *c)
{
    size_t used = c->queued + c->working, most = c->o.in_flight;
    size_t left = used < most ? most - used : 0;
    return left < c->o.batch ? left : c->o.batch;
}

vouch_status consumer_call(struct vouch_consumer *c, int script, vouch_args keys, vouch_args args,
                           bool idempotent, vouch_error *error)
{
    vouch_call_options o = VOUCH_CALL_OPTIONS_INIT;
    o.idempotent = idempotent;
    return vouch_script_start(c->client, c->scripts[script], keys, args, &o, &c->side, error);
}

/* ---- troubles ------------------------------------------------------------------------------- */

/* To be told by the next poll that has nothing else to give. */
static void note(struct vouch_consumer *c, const vouch_error *e, int64_t now)
{
    c->error = *e;
    /* Whatever was not answered is settled by going on: nothing of it is lost, or done twice. */
    c->error.retriable =
        e->retriable || (e->status != VOUCH_EPARTIAL && e->status != VOUCH_ESERVER);
    c->retry_at = now + RETRY_US;
}

static void fail(struct vouch_consumer *c, const vouch_error *e)
{
    c->error = *e;
    c->failed = true;
}

/* ---- groups --------------------------------------------------------------------------------- */

static bool wants_groups(const struct vouch_consumer *c)
{
    if (c->o.ack == VOUCH_ACK_EXACTLY_ONCE)
        return false;
    for (size_t i = 0; i < c->stream_count; i++)
        if (!c->streams[i].grouped)
            return !c->read; /* it will be gone soon: there is no group to wait in */
    return false;
}

static const char *begin_of(const struct vouch_consumer *c)
{
    if (!c->lost_groups)
        return c->from.data;
    return c->o.lost_group == VOUCH_LOST_ALL ? "0" : "$";
}

static vouch_status start_groups(struct vouch_consumer *c, vouch_error *error)
{
    vouch_pipeline_options o = VOUCH_PIPELINE_OPTIONS_INIT;
    o.idempotent = 1; /* "BUSYGROUP" is as good as OK */
    vouch_batch_clear(c->asking);
    for (size_t i = 0; i < c->stream_count; i++) {
        const struct stream *s = &c->streams[i];
        vouch_arg words[] = {vouch_text("XGROUP"), vouch_text("CREATE"),    arg_of(&s->name),
                             arg_of(&c->group),    vouch_text(begin_of(c)), vouch_text("MKSTREAM")};
        (void)vouch_batch_addv(c->asking, vouch_args_of(words, 6));
    }
    return vouch_pipeline_start(c->client, c->asking, &o, &c->side, error);
}

static bool is_there(const vouch_result *r)
{
    static const char busy[] = "BUSYGROUP ";
    vouch_string words = vouch_reply_string(r->reply);
    return r->status == VOUCH_OK || (r->status == VOUCH_ESERVER && words.size > sizeof busy - 1 &&
                                     memcmp(words.data, busy, sizeof busy - 1) == 0);
}

/* To the caller it is one thing that the server has refused. */
static void refuse(struct vouch_consumer *c, vouch_error *e)
{
    e->status = VOUCH_ESERVER;
    fail(c, e);
}

static void finish_groups(struct vouch_consumer *c, int64_t now)
{
    vouch_results *results = NULL;
    vouch_error e;
    bool all = true;
    (void)!vouch_pipeline_finish(c->side, &results, &e);
    for (size_t i = 0; i < vouch_results_count(results); i++) {
        const vouch_result *r = vouch_results_at(results, i);
        bool made = r->status == VOUCH_OK, there = is_there(r);
        struct stream *s = &c->streams[i];
        if (made && c->lost_groups)
            c->counts.groups_lost++;
        s->grouped = there;
        all = all && there;
    }
    vouch_results_free(results);
    if (all)
        c->lost_groups = false;
    else if (e.status == VOUCH_EPARTIAL)
        refuse(c, &e);
    else
        note(c, &e, now);
}

/* ---- owners --------------------------------------------------------------------------------- */

bool consumer_begin_owner(struct vouch_consumer *c)
{
    struct owner *o = alloc_zeroed(1, sizeof *o + c->stream_count * sizeof *o->of);
    if (!o)
        return false;
    int n = snprintf(o->name, sizeof o->name, "%s:%s.%llu", c->name, c->incarnation,
                     (unsigned long long)++c->owners);
    o->size = (size_t)n;
    if (c->owner)
        c->owner->retired = true;
    o->next = c->owner;
    c->owner = o;
    c->retire = false;
    return true;
}

size_t owner_held(const struct vouch_consumer *c, const struct owner *o)
{
    size_t n = 0;
    for (size_t i = 0; i < c->stream_count; i++)
        n += o->of[i].held;
    return n;
}

void owner_drop(struct vouch_consumer *c, struct owner *o, const struct stream *s)
{
    o->of[s - c->streams].held--;
    if (c->o.ack == VOUCH_ACK_EXACTLY_ONCE && o == c->owner)
        c->retire = true;
}

static bool is_reading(const struct vouch_consumer *c, const struct owner *o)
{
    return (c->read && c->spare && c->spare->owner == o) ||
           (c->doing == SIDE_CLAIM && c->spare_claim->owner == o);
}

/* One of which nothing is in doubt any more, and with which the group may still have something. */
static struct owner *to_leave(struct vouch_consumer *c)
{
    for (struct owner *o = c->owner; o; o = o->next)
        if (o->retired && (!owner_held(c, o) || c->closing) && o->left < c->stream_count &&
            !is_reading(c, o) && !acks_wait(c))
            return o;
    return NULL;
}

/* Something still says its name: also what is settled may have something to tell the group. */
static bool is_named(const struct vouch_consumer *c, const struct owner *o)
{
    for (const struct hand *h = c->hands; h; h = h->next)
        if (h->owner == o)
            return true;
    for (const struct vouch_delivery *d = c->out; d; d = d->next)
        if (d->owner == o)
            return true;
    for (const struct intake *a = c->ready; a; a = a->next)
        if (a->owner == o)
            return true;
    return false;
}

static void drop_left(struct vouch_consumer *c)
{
    for (struct owner **o = &c->owner; *o;) {
        struct owner *gone = *o;
        if (gone == c->owner || gone->left < c->stream_count || owner_held(c, gone) ||
            is_reading(c, gone) || is_named(c, gone)) {
            o = &gone->next;
            continue;
        }
        *o = gone->next;
        alloc_free(gone);
    }
}

static void finish_leaving(struct vouch_consumer *c, int64_t now)
{
    vouch_error e;
    int64_t given = 0;
    struct owner *o = c->leaving;
    if (leave_finish(c, &given, &e) != VOUCH_OK) {
        note(c, &e, now);
        return;
    }
    c->counts.given_back += given > 0 ? (uint64_t)given : 0;
    o->left++;
}

/* ---- steps ---------------------------------------------------------------------------------- */

static void finish_read(struct vouch_consumer *c, int64_t now)
{
    vouch_error e;
    if (read_finish(c, &e) != VOUCH_OK)
        note(c, &e, now);
    if (c->o.ack == VOUCH_ACK_EXACTLY_ONCE || !c->lost_groups || c->o.lost_group != VOUCH_LOST_FAIL)
        return;
    (void)error_set(&e, VOUCH_ESERVER, VOUCH_CAUSE_REFUSED,
                    "group %s is gone (XGROUP DESTROY, FLUSHALL, a failover); options->lost_group "
                    "says to stop",
                    c->group.data);
    fail(c, &e);
}

static void finish_claim(struct vouch_consumer *c, int64_t now)
{
    vouch_error e;
    if (recover_finish(c, now, &e) == VOUCH_OK)
        return;
    if (strcmp(e.code, "NOGROUP") == 0)
        return; /* a read says so, too */
    note(c, &e, now);
}

static void finish_side(struct vouch_consumer *c, int64_t now)
{
    enum side doing = c->doing;
    vouch_error e;
    switch (doing) {
    case SIDE_GROUP:
        finish_groups(c, now);
        break;
    case SIDE_OPEN:
        if (exact_open_finish(c, now, &e) != VOUCH_OK)
            e.retriable ? note(c, &e, now) : fail(c, &e);
        break;
    case SIDE_COMMIT:
        if (exact_commit_finish(c, &e) != VOUCH_OK)
            note(c, &e, now);
        break;
    case SIDE_ACK:
        if (acks_finish(c, &e) != VOUCH_OK)
            note(c, &e, now);
        break;
    case SIDE_CLAIM:
        finish_claim(c, now);
        break;
    case SIDE_HAND:
        if (hand_finish(c, &e) != VOUCH_OK)
            note(c, &e, now);
        break;
    case SIDE_LEAVE:
        finish_leaving(c, now);
        break;
    case SIDE_SWEEP:
        if (sweep_finish(c, &e) != VOUCH_OK)
            note(c, &e, now);
        break;
    case SIDE_NONE:
        break;
    }
    c->side = NULL;
    c->doing = SIDE_NONE;
    if (c->owner->next)
        drop_left(c);
}

static void start_side(struct vouch_consumer *c, int64_t now)
{
    vouch_error e = {.status = VOUCH_OK};
    struct stream *s;
    if (wants_groups(c)) {
        c->doing = SIDE_GROUP;
        (void)!start_groups(c, &e);
    } else if (c->commits) {
        c->doing = SIDE_COMMIT;
        (void)!exact_commit_start(c, &e);
    } else if ((s = exact_to_open(c))) {
        c->doing = SIDE_OPEN;
        (void)!exact_open_start(c, s, &e);
    } else if (c->retire && !c->closing && !consumer_begin_owner(c)) {
        (void)error_set(&e, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "out of memory for an incarnation");
    } else if (c->hands) {
        c->doing = SIDE_HAND;
        (void)!hand_start(c, &e);
    } else if ((c->stopped || c->flushing) && acks_can_go(c)) {
        c->doing = SIDE_ACK;
        (void)!acks_start(c, &e);
    } else if ((c->leaving = to_leave(c))) {
        c->doing = SIDE_LEAVE;
        (void)!leave_start(c, c->leaving, &e);
    } else if ((s = recover_due(c, now))) {
        c->doing = SIDE_CLAIM;
        (void)!recover_start(c, s, &e);
    } else if ((s = sweep_due(c))) {
        c->doing = SIDE_SWEEP;
        (void)!sweep_start(c, s, &e);
    }
    if (e.status)
        note(c, &e, now);
    if (!c->side)
        c->doing = SIDE_NONE;
    c->started = c->started || c->side;
}

static void start_read(struct vouch_consumer *c, int64_t now)
{
    vouch_error e;
    if (read_start(c, &e) != VOUCH_OK)
        note(c, &e, now);
    c->started = c->started || c->read;
}

static void step(struct vouch_consumer *c, int64_t now)
{
    if (c->read && vouch_op_done(c->read))
        finish_read(c, now);
    if (c->side && vouch_op_done(c->side))
        finish_side(c, now);
    if (c->failed || now < c->retry_at)
        return;
    c->retry_at = 0;
    if (!c->side)
        start_side(c, now);
    if (read_is_wanted(c))
        start_read(c, now);
}

void consumer_step(struct vouch_consumer *c, int64_t now)
{
    c->now = now;
    step(c, now);
    c->worded = NULL; /* from here on the caller may change what was committed */
}

int64_t consumer_wake(const struct vouch_consumer *c)
{
    int64_t wake = c->failed || c->side ? INT64_MAX : recover_wake(c);
    return c->retry_at ? c->retry_at : wake;
}
