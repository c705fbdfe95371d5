/* Entries, and faults. */
#include "mischief.h"

#include "base.h"
#include "clocked.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ASK(m, ...) ask((m), (const char *const[]){__VA_ARGS__, NULL})

static ts_reply *ask(struct mischief *m, const char *const *words)
{
    size_t n = 0;
    while (words[n])
        n++;
    return rig_ask(m->rig, n, words);
}

static bool chance(struct mischief *m, uint64_t one_in)
{
    return chaos_below(&m->die, one_in) == 0;
}

struct mischief mischief_begin(struct rig *rig, const char *folder, const struct crowd_plan *plan)
{
    struct mischief m = {.rig = rig,
                         .plan = *plan,
                         .folder = folder,
                         .die = chaos_seed(plan->seed, 8, 0),
                         .life = 1};
    clocked_set(folder, 0);
    ts_reply_free(ASK(&m, "FLUSHALL"));
    return m;
}

/* ---- entries -------------------------------------------------------------------------------- */

static bool add(struct mischief *m)
{
    char id[32], amount[32];
    (void)snprintf(id, sizeof id, "%zu-1", m->added + 1);
    (void)snprintf(amount, sizeof amount, "%lld", (long long)crowd_amount(m->life, m->added + 1));
    ts_reply *r = ASK(m, "XADD", CROWD_STREAM, id, "n", amount);
    bool fine = r->type == TS_REPLY_TEXT;
    if (!fine && (r->type != TS_REPLY_ERROR || strncmp(r->text, "OOM", 3) != 0))
        ts_die("an entry cannot be added: %s", r->text ? r->text : "?");
    ts_reply_free(r);
    m->added += fine;
    return fine;
}

void mischief_produce(struct mischief *m)
{
    for (uint64_t n = chaos_below(&m->die, 14); n > 0 && m->added < CROWD_MOST; n--)
        if (!add(m))
            return;
}

/* ---- deletions ------------------------------------------------------------------------------ */

/* Answers the ids that were pending, and those that were deleted. */
static const char delete_some[] =
    "local p, some = redis.pcall('XPENDING', KEYS[1], ARGV[1], '-', '+', 40), {} "
    "if p.err then return {{}, {}} end "
    "for i = 1 + ARGV[2], #p, 3 do some[#some + 1] = p[i][1] redis.call('XDEL', KEYS[1], p[i][1]) "
    "end "
    "return {some, some}";
static const char trim[] = "local p = redis.pcall('XPENDING', KEYS[1], ARGV[1], '-', '+', 40) "
                           "if p.err or #p < 3 then return {{}, {}} end "
                           "local to, pending, gone = p[1 + math.floor(#p / 3)][1], {}, {} "
                           "for i = 1, math.floor(#p / 3) do pending[i] = p[i][1] end "
                           "for _, e in ipairs(redis.call('XRANGE', KEYS[1], '-', '(' .. to)) do "
                           "gone[#gone + 1] = e[1] end "
                           "redis.call('XTRIM', KEYS[1], 'MINID', to) return {pending, gone}";

static void note_ids(uint8_t *marks, const ts_reply *ids)
{
    for (size_t i = 0; i < ids->count; i++) {
        unsigned long k = strtoul(ids->elements[i]->text, NULL, 10);
        if (k > CROWD_MOST)
            ts_die("an entry that never was: %lu", k);
        marks[k] = 1;
    }
}

static void delete (struct mischief *m)
{
    const char *script = chance(m, 2) ? delete_some : trim;
    ts_reply *r = ASK(m, "EVAL", script, "1", CROWD_STREAM, CROWD_GROUP, chance(m, 2) ? "0" : "1");
    if (r->type == TS_REPLY_ARRAY && r->count == 2) {
        note_ids(m->must_tell, r->elements[0]);
        note_ids(m->deleted, r->elements[0]);
        note_ids(m->deleted, r->elements[1]);
    } else if (r->type != TS_REPLY_ERROR || strncmp(r->text, "OOM", 3) != 0) {
        ts_die("entries cannot be deleted: %s", r->text ? r->text : "?");
    }
    ts_reply_free(r);
}

/* ---- acts ----------------------------------------------------------------------------------- */

static void drop_a_consumer(struct mischief *m)
{
    ts_reply *r = ASK(m, "XINFO", "CONSUMERS", CROWD_STREAM, CROWD_GROUP);
    if (r->type == TS_REPLY_ARRAY && r->count) {
        const ts_reply *one = r->elements[chaos_below(&m->die, r->count)];
        ts_reply_free(
            ASK(m, "XGROUP", "DELCONSUMER", CROWD_STREAM, CROWD_GROUP, one->elements[1]->text));
    }
    ts_reply_free(r);
}

/* Somewhere in what a commit says, or in what it is answered. */
#define COMMIT_BYTES 1500
#define ANSWER_BYTES 150

static void cut_commit(struct mischief *m, int which, ts_cut_mode mode)
{
    ts_plan plan = ts_plan_none();
    plan.mode = mode;
    if (chance(m, 2))
        plan.to_server.cut_after = (int64_t)chaos_below(&m->die, COMMIT_BYTES);
    else
        plan.to_client.cut_after = (int64_t)chaos_below(&m->die, ANSWER_BYTES);
    ts_proxy_plan_from_here(m->rig->proxy, which, &plan);
}

static void trouble_one(struct mischief *m)
{
    static const ts_cut_mode modes[] = {TS_CUT_SETTLE, TS_CUT_ANSWER, TS_CUT_ABRUPT, TS_CUT_HELD};
    int n = ts_proxy_count(m->rig->proxy, TS_EVERY).connections;
    int some = n < 16 ? n : 16;
    if (!n)
        return;
    int which = n - 1 - (int)chaos_below(&m->die, (uint64_t)some);
    ts_cut_mode mode = modes[chaos_below(&m->die, 4)];
    ts_plan plan = ts_plan_none();
    switch (chaos_below(&m->die, 7)) {
    case 0:
        plan.to_server.stall_after = (int64_t)chaos_below(&m->die, 600);
        ts_proxy_plan_from_here(m->rig->proxy, which, &plan);
        break;
    case 1:
        plan.to_client.stall_after = (int64_t)chaos_below(&m->die, 600);
        ts_proxy_plan_from_here(m->rig->proxy, which, &plan);
        break;
    case 2: /* no more answers, and nobody says so */
        plan.to_client.drop_after = (int64_t)chaos_below(&m->die, 600);
        ts_proxy_plan_from_here(m->rig->proxy, which, &plan);
        break;
    case 3:
        ts_proxy_release(m->rig->proxy, which);
        break;
    case 4:
        ts_proxy_cut(m->rig->proxy, which, TS_END_EOF, mode);
        break;
    default:
        cut_commit(m, which, mode);
        break;
    }
}

/* By as much as entries are idle before they are claimed, or by far more; forward or back. */
static void step_clock(struct mischief *m)
{
    int64_t most = chance(m, 2) ? 60 : 5000;
    int64_t by = (int64_t)chaos_below(&m->die, (uint64_t)most) + 1;
    m->clock += chance(m, 2) ? by : -by;
    m->highest = m->clock > m->highest ? m->clock : m->highest;
    clocked_set(m->folder, m->clock);
    m->steps++;
}

static void starve(struct mischief *m)
{
    ts_reply_free(ASK(m, "CONFIG", "SET", "maxmemory", "1"));
    m->starved_until = ts_now_ms() + 5 + (int64_t)chaos_below(&m->die, 40);
}

static void feed(struct mischief *m)
{
    ts_reply_free(ASK(m, "CONFIG", "SET", "maxmemory", "0"));
    m->starved_until = 0;
}

static void kill_server(struct mischief *m)
{
    ts_server_kill(m->rig->server);
    if (!ts_server_restart(m->rig->server))
        ts_die("the server does not start again");
    m->starved_until = 0;
    m->deaths++;
}

static void flush(struct mischief *m)
{
    ts_reply_free(ASK(m, "FLUSHALL"));
    m->life++;
    m->added = 0;
    memset(m->deleted, 0, sizeof m->deleted);
    memset(m->must_tell, 0, sizeof m->must_tell);
}

void mischief_turn(struct mischief *m)
{
    const struct crowd_plan *p = &m->plan;
    if (m->starved_until && ts_now_ms() >= m->starved_until)
        feed(m);
    m->acts++;
    if (p->kills && chance(m, 20))
        crowd_kill_one(m->crowd);
    else if (p->sleeps && chance(m, 15))
        crowd_stop_one(m->crowd);
    else if (p->cuts && chance(m, 4))
        trouble_one(m);
    else if (p->destroys && chance(m, 15))
        ts_reply_free(ASK(m, "XGROUP", "DESTROY", CROWD_STREAM, CROWD_GROUP));
    else if (p->deletes && chance(m, 8))
        delete (m);
    else if (p->drops && chance(m, 10))
        drop_a_consumer(m);
    else if (p->forgets_scripts && chance(m, 10))
        ts_reply_free(ASK(m, "SCRIPT", "FLUSH"));
    else if (p->starves && !m->starved_until && chance(m, 15))
        starve(m);
    else if (p->server_dies && m->deaths < 2 && chance(m, 40))
        kill_server(m);
    else if (p->flushes && m->life < 4 && chance(m, 20))
        flush(m);
    else if (p->clock && chance(m, 6))
        step_clock(m);
    else
        m->acts--;
}

void mischief_end(struct mischief *m)
{
    feed(m);
    clocked_set(m->folder, m->highest);
    ts_proxy_release(m->rig->proxy, TS_EVERY);
}
